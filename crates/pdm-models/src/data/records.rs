//! Lines of a text file, and the records of a table whose quoted fields go over several.

use super::scan::{Dialect, LONGEST_LINE, split};

/// A quoted field that goes on for more lines than this was never meant to be one.
const MOST_LINES: usize = 1000;

/// One record: the line it begins on, and its bytes without the last line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) line: u64,
    pub(super) bytes: &'a [u8],
}

/// The records of a text.
pub(super) struct Records<'a> {
    rest: Option<&'a [u8]>,
    line: u64,
    dialect: Dialect,
    /// Fields of a whole record.
    width: usize,
}

impl<'a> Records<'a> {
    pub(super) fn new(body: &'a [u8], first_line: u64, dialect: Dialect, width: usize) -> Self {
        Self { rest: (!body.is_empty()).then_some(body), line: first_line, dialect, width }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let rest = self.rest?;
        let lines = match self.dialect {
            Dialect::Blanks => 1,
            Dialect::Separated { separator, .. } => lines_of_record(rest, separator, self.dialect, self.width),
        };
        let end = end_of_lines(rest, lines);
        let record = Record { line: self.line, bytes: &rest[..end] };
        self.line += lines as u64;
        self.rest = rest.get(end + 1..);
        Some(record)
    }
}

/// Returns how many lines the first record has.
///
/// A quote that nobody closes would swallow what follows; where the first line alone has all fields, it is a record and the
/// quote is part of a text.
fn lines_of_record(text: &[u8], separator: u8, dialect: Dialect, width: usize) -> usize {
    let first = &text[..end_of_lines(text, 1)];
    if !first.contains(&b'"') || !ends_in_quotes(first, separator) {
        return 1;
    }
    for lines in 2..=MOST_LINES {
        let end = end_of_lines(text, lines);
        let candidate = &text[..end];
        if candidate.len() > LONGEST_LINE {
            return 1;
        }
        if !ends_in_quotes(candidate, separator) {
            let fields = std::str::from_utf8(candidate).map(|text| split(text, dialect).len());
            return if fields == Ok(width) { lines } else { 1 };
        }
        if end == text.len() {
            return 1;
        }
    }
    1
}

/// Returns where the first lines end, before their last line feed.
fn end_of_lines(text: &[u8], lines: usize) -> usize {
    let mut ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
    ends.nth(lines - 1).unwrap_or(text.len())
}

/// Returns whether a quoted field is open at the end. A quote opens a field only where the field begins.
fn ends_in_quotes(text: &[u8], separator: u8) -> bool {
    let (mut quoted, mut begins) = (false, true);
    let mut bytes = text.iter().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' if quoted && bytes.peek() == Some(&&b'"') => drop(bytes.next()),
            b'"' if quoted => quoted = false,
            b'"' if begins => (quoted, begins) = (true, false),
            b' ' => {}
            byte if !quoted => begins = *byte == separator || *byte == b'\n',
            _ => {}
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAS: Dialect = Dialect::Separated { separator: b',', decimal_comma: false };

    fn records(text: &str, width: usize) -> Vec<(u64, &str)> {
        let records = Records::new(text.as_bytes(), 2, COMMAS, width);
        records.map(|record| (record.line, std::str::from_utf8(record.bytes).unwrap())).collect()
    }

    #[test]
    fn quoted_fields_may_go_over_lines() {
        let text = "1,\"a\nb, \"\"c\"\"\",2\n3,x,4";
        assert_eq!(records(text, 3), [(2, "1,\"a\nb, \"\"c\"\"\",2"), (4, "3,x,4")]);
    }

    #[test]
    fn stray_quotes_end_with_their_line() {
        let text = "1,5\" pipe,2\n3,\"never closed,4\n5,x,6\n";
        assert_eq!(records(text, 3), [(2, "1,5\" pipe,2"), (3, "3,\"never closed,4"), (4, "5,x,6"), (5, "")]);
    }
}
