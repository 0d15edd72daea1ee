//! The strict reader: slower than polars, but it reports line and column of everything that is wrong.

use std::borrow::Cow;

use super::findings::{FindingLocation, FindingLog};
use super::number::{self, BadCell, shown};
use super::records::{Records, TextRecord, may_follow_quote};
use super::rows::Rows;
use super::table::CellRules;
use super::time::{RowTime, TimeReader};
use super::{Expectation, Schema, Severity};

/// Maximum length of a row, in bytes.
pub(super) const LONGEST_LINE: usize = 1 << 20;

/// How the fields of a line are separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// By runs of blanks, as in C-MAPSS.
    Blanks,
    /// By a separator, with double quotes around fields that contain it, as in RFC 4180.
    Separated {
        /// Mostly a comma.
        separator: u8,
        /// Whether numbers are written as `1,5`.
        decimal_comma: bool,
    },
}

/// Positions of the schema's columns in a line.
#[derive(Debug, Clone)]
pub(super) struct ColumnLayout<'a> {
    pub(super) dialect: Dialect,
    /// All columns of the file.
    pub(super) names: Vec<String>,
    /// Absent if the whole file is about one unit.
    pub(super) unit: Option<usize>,
    pub(super) unit_of_file: Option<String>,
    /// Absent if the file has one row for each unit.
    pub(super) cycle: Option<usize>,
    pub(super) channels: Vec<usize>,
    /// Whether units are whole numbers.
    pub(super) numbered: bool,
    /// Reads the column `cycle` as times.
    pub(super) time_reader: Option<TimeReader>,
    pub(super) cells: CellRules<'a>,
}

impl ColumnLayout<'_> {
    /// Returns the layout of a text file without a header whose columns are those of the schema, in its order.
    pub(super) fn headless(schema: &Schema) -> Self {
        let names = [&schema.unit, &schema.cycle]
            .into_iter()
            .cloned()
            .chain(schema.channels().map(str::to_owned));
        Self {
            dialect: Dialect::Blanks,
            names: names.collect(),
            unit: Some(0),
            unit_of_file: None,
            cycle: Some(1),
            channels: (2..schema.width()).collect(),
            numbered: true,
            time_reader: None,
            cells: CellRules::default(),
        }
    }

    fn describe(&self, column: usize) -> String {
        format!("column {} ({})", column + 1, self.names[column])
    }
}

/// Reads the lines of `body`, the first of which is line `first_line` of the file, and logs what is wrong with them.
pub(super) fn scan(
    body: &[u8],
    first_line: u64,
    layout: &ColumnLayout<'_>,
    file: &str,
    log: &mut FindingLog,
) -> Rows {
    let mut scanner = Scanner {
        layout,
        file,
        log,
        rows: Rows::collecting(layout.channels.len()),
    };
    let body = trim_end(body);
    let mut values = Vec::with_capacity(layout.channels.len());
    let mut empty = 0_u64;
    let mut first_empty = None;
    for TextRecord {
        line,
        bytes,
        stray_up_to,
    } in Records::new(body, first_line, layout.dialect, layout.names.len())
    {
        if is_empty_row(bytes, layout.dialect) {
            empty += 1;
            first_empty = first_empty.or(Some(line));
            continue;
        }
        if let Some(last) = stray_up_to {
            scanner.warn_of_stray_quote(line, last);
        }
        if !scanner.line(line, bytes, first_line == line, &mut values) {
            scanner.rows.dropped += 1;
        }
    }
    let rows = scanner.rows;
    if let Some(line) = first_empty {
        let message = if empty == 1 {
            "skipped a row without values".to_owned()
        } else {
            format!("skipped {empty} rows without values, the first of them here")
        };
        log.add(
            Severity::Info,
            Expectation::Columns,
            FindingLocation::file(file).line(line),
            message,
        );
    }
    rows
}

/// Returns whether a line of a table has only separators, as editors and spreadsheets leave them.
fn is_empty_row(bytes: &[u8], dialect: Dialect) -> bool {
    match dialect {
        Dialect::Blanks => false,
        Dialect::Separated { separator, .. } => bytes
            .iter()
            .all(|byte| *byte == separator || matches!(byte, b' ' | b'\r' | b'\t')),
    }
}

/// Returns whether a line exceeds the maximum length; the fast readers would read it as one value.
pub(super) fn has_long_line(bytes: &[u8]) -> bool {
    bytes.len() > LONGEST_LINE
        && bytes
            .split(|byte| *byte == b'\n')
            .any(|line| line.len() > LONGEST_LINE)
}

