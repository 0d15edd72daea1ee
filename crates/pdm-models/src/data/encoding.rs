//! Decodes text files to UTF-8 and normalises their line breaks.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Character encoding of a text file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Encoding {
    /// UTF-8, with or without a byte-order mark.
    #[serde(rename = "utf-8")]
    Utf8,
    /// UTF-16, which Windows calls "Unicode"; the byte order follows from the byte-order mark, else from the zero bytes.
    #[serde(rename = "utf-16")]
    Utf16,
    /// Latin-1 with the extensions of Windows (Windows-1252).
    #[serde(rename = "latin-1")]
    Latin1,
}

/// Text as UTF-8, with lines that end in a line feed.
#[derive(Debug)]
pub(super) struct Text<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    /// How characters outside ASCII were decoded, if the encoding was guessed.
    pub(super) guess: Option<Guess>,
}

/// Why decoded characters may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guess {
    /// The bytes are not UTF-8, and were read as Windows-1252.
    Latin1,
    /// Some characters are UTF-8 and some bytes are not; those were replaced.
    Mixed,
}

/// Returns text as UTF-8; an encoding named by the user takes precedence over what the bytes look like.
pub(super) fn decoded(bytes: &[u8], requested: Option<Encoding>) -> Text<'_> {
    let encoding = requested.or_else(|| unmistakable(bytes));
    let (text, guess) = match encoding {
        Some(Encoding::Utf16) => (Cow::Owned(from_utf16(bytes).into_bytes()), None),
        Some(Encoding::Latin1) => (Cow::Owned(from_latin1(bytes).into_bytes()), None),
        Some(Encoding::Utf8) => (Cow::Borrowed(without_mark(bytes)), None),
        None => guessed(without_mark(bytes)),
    };
    Text {
        bytes: with_line_feeds(text),
        guess,
    }
}

/// Like [`decoded`], but without guessing: bytes that are neither UTF-8 nor UTF-16 are left as they are.
pub(super) fn unguessed(bytes: &[u8]) -> Text<'_> {
    decoded(bytes, unmistakable(bytes).or(Some(Encoding::Utf8)))
}

/// Returns whether bytes are UTF-16, and so may be text although they contain zeros.
pub(super) fn is_utf16(bytes: &[u8]) -> bool {
    unmistakable(bytes) == Some(Encoding::Utf16)
}

/// Strips the byte-order mark some editors write.
pub(super) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

fn unmistakable(bytes: &[u8]) -> Option<Encoding> {
    if bytes.starts_with(b"\xff\xfe")
        || bytes.starts_with(b"\xfe\xff")
        || byte_order(bytes).is_some()
    {
        return Some(Encoding::Utf16);
    }
    bytes.starts_with(b"\xef\xbb\xbf").then_some(Encoding::Utf8)
}

fn guessed(bytes: &[u8]) -> (Cow<'_, [u8]>, Option<Guess>) {
    if std::str::from_utf8(bytes).is_ok() {
        return (Cow::Borrowed(bytes), None);
    }
    let has_wide_characters = bytes.utf8_chunks().any(|chunk| !chunk.valid().is_ascii());
    if has_wide_characters {
        let text = String::from_utf8_lossy(bytes).into_owned();
        (Cow::Owned(text.into_bytes()), Some(Guess::Mixed))
    } else {
        (
            Cow::Owned(from_latin1(bytes).into_bytes()),
            Some(Guess::Latin1),
        )
    }
}

/// Which byte of a pair comes first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ByteOrder {
    LowFirst,
    HighFirst,
}

/// Bytes that are inspected to detect UTF-16: a header and some rows.
const INSPECTED: usize = 1024;

/// Counts the zero bytes near the beginning, at even and at odd offsets.
fn zeros(bytes: &[u8]) -> [usize; 2] {
    let head = &bytes[..bytes.len().min(INSPECTED)];
    [0, 1].map(|first| {
        head.iter()
            .skip(first)
            .step_by(2)
            .filter(|byte| **byte == 0)
            .count()
    })
}

