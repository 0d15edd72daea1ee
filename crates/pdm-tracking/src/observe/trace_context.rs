//! The trace that a command belongs to.

use std::fmt::Write;

use ring::rand::{SecureRandom, SystemRandom};

/// The trace that a command belongs to, as in W3C's Trace Context (<https://www.w3.org/TR/trace-context/>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// Id of the trace; never all zero.
    pub trace_id: [u8; 16],
    /// The span that started this command, if known.
    pub parent: Option<[u8; 8]>,
    /// Whether the trace is recorded.
    pub sampled: bool,
}

impl TraceContext {
    /// Reads a `traceparent`, such as `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.trim().split('-').collect();
        let [version, trace, parent, flags, ..] = parts[..] else {
            return None;
        };
        let version = bytes::<1>(version)?[0];
        // Later versions may add parts; version 255 is invalid.
        if version == 0xff || (version == 0 && parts.len() != 4) {
            return None;
        }
        let trace_id = bytes::<16>(trace)?;
        let parent = bytes::<8>(parent)?;
        let flags = bytes::<1>(flags)?[0];
        let is_valid = trace_id != [0; 16] && parent != [0; 8];
        is_valid.then_some(Self {
            trace_id,
            parent: Some(parent),
            sampled: flags & 1 == 1,
        })
    }

    /// Returns a new trace with a random id.
    pub fn new() -> Self {
        let mut trace_id = [0; 16];
        let drawn = SystemRandom::new().fill(&mut trace_id);
        // All zero is invalid, so a system without random numbers gets another id.
        trace_id[15] |= u8::from(drawn.is_err() || trace_id == [0; 16]);
        Self {
            trace_id,
            parent: None,
            sampled: true,
        }
    }

    /// Returns the id of the trace in 32 hexadecimal digits.
    pub fn trace_hex(&self) -> String {
        hex(&self.trace_id)
    }
}

impl Default for TraceContext {
    fn default() -> Self {
        Self::new()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _never_full = write!(text, "{byte:02x}");
            text
        })
}

/// Reads exactly `N` bytes from hexadecimal digits in small letters.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != N * 2
        || !text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_is_read() {
        let read =
            TraceContext::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
        assert_eq!(read.trace_hex(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(
            read.parent,
            Some([0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31])
        );
        assert!(read.sampled);
        let later =
            TraceContext::parse("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-more")
                .unwrap();
        assert!(!later.sampled);
    }

    #[test]
    fn what_the_standard_forbids_is_not_a_context() {
        for text in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
        ] {
            assert_eq!(TraceContext::parse(text), None, "{text}");
        }
    }

    #[test]
    fn traces_have_names_of_their_own() {
        let (a, b) = (TraceContext::new(), TraceContext::new());
        assert_ne!(a.trace_id, b.trace_id);
        assert_eq!((a.parent, a.trace_hex().len()), (None, 32));
    }
}