/// Logs a file that ends in the middle of its last line, and returns the complete lines.
///
/// Every line of a C-MAPSS file ends with the same blanks and a line break. A last line without a line break may still be
/// complete, if an editor saved the file; it is not if other lines end with blanks and this one does not.
pub(super) fn up_to_cut<'a>(
    bytes: &'a [u8],
    layout: &ColumnLayout<'_>,
    file: &str,
    log: &mut FindingLog,
) -> &'a [u8] {
    if bytes.ends_with(b"\n") || bytes.trim_ascii().is_empty() {
        return bytes;
    }
    let start = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let location = FindingLocation::file(file)
        .line(1 + bytes[..start].iter().filter(|byte| **byte == b'\n').count() as u64);
    let last = &bytes[start..];
    let fields = last
        .split(u8::is_ascii_whitespace)
        .filter(|field| !field.is_empty())
        .count();
    if fields < layout.names.len() {
        let message = format!(
            "the file ends in the middle of a row: {}",
            counted(fields, layout.names.len())
        );
        log.error(Expectation::Complete, location, message);
        return &bytes[..start];
    } else if blanks_at_end(last)
        != blanks_at_end(
            bytes
                .split(|byte| *byte == b'\n')
                .next()
                .unwrap_or_default(),
        )
    {
        let message =
            "the last line does not end like the first one: its last value may be cut off";
        log.error(Expectation::Complete, location, message);
    } else {
        let message = "the last line has no line break; it is read as complete";
        log.add(Severity::Warning, Expectation::Complete, location, message);
    }
    bytes
}

fn blanks_at_end(line: &[u8]) -> usize {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    line.iter()
        .rev()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count()
}

fn trim_end(body: &[u8]) -> &[u8] {
    &body[..body
        .iter()
        .rposition(|byte| !byte.is_ascii_whitespace())
        .map_or(0, |last| last + 1)]
}

struct Scanner<'a> {
    layout: &'a ColumnLayout<'a>,
    file: &'a str,
    log: &'a mut FindingLog,
    rows: Rows,
}