/// Detects UTF-16 without a byte-order mark: zeros occur only at even or only at odd offsets. Names may be in any script, but at
/// least a quarter of a table are digits and separators, whose high byte is zero.
fn byte_order(bytes: &[u8]) -> Option<ByteOrder> {
    const LEAST_SHARE: usize = 4;
    let [even, odd] = zeros(bytes);
    let needed = (bytes.len().min(INSPECTED) / 2)
        .div_ceil(LEAST_SHARE)
        .max(2);
    if odd >= needed && even == 0 {
        Some(ByteOrder::LowFirst)
    } else if even >= needed && odd == 0 {
        Some(ByteOrder::HighFirst)
    } else {
        None
    }
}

/// Returns the likelier byte order of text that is known to be UTF-16.
fn likely_order(bytes: &[u8]) -> ByteOrder {
    let [even, odd] = zeros(bytes);
    if even > odd {
        ByteOrder::HighFirst
    } else {
        ByteOrder::LowFirst
    }
}

fn from_utf16(bytes: &[u8]) -> String {
    let (order, body) = match bytes {
        [0xff, 0xfe, rest @ ..] => (ByteOrder::LowFirst, rest),
        [0xfe, 0xff, rest @ ..] => (ByteOrder::HighFirst, rest),
        _ => (likely_order(bytes), bytes),
    };
    let units = body.chunks_exact(2).map(|pair| match order {
        ByteOrder::LowFirst => u16::from_le_bytes([pair[0], pair[1]]),
        ByteOrder::HighFirst => u16::from_be_bytes([pair[0], pair[1]]),
    });
    char::decode_utf16(units)
        .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// Characters of Windows-1252 from 0x80, where Latin-1 has control characters.
const WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

fn from_latin1(bytes: &[u8]) -> String {
    let character = |byte: &u8| match byte {
        0x80..=0x9f => WINDOWS[usize::from(byte - 0x80)],
        _ => char::from(*byte),
    };
    bytes.iter().map(character).collect()
}

/// Replaces carriage returns by line feeds in a file without line feeds, as old Macs wrote them.
fn with_line_feeds(text: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if text.contains(&b'\n') || !text.contains(&b'\r') {
        return text;
    }
    let mut text = text.into_owned();
    for byte in &mut text {
        if *byte == b'\r' {
            *byte = b'\n';
        }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], requested: Option<Encoding>) -> (String, Option<Guess>) {
        let text = decoded(bytes, requested);
        (
            String::from_utf8(text.bytes.into_owned()).unwrap(),
            text.guess,
        )
    }

    #[test]
    fn text_is_read_in_any_common_encoding() {
        let text = "Prüfstand;°C\n1;2\n";
        let low: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let high: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            [b"\xff\xfe".as_slice(), &low].concat(),
            [b"\xfe\xff".as_slice(), &high].concat(),
        ] {
            assert_eq!(read(&bytes, None), (text.to_owned(), None));
        }
        let plain: Vec<u8> = "unit,cycle\n"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        assert_eq!(read(&plain, None).0, "unit,cycle\n");
        let cyrillic = "Темп,цикл\n1,2\n3,4\n";
        for order in [u16::to_le_bytes, u16::to_be_bytes] {
            let bytes: Vec<u8> = cyrillic.encode_utf16().flat_map(order).collect();
            assert_eq!(read(&bytes, None).0, cyrillic);
            assert_eq!(read(&bytes, Some(Encoding::Utf16)).0, cyrillic);
        }
        let latin = b"Pr\xfcfstand;\xb0C\n\x80\n";
        assert_eq!(
            read(latin, None),
            ("Prüfstand;°C\n€\n".to_owned(), Some(Guess::Latin1))
        );
        assert_eq!(read(latin, Some(Encoding::Latin1)).1, None);
        assert_eq!(
            read("ü \u{20ac}".as_bytes(), Some(Encoding::Latin1)).0,
            "Ã¼ â‚¬"
        );
        assert_eq!(
            read(b"\xc3\xbc \xfc", None),
            ("ü \u{fffd}".to_owned(), Some(Guess::Mixed))
        );
    }

    #[test]
    fn lines_may_end_in_carriage_returns_alone() {
        assert_eq!(read(b"a,b\r1,2\r", None).0, "a,b\n1,2\n");
        assert_eq!(read(b"a,b\r\n1,2\r\n", None).0, "a,b\r\n1,2\r\n");
    }
}
