//! The strict reader: slower than polars, but it knows the line and the column of everything that is wrong.

use std::borrow::Cow;

use super::findings::{FindingLog, Place};
use super::number::{self, BadCell, shown};
use super::rows::Rows;
use super::{Expectation, Schema};

/// No row of a real table is longer, in bytes.
const LONGEST_LINE: usize = 1 << 20;

/// How the fields of a line are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Runs of blanks; as in C-MAPSS.
    Blanks,
    /// Commas, with double quotes around fields that hold some; as in RFC 4180.
    Commas,
}

/// Where the columns of the schema stand in a line.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) dialect: Dialect,
    /// All columns of the file.
    pub(super) names: Vec<String>,
    pub(super) unit: usize,
    /// Absent where the file has one row for each unit.
    pub(super) cycle: Option<usize>,
    pub(super) channels: Vec<usize>,
    /// Whether units are whole numbers.
    pub(super) numbered: bool,
}

impl Layout {
    /// Returns the layout of a text file without a header whose columns are those of the schema, in its order.
    pub(super) fn headless(schema: &Schema) -> Self {
        let names = [&schema.unit, &schema.cycle].into_iter().cloned().chain(schema.channels().map(str::to_owned));
        Self {
            dialect: Dialect::Blanks,
            names: names.collect(),
            unit: 0,
            cycle: Some(1),
            channels: (2..schema.width()).collect(),
            numbered: true,
        }
    }

    fn told(&self, column: usize) -> String {
        format!("column {} ({})", column + 1, self.names[column])
    }
}

/// Reads the lines of `body`, the first of which is line `first_line` of the file, and notes what is wrong with them.
pub(super) fn scan(body: &[u8], first_line: u64, layout: &Layout, file: &str, log: &mut FindingLog) -> Rows {
    let mut scanner = Scanner { layout, file, log, rows: Rows::collecting(layout.channels.len()) };
    let body = trim_end(body);
    let mut values = Vec::with_capacity(layout.channels.len());
    for (line, bytes) in (first_line..).zip(body.split(|byte| *byte == b'\n')) {
        if !body.is_empty() && !scanner.line(line, bytes, first_line == line, &mut values) {
            scanner.rows.dropped += 1;
        }
    }
    scanner.rows
}

/// Notes a file of lines that ends within its last line, and returns what stands before the cut.
///
/// Every line of a C-MAPSS file ends in the same blanks and a line end. A last line without them may still be whole,
/// saved by an editor; it is not where other lines end in blanks and this one does not.
pub(super) fn up_to_cut<'a>(bytes: &'a [u8], layout: &Layout, file: &str, log: &mut FindingLog) -> &'a [u8] {
    if bytes.ends_with(b"\n") || bytes.trim_ascii().is_empty() {
        return bytes;
    }
    let start = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let place = Place::file(file).line(1 + bytes[..start].iter().filter(|byte| **byte == b'\n').count() as u64);
    let last = &bytes[start..];
    let fields = last.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty()).count();
    if fields < layout.names.len() {
        let message = format!("the file ends within a row: {}", counted(fields, layout.names.len()));
        log.error(Expectation::Complete, place, message);
        return &bytes[..start];
    } else if blanks_at_end(last) != blanks_at_end(bytes.split(|byte| *byte == b'\n').next().unwrap_or_default()) {
        let message = "the last line does not end as the first does: its last value may be cut";
        log.error(Expectation::Complete, place, message);
    } else {
        let message = "the last line has no line end; it is taken as whole";
        log.add(super::Severity::Warning, Expectation::Complete, place, message);
    }
    bytes
}

fn blanks_at_end(line: &[u8]) -> usize {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    line.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

fn trim_end(body: &[u8]) -> &[u8] {
    &body[..body.iter().rposition(|byte| !byte.is_ascii_whitespace()).map_or(0, |last| last + 1)]
}

struct Scanner<'a> {
    layout: &'a Layout,
    file: &'a str,
    log: &'a mut FindingLog,
    rows: Rows,
}