impl Scanner<'_> {
    /// Keeps a row and returns true, or logs why that is impossible.
    fn line(&mut self, line: u64, bytes: &[u8], first: bool, values: &mut Vec<f64>) -> bool {
        let location = FindingLocation::file(self.file).line(line);
        let text = match text_of(bytes) {
            Ok(text) => text,
            Err((expectation, message)) => {
                self.log.error(expectation, location, message);
                return false;
            }
        };
        let fields = split(text, self.layout.dialect);
        if let Some(message) = self.misshapen(text, &fields, first) {
            self.log.error(Expectation::Columns, location, message);
            return false;
        }
        self.row(line, &fields, values)
    }

    fn warn_of_stray_quote(&mut self, line: u64, last: u64) {
        let message = format!(
            "a quote opens here and could close at line {last}, but lines in between are complete rows: each line is read as a \
            row and the quotes as ordinary characters"
        );
        self.log.add(
            Severity::Warning,
            Expectation::Columns,
            FindingLocation::file(self.file).line(line),
            message,
        );
    }

    fn misshapen(&self, text: &str, fields: &[Cow<'_, str>], first: bool) -> Option<String> {
        let width = self.layout.names.len();
        if first && self.layout.dialect == Dialect::Blanks && is_header(fields) {
            return Some(format!(
                "a header row, {}: this format has no header, every line is a row of numbers",
                shown(text.trim())
            ));
        }
        if fields.len() == width {
            return None;
        }
        let commas = text.bytes().filter(|byte| *byte == b',').count();
        let csv = self.layout.dialect == Dialect::Blanks && fields.len() <= 2 && commas > 0;
        let hint = if csv {
            "; fields are separated by commas, not spaces"
        } else {
            ""
        };
        Some(format!("{}{hint}", counted(fields.len(), width)))
    }

    fn row(&mut self, line: u64, fields: &[Cow<'_, str>], values: &mut Vec<f64>) -> bool {
        let layout = self.layout;
        let unit = match layout.unit {
            Some(column) => self.cell(line, column, |label| {
                unit_of(&fields[column], layout.numbered, label)
            }),
            None => layout.unit_of_file.clone(),
        };
        let time = self.time(line, fields);
        self.read_channels(line, fields, values);
        match (unit, time) {
            (Some(unit), Some(CellTime::Cycle(cycle))) => {
                self.rows.push(line, &unit, cycle, values);
                true
            }
            (Some(unit), Some(CellTime::At(time))) => {
                self.rows.push_at(line, &unit, time, values);
                true
            }
            (Some(unit), None) => {
                self.rows.lose(line, &unit);
                false
            }
            (None, _) => false,
        }
    }

    fn time(&mut self, line: u64, fields: &[Cow<'_, str>]) -> Option<CellTime> {
        let layout = self.layout;
        let Some(column) = layout.cycle else {
            return Some(CellTime::Cycle(0));
        };
        let text = &fields[column];
        match &layout.time_reader {
            Some(time_reader) => self.cell(line, column, |label| {
                let text = match time_reader.is_numeric() {
                    true => with_point(text, layout.dialect, label)?,
                    false => Cow::Borrowed(&**text),
                };
                time_reader.read(&text, label).map(CellTime::At)
            }),
            None => self.cell(line, column, |label| {
                number::whole(&with_point(text, layout.dialect, label)?, label).map(CellTime::Cycle)
            }),
        }
    }

    fn read_channels(&mut self, line: u64, fields: &[Cow<'_, str>], values: &mut Vec<f64>) {
        let layout = self.layout;
        values.clear();
        for &column in &layout.channels {
            let text = without_thousands(&fields[column], layout.cells.thousands);
            if layout.cells.is_missing(&text) {
                values.push(f64::NAN);
                continue;
            }
            let value = match quick_number(&text, layout.dialect) {
                Some(value) => Some(value),
                None => self.cell(line, column, |label| {
                    number::finite(&with_point(&text, layout.dialect, label)?, label)
                }),
            };
            values.push(value.unwrap_or(f64::NAN));
        }
    }

    fn cell<T>(
        &mut self,
        line: u64,
        column: usize,
        read: impl FnOnce(&str) -> Result<T, BadCell>,
    ) -> Option<T> {
        match read(&self.layout.describe(column)) {
            Ok(value) => Some(value),
            Err(BadCell {
                expectation,
                message,
            }) => {
                let location = FindingLocation::file(self.file)
                    .line(line)
                    .column(&self.layout.names[column]);
                self.log.error(expectation, location, message);
                None
            }
        }
    }
}

/// What a row has in its cycle or time column.
enum CellTime {
    Cycle(u32),
    At(RowTime),
}

/// Removes the separators of thousands.
fn without_thousands<'t>(text: &'t str, thousands: Option<char>) -> Cow<'t, str> {
    match thousands {
        Some(mark) if text.contains(mark) => Cow::Owned(text.replace(mark, "")),
        Some(_) | None => Cow::Borrowed(text),
    }
}

/// Returns a finite number; `None` for every other text, which is then read again for its error message.
fn quick_number(text: &str, dialect: Dialect) -> Option<f64> {
    let text = with_point(text, dialect, "").ok()?;
    let value = text.parse::<f64>().ok()?;
    value.is_finite().then_some(value)
}

/// Replaces a decimal comma by a point; `column` is the column as messages describe it.
fn with_point<'t>(text: &'t str, dialect: Dialect, column: &str) -> Result<Cow<'t, str>, BadCell> {
    match dialect {
        Dialect::Separated {
            decimal_comma: true,
            ..
        } if has_points_for_thousands(text) => {
            let whole = text.replace('.', "");
            let decimal = text.replacen('.', ",", 1);
            let message = format!(
                "{} in {column} has a point, but this file has decimal commas: write {} if the point separates thousands, or {} \
                if it separates decimal places",
                shown(text),
                shown(&whole),
                shown(&decimal)
            );
            Err(BadCell {
                expectation: Expectation::Types,
                message,
            })
        }
        // A number with both marks is left as it is and fails to parse.
        Dialect::Separated {
            decimal_comma: true,
            ..
        } if text.contains(',') && !text.contains('.') => {
            Ok(Cow::Owned(text.replacen(',', ".", 1)))
        }
        Dialect::Blanks | Dialect::Separated { .. } => Ok(Cow::Borrowed(text)),
    }
}

/// Returns whether a number is written as `1.000` or `1.234.567`, so that its points may separate thousands.
fn has_points_for_thousands(text: &str) -> bool {
    let mut groups = text.trim_start_matches(['-', '+']).split('.');
    let is_group = |group: &str, length: std::ops::RangeInclusive<usize>| {
        length.contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_digit())
    };
    let begins = groups.next().is_some_and(|first| is_group(first, 1..=3));
    let mut others = groups.peekable();
    begins && others.peek().is_some() && others.all(|group| is_group(group, 3..=3))
}

fn counted(fields: usize, expected: usize) -> String {
    let columns = if fields == 1 {
        "1 column".to_owned()
    } else {
        format!("{fields} columns")
    };
    format!("{columns} instead of {expected}")
}

fn unit_of(field: &str, numbered: bool, label: &str) -> Result<String, BadCell> {
    if numbered {
        return number::whole(field, label).map(|unit| unit.to_string());
    }
    if field.is_empty() {
        return Err(BadCell {
            expectation: Expectation::Finite,
            message: format!("{label} is empty"),
        });
    }
    Ok(field.to_owned())
}

