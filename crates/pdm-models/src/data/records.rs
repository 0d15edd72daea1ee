//! Divides a text file into records, whose quoted fields may span several lines.

use super::scan::{Dialect, LONGEST_LINE, split};

/// Maximum number of lines of a quoted field; a quote that is open for longer is an ordinary character.
const MOST_LINES: usize = 1000;

/// One record: the line it begins on, and its bytes without the last line break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TextRecord<'a> {
    pub(super) line: u64,
    pub(super) bytes: &'a [u8],
    /// The line of the quote that could close a quote of this line, if both are treated as ordinary characters because the
    /// lines between them are complete rows.
    pub(super) stray_up_to: Option<u64>,
}

/// The records of a text.
pub(super) struct Records<'a> {
    rest: Option<&'a [u8]>,
    line: u64,
    dialect: Dialect,
    /// Number of fields of a complete record.
    width: usize,
}

impl<'a> Records<'a> {
    pub(super) fn new(body: &'a [u8], first_line: u64, dialect: Dialect, width: usize) -> Self {
        Self {
            rest: (!body.is_empty()).then_some(body),
            line: first_line,
            dialect,
            width,
        }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = TextRecord<'a>;

    fn next(&mut self) -> Option<TextRecord<'a>> {
        let rest = self.rest?;
        let extent = match self.dialect {
            Dialect::Blanks => RecordExtent::ONE_LINE,
            Dialect::Separated { separator, .. } => {
                extent(rest, separator, self.dialect, self.width)
            }
        };
        let end = end_of_lines(rest, extent.lines);
        let stray_up_to = extent.stray.map(|lines| self.line + lines as u64 - 1);
        let record = TextRecord {
            line: self.line,
            bytes: &rest[..end],
            stray_up_to,
        };
        self.line += extent.lines as u64;
        self.rest = rest.get(end + 1..);
        Some(record)
    }
}

/// Extent of a record.
struct RecordExtent {
    lines: usize,
    /// The number of lines up to the quote that could close a stray one.
    stray: Option<usize>,
}

impl RecordExtent {
    const ONE_LINE: Self = Self {
        lines: 1,
        stray: None,
    };
}

/// Returns the extent of the first record.
///
/// A stray quote must not swallow the following rows. If the first line alone has all fields, and so has another line before
/// the quote that could close it, these lines are rows, and both quotes are ordinary characters.
fn extent(text: &[u8], separator: u8, dialect: Dialect, width: usize) -> RecordExtent {
    let Some(lines) = lines_of_quoted(text, separator) else {
        return RecordExtent::ONE_LINE;
    };
    let candidate = &text[..end_of_lines(text, lines)];
    let is_whole = |bytes: &[u8]| {
        std::str::from_utf8(bytes).is_ok_and(|text| split(text, dialect).len() == width)
    };
    if !is_whole(candidate) {
        return RecordExtent::ONE_LINE;
    }
    let mut single = candidate.split(|byte| *byte == b'\n');
    let begins_whole = single.next().is_some_and(is_whole);
    if begins_whole && single.any(is_whole) {
        RecordExtent {
            lines: 1,
            stray: Some(lines),
        }
    } else {
        RecordExtent { lines, stray: None }
    }
}

/// Returns the number of lines, more than one, after which the quotes that the first line opens are closed; `None` if they
/// are closed on the first line or too far away.
pub(super) fn lines_of_quoted(text: &[u8], separator: u8) -> Option<usize> {
    let mut quotes = Quotes {
        separator,
        quoted: false,
        begins: true,
    };
    let mut length = 0;
    for (before, line) in text
        .split(|byte| *byte == b'\n')
        .take(MOST_LINES)
        .enumerate()
    {
        if before == 0 && !line.contains(&b'"') {
            return None;
        }
        length += line.len() + 1;
        if length > LONGEST_LINE {
            return None;
        }
        quotes.pass(line);
        if !quotes.quoted {
            return (before > 0).then_some(before + 1);
        }
    }
    None
}

/// Returns the offset of the last line feed of the first `lines` lines.
pub(super) fn end_of_lines(text: &[u8], lines: usize) -> usize {
    let mut ends = text
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n')
        .map(|(at, _)| at);
    ends.nth(lines - 1).unwrap_or(text.len())
}

/// State of quotes. A quote opens a field only at its beginning, and closes it only where the field may end.
struct Quotes {
    separator: u8,
    quoted: bool,
    /// Whether a field begins here.
    begins: bool,
}

impl Quotes {
    /// Processes one line.
    fn pass(&mut self, line: &[u8]) {
        let mut bytes = line.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            match byte {
                b'"' if self.quoted && bytes.peek() == Some(&b'"') => {
                    bytes.next();
                }
                b'"' if self.quoted => {
                    self.quoted = !may_follow_quote(bytes.peek().copied(), self.separator)
                }
                b'"' if self.begins => {
                    self.quoted = true;
                    self.begins = false;
                }
                b' ' => {}
                byte if !self.quoted => self.begins = byte == self.separator,
                _ => {}
            }
        }
        self.begins = !self.quoted;
    }
}

/// Returns whether a quote before this byte, or before the end of the text, closes a field.
pub(super) fn may_follow_quote(byte: Option<u8>, separator: u8) -> bool {
    byte.is_none_or(|byte| byte == separator || matches!(byte, b' ' | b'\r' | b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAS: Dialect = Dialect::Separated {
        separator: b',',
        decimal_comma: false,
    };

    fn records(text: &str, width: usize) -> Vec<(u64, &str)> {
        let records = Records::new(text.as_bytes(), 2, COMMAS, width);
        records
            .map(|record| (record.line, std::str::from_utf8(record.bytes).unwrap()))
            .collect()
    }

    #[test]
    fn quoted_fields_may_span_lines() {
        let text = "1,\"a\nb, \"\"c\"\"\",2\n3,x,4";
        assert_eq!(
            records(text, 3),
            [(2, "1,\"a\nb, \"\"c\"\"\",2"), (4, "3,x,4")]
        );
    }

    #[test]
    fn stray_quotes_end_with_their_line() {
        let text = "1,5\" pipe,2\n3,\"never closed,4\n5,x,6\n";
        assert_eq!(
            records(text, 3),
            [
                (2, "1,5\" pipe,2"),
                (3, "3,\"never closed,4"),
                (4, "5,x,6"),
                (5, "")
            ]
        );
    }

    #[test]
    fn a_stray_quote_does_not_swallow_rows_up_to_the_next_one() {
        for mark in ["\"", "\"see above", "\"ab\"c"] {
            let text = format!("1,2,{mark}\n3,4,\n5,6,{mark}\n7,8,ok");
            let lines: Vec<&str> = text.lines().collect();
            let read = records(&text, 3);
            assert_eq!(
                read.iter().map(|(_, text)| *text).collect::<Vec<_>>(),
                lines,
                "{mark}"
            );
        }
        let text = "1,2,\"\n3,4,\"\n5,6,ok";
        let strays: Vec<_> = Records::new(text.as_bytes(), 2, COMMAS, 3)
            .map(|record| record.stray_up_to)
            .collect();
        assert_eq!(strays, [Some(3), None, None]);
    }

    #[test]
    fn a_text_over_lines_in_the_last_column_is_one_field() {
        assert_eq!(
            records("1,2,\"a\nb\"\n3,4,x", 3),
            [(2, "1,2,\"a\nb\""), (4, "3,4,x")]
        );
    }
}
