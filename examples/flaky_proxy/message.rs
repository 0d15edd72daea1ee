//! Just enough of HTTP/1.1 to know where a message ends. Its bytes are passed on as they came.

use std::io::{self, BufRead, ErrorKind, Read, Write};

/// The request or status line and the headers, with the empty line at the end.
pub(crate) struct Head(Vec<u8>);

/// How the end of a body is found.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Body {
    Length(u64),
    Chunked,
    /// It ends with the connection.
    UntilClosed,
}

impl Head {
    /// Reads a head; `None` where the connection ended before it.
    pub(crate) fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            if from.read_until(b'\n', &mut bytes)? == 0 {
                return if bytes.is_empty() {
                    Ok(None)
                } else {
                    Err(ErrorKind::UnexpectedEof.into())
                };
            }
        }
        Ok(Some(Self(bytes)))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns whether this asks for an answer without its body.
    pub(crate) fn asks_for_head(&self) -> bool {
        self.0.starts_with(b"HEAD ")
    }

    /// Returns whether another answer follows this one.
    pub(crate) fn is_interim(&self) -> bool {
        self.status().is_some_and(|status| status / 100 == 1)
    }

    pub(crate) fn request_body(&self) -> Body {
        self.framed().unwrap_or(Body::Length(0))
    }

    pub(crate) fn answer_body(&self) -> Body {
        match self.status() {
            Some(100..200 | 204 | 304) => Body::Length(0),
            _ => self.framed().unwrap_or(Body::UntilClosed),
        }
    }

    fn framed(&self) -> Option<Body> {
        if self
            .header("transfer-encoding")
            .is_some_and(|value| value.to_ascii_lowercase().ends_with("chunked"))
        {
            return Some(Body::Chunked);
        }
        self.header("content-length")?
            .parse()
            .ok()
            .map(Body::Length)
    }

    fn status(&self) -> Option<u16> {
        std::str::from_utf8(self.0.split(|byte| *byte == b' ').nth(1)?)
            .ok()?
            .trim_end()
            .parse()
            .ok()
    }

    fn header(&self, wanted: &str) -> Option<&str> {
        let lines = self
            .0
            .split(|byte| *byte == b'\n')
            .filter_map(|line| std::str::from_utf8(line).ok());
        let mut headers = lines.filter_map(|line| line.split_once(':'));
        headers
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.trim())
    }
}

impl Body {
    /// Passes a body on, to its end.
    pub(crate) fn pass(self, from: &mut impl BufRead, to: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Length(length) => pass_bytes(length, from, to),
            Self::Chunked => pass_chunks(from, to),
            Self::UntilClosed => io::copy(from, to).map(drop),
        }
    }

    /// Returns its bytes where they are known, else a guess.
    pub(crate) fn length(self) -> u64 {
        match self {
            Self::Length(length) => length,
            Self::Chunked | Self::UntilClosed => 4096,
        }
    }
}

fn pass_bytes(count: u64, from: &mut impl BufRead, to: &mut impl Write) -> io::Result<()> {
    let passed = io::copy(&mut from.take(count), to)?;
    if passed == count {
        Ok(())
    } else {
        Err(ErrorKind::UnexpectedEof.into())
    }
}

fn pass_chunks(from: &mut impl BufRead, to: &mut impl Write) -> io::Result<()> {
    loop {
        let line = pass_line(from, to)?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let length = u64::from_str_radix(digits, 16).map_err(|_| ErrorKind::InvalidData)?;
        if length == 0 {
            break;
        }
        pass_bytes(length + 2, from, to)?;
    }
    while !pass_line(from, to)?.trim().is_empty() {}
    Ok(())
}

fn pass_line(from: &mut impl BufRead, to: &mut impl Write) -> io::Result<String> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    to.write_all(line.as_bytes())?;
    Ok(line)
}

/// Takes so many bytes, and fails at the next.
pub(crate) struct Cut<W> {
    pub(crate) to: W,
    pub(crate) left: u64,
}

impl<W: Write> Write for Cut<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fits = bytes
            .len()
            .min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if fits == 0 && !bytes.is_empty() {
            return Err(ErrorKind::ConnectionAborted.into());
        }
        let written = self.to.write(&bytes[..fits])?;
        self.left -= written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