impl Scanner<'_> {
    /// Keeps a row and returns true, or notes why it cannot.
    fn line(&mut self, line: u64, bytes: &[u8], first: bool, values: &mut Vec<f64>) -> bool {
        let place = Place::file(self.file).line(line);
        let text = match text_of(bytes) {
            Ok(text) => text,
            Err((expectation, message)) => {
                self.log.error(expectation, place, message);
                return false;
            }
        };
        let Some(fields) = split(text, self.layout.dialect) else {
            self.log.error(Expectation::Columns, place, "a quoted field does not end on its line");
            return false;
        };
        if let Some(message) = self.misshapen(text, &fields, first) {
            self.log.error(Expectation::Columns, place, message);
            return false;
        }
        self.row(line, &fields, values)
    }

    fn misshapen(&self, text: &str, fields: &[Cow<'_, str>], first: bool) -> Option<String> {
        let width = self.layout.names.len();
        if first && self.layout.dialect == Dialect::Blanks && is_header(fields) {
            let told = shown(text.trim());
            return Some(format!("a header row, {told}: the format has none, every line is a row of numbers"));
        }
        if fields.len() == width {
            return None;
        }
        let commas = text.bytes().filter(|byte| *byte == b',').count();
        let csv = self.layout.dialect == Dialect::Blanks && fields.len() <= 2 && commas > 0;
        let hint = if csv { "; fields are divided by commas, not blanks" } else { "" };
        Some(format!("{}{hint}", counted(fields.len(), width)))
    }

    fn row(&mut self, line: u64, fields: &[Cow<'_, str>], values: &mut Vec<f64>) -> bool {
        let layout = self.layout;
        let unit = self.cell(line, layout.unit, |told| unit_of(&fields[layout.unit], layout.numbered, told));
        let cycle = match layout.cycle {
            Some(column) => self.cell(line, column, |told| number::whole(&fields[column], told)),
            None => Some(0),
        };
        values.clear();
        for &column in &layout.channels {
            let value = match fields[column].parse::<f64>() {
                Ok(value) if value.is_finite() => value,
                _ => self.cell(line, column, |told| number::finite(&fields[column], told)).unwrap_or(f64::NAN),
            };
            values.push(value);
        }
        match (unit, cycle) {
            (Some(unit), Some(cycle)) => self.rows.push(line, &unit, cycle, values),
            (Some(unit), None) => {
                self.rows.lose(line, &unit);
                return false;
            }
            (None, _) => return false,
        }
        true
    }

    fn cell<T>(&mut self, line: u64, column: usize, read: impl FnOnce(&str) -> Result<T, BadCell>) -> Option<T> {
        match read(&self.layout.told(column)) {
            Ok(value) => Some(value),
            Err(BadCell { expectation, message }) => {
                let place = Place::file(self.file).line(line).column(&self.layout.names[column]);
                self.log.error(expectation, place, message);
                None
            }
        }
    }
}

fn counted(fields: usize, expected: usize) -> String {
    let columns = if fields == 1 { "1 column".to_owned() } else { format!("{fields} columns") };
    format!("{columns} instead of {expected}")
}

fn unit_of(field: &str, numbered: bool, told: &str) -> Result<String, BadCell> {
    if numbered {
        return number::whole(field, told).map(|unit| unit.to_string());
    }
    if field.is_empty() {
        return Err(BadCell { expectation: Expectation::Finite, message: format!("{told} is empty") });
    }
    Ok(field.to_owned())
}

fn is_header(fields: &[Cow<'_, str>]) -> bool {
    let named = |field: &str| field.parse::<f64>().is_err() && field.bytes().any(|byte| byte.is_ascii_alphabetic());
    !fields.is_empty() && fields.iter().all(|field| named(field))
}

fn text_of(bytes: &[u8]) -> Result<&str, (Expectation, String)> {
    if bytes.len() > LONGEST_LINE {
        return Err((Expectation::Columns, format!("a line of {} bytes, no row of a table", bytes.len())));
    }
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        (Expectation::Types, format!("byte 0x{:02x} at position {} is not UTF-8", bytes[at], at + 1))
    })
}

/// Splits a line into trimmed fields; `None` where a quote is not closed.
pub(super) fn split(line: &str, dialect: Dialect) -> Option<Vec<Cow<'_, str>>> {
    match dialect {
        Dialect::Blanks => Some(line.split_ascii_whitespace().map(Cow::Borrowed).collect()),
        Dialect::Commas if !line.contains('"') => {
            Some(line.split(',').map(|field| Cow::Borrowed(field.trim())).collect())
        }
        Dialect::Commas => split_quoted(line),
    }
}

fn split_quoted(line: &str) -> Option<Vec<Cow<'_, str>>> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => field.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(Cow::Owned(std::mem::take(&mut field).trim().to_owned())),
            _ => field.push(character),
        }
    }
    fields.push(Cow::Owned(field.trim().to_owned()));
    (!quoted).then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_split_as_the_format_says() {
        assert_eq!(split(" 1  2\t3  ", Dialect::Blanks).unwrap(), ["1", "2", "3"]);
        assert_eq!(split("a, b,,\"c,\"\"d\"\"\"", Dialect::Commas).unwrap(), ["a", "b", "", "c,\"d\""]);
        assert_eq!(split("a,\"b", Dialect::Commas), None);
    }
}