fn is_header(fields: &[Cow<'_, str>]) -> bool {
    let named = |field: &str| {
        field.parse::<f64>().is_err() && field.bytes().any(|byte| byte.is_ascii_alphabetic())
    };
    !fields.is_empty() && fields.iter().all(|field| named(field))
}

fn text_of(bytes: &[u8]) -> Result<&str, (Expectation, String)> {
    if bytes.len() > LONGEST_LINE {
        return Err((
            Expectation::Columns,
            format!("a line of {} bytes, too long for a row", bytes.len()),
        ));
    }
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        (
            Expectation::Types,
            format!(
                "byte 0x{:02x} at position {} is not UTF-8",
                bytes[at],
                at + 1
            ),
        )
    })
}

/// Splits a record into trimmed fields.
pub(super) fn split(record: &str, dialect: Dialect) -> Vec<Cow<'_, str>> {
    match dialect {
        Dialect::Blanks => record.split_ascii_whitespace().map(Cow::Borrowed).collect(),
        Dialect::Separated { separator, .. } if !record.contains('"') => record
            .split(char::from(separator))
            .map(|field| Cow::Borrowed(field.trim()))
            .collect(),
        Dialect::Separated { separator, .. } => split_quoted(record, char::from(separator)),
    }
}

/// Splits at separators outside of quotes. A quote counts only if a field begins with it and it is closed later; others are
/// ordinary characters.
fn split_quoted(record: &str, separator: char) -> Vec<Cow<'_, str>> {
    let mut fields = Vec::new();
    let mut rest = Some(record);
    let mut may_be_quoted = true;
    while let Some(text) = rest {
        let begin = text.trim_start_matches(' ');
        if may_be_quoted && let Some(quoted) = begin.strip_prefix('"') {
            if let Some((field, after)) = up_to_quote(quoted, separator) {
                let (tail, next) = up_to_separator(after, separator);
                fields.push(Cow::Owned(
                    format!("{field}{}", tail.trim_end()).trim().to_owned(),
                ));
                rest = next;
                continue;
            }
            // If no quote closes this one, none closes a later one.
            may_be_quoted = false;
        }
        let (field, next) = up_to_separator(text, separator);
        fields.push(Cow::Borrowed(field.trim()));
        rest = next;
    }
    fields
}

fn up_to_separator(text: &str, separator: char) -> (&str, Option<&str>) {
    match text.split_once(separator) {
        Some((field, rest)) => (field, Some(rest)),
        None => (text, None),
    }
}

/// Returns the text before the closing quote, with doubled quotes as one, and what follows.
fn up_to_quote(text: &str, separator: char) -> Option<(String, &str)> {
    let separator = u8::try_from(separator).ok()?;
    let mut field = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"')?;
        field.push_str(before);
        if let Some(doubled) = after.strip_prefix('"') {
            field.push('"');
            rest = doubled;
        } else if may_follow_quote(after.bytes().next(), separator) {
            return Some((field, after));
        } else {
            field.push('"');
            rest = after;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_between_thousands_are_refused_where_commas_are_decimal() {
        let dialect = Dialect::Separated {
            separator: b';',
            decimal_comma: true,
        };
        for text in ["1.000", "-2.389", "1.234.567", "0.500"] {
            assert!(with_point(text, dialect, "c").is_err(), "{text}");
        }
        for (text, number) in [
            ("1,5", "1.5"),
            ("1.5", "1.5"),
            ("1234.567", "1234.567"),
            ("1.2345", "1.2345"),
        ] {
            assert_eq!(with_point(text, dialect, "c").unwrap(), number);
        }
        let points = Dialect::Separated {
            separator: b';',
            decimal_comma: false,
        };
        assert_eq!(with_point("1.000", points, "c").unwrap(), "1.000");
    }

    #[test]
    fn fields_are_split_by_format() {
        let commas = Dialect::Separated {
            separator: b',',
            decimal_comma: false,
        };
        assert_eq!(split(" 1  2\t3  ", Dialect::Blanks), ["1", "2", "3"]);
        assert_eq!(
            split("a, b,,\"c,\"\"d\"\"\"", commas),
            ["a", "b", "", "c,\"d\""]
        );
        assert_eq!(split("a,\"b,c", commas), ["a", "\"b", "c"]);
        assert_eq!(
            split("5\" pipe,\"x\" y,3", commas),
            ["5\" pipe", "x y", "3"]
        );
        assert_eq!(split("a,\"b,c\"d", commas), ["a", "\"b", "c\"d"]);
        let semicolons = Dialect::Separated {
            separator: b';',
            decimal_comma: true,
        };
        assert_eq!(split("1,5;\"2;3\";", semicolons), ["1,5", "2;3", ""]);
    }
}
