//! Reads CSV files: detects the separator, the decimal mark and the encoding, and reports what is ambiguous.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::encoding::{Encoding, Guess, Text, decoded};
use super::findings::{FindingLocation, FindingLog};
use super::header::{ColumnLookup, find, look_for};
use super::number::shown;
use super::records::{Records, end_of_lines, lines_of_quoted};
use super::rows::Rows;
use super::scan::{ColumnLayout, Dialect, LONGEST_LINE, has_long_line, scan, split};
use super::table::{CellRules, TableColumns};
use super::{Expectation, Severity, frame};

/// Field separators, most common first.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Characters that `separator` must not be, since they are parts of numbers.
const PARTS_OF_NUMBERS: [u8; 3] = [b'.', b'-', b'+'];

/// Number of lines in which a header is searched for below the first line; preambles written by programs are shorter.
const MOST_PREAMBLE: usize = 50;

/// How the user describes a CSV file; what is absent is detected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestedCsv {
    /// Field separator.
    pub separator: Option<char>,
    /// Decimal mark, a point or a comma.
    pub decimal: Option<char>,
    /// Character encoding.
    pub encoding: Option<Encoding>,
}

impl RequestedCsv {
    /// Returns these settings, with those of `other` where they are absent.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            separator: self.separator.or(other.separator),
            decimal: self.decimal.or(other.decimal),
            encoding: self.encoding.or(other.encoding),
        }
    }

    /// Returns whether a character can separate fields: it must not be part of a number, a name or a quoted field.
    pub fn can_divide(separator: char) -> bool {
        separator.is_ascii() && !separator.is_alphanumeric() && !"\"\r\n.-+ ".contains(separator)
    }
}

/// Reads rows; `None` if the header does not name the columns, or the decimal mark is ambiguous.
pub(super) fn read(
    bytes: &[u8],
    columns: &TableColumns<'_>,
    requested: RequestedCsv,
    file: &str,
    log: &mut FindingLog,
) -> Option<Rows> {
    let text = decoded(bytes, requested.encoding);
    let table = TextTable::of(&text.bytes, columns, requested);
    let Some(mut layout) = layout(&table, columns, file, log) else {
        note_guessed_header(&text, &table, file, log);
        return None;
    };
    let decimal_comma = match requested.decimal {
        Some(decimal) => decimal == ',',
        None => has_decimal_comma(&table, &layout, file, log)?,
    };
    layout.dialect = dialect(table.separator, decimal_comma);
    let quick = if has_long_line(table.body) {
        None
    } else {
        frame::separated(table.body, &layout, table.body_line())
    };
    let mut rows = quick.unwrap_or_else(|| scan(table.body, table.body_line(), &layout, file, log));
    if let Some(first) = rows.name_by_whole_numbers() {
        let column = layout.unit.map(|unit| layout.names[unit].as_str());
        let location = FindingLocation {
            column,
            ..FindingLocation::file(file)
        };
        let message = format!("units are read as whole numbers; the first is written as `{first}`");
        log.add(Severity::Info, Expectation::Types, location, message);
    }
    warn_of_guess(&text, &layout, &rows, file, log);
    Some(rows)
}

/// The cells of some columns of a row, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TextRow {
    pub(super) line: u64,
    /// In the order in which the columns were asked for.
    pub(super) cells: Vec<String>,
}

/// Reads columns as text; `None` if the header does not name them. Lines with another number of fields are logged.
pub(super) fn read_texts(
    bytes: &[u8],
    columns: &[&str],
    requested: RequestedCsv,
    file: &str,
    log: &mut FindingLog,
) -> Option<Vec<TextRow>> {
    let (unit, others) = columns.split_first()?;
    let wanted = TableColumns {
        unit: Some(unit),
        unit_of_file: None,
        cycle: None,
        channels: others.to_vec(),
        time_reader: None,
        cells: CellRules::default(),
    };
    let text = decoded(bytes, requested.encoding);
    let table = TextTable::of(&text.bytes, &wanted, requested);
    let layout = layout(&table, &wanted, file, log)?;
    let width = layout.names.len();
    let mut rows = Vec::new();
    for record in Records::new(table.body, table.body_line(), layout.dialect, width) {
        let line = String::from_utf8_lossy(record.bytes);
        let fields = split(&line, layout.dialect);
        if line.trim().is_empty() {
            continue;
        }
        if fields.len() != width {
            let message = format!("{} columns instead of {width}", fields.len());
            let location = FindingLocation::file(file).line(record.line);
            log.error(Expectation::Columns, location, message);
            continue;
        }
        let positions = layout.unit.into_iter().chain(layout.channels.clone());
        rows.push(TextRow {
            line: record.line,
            cells: positions.map(|at| fields[at].to_string()).collect(),
        });
    }
    Some(rows)
}

/// A text file, divided into its header and the rows.
struct TextTable<'a> {
    header: &'a [u8],
    header_line: u64,
    /// Lines of the header: more than one if a quoted name contains a line break.
    header_lines: usize,
    body: &'a [u8],
    /// Field separator.
    separator: u8,
}

impl<'a> TextTable<'a> {
    /// Skips empty lines and the line `sep=;` that Excel writes.
    fn of(text: &'a [u8], columns: &TableColumns<'_>, requested: RequestedCsv) -> Self {
        let mut separator = requested
            .separator
            .and_then(|separator| u8::try_from(separator).ok());
        let (mut header, mut body) = up_to_line_end(text);
        let mut header_line = 1;
        while !body.is_empty() {
            let line = header.trim_ascii_start();
            let named = line.strip_prefix(b"sep=").map(without_line_end);
            match named {
                Some([named]) => separator = separator.or(Some(*named)),
                Some(_) | None if line.trim_ascii().is_empty() => {}
                Some(_) | None => break,
            }
            (header, body) = up_to_line_end(body);
            header_line += 1;
        }
        let rest = &text[text.len() - header.len() - body.len()..];
        let separator = separator.unwrap_or_else(|| separator_of(rest, columns));
        let header_lines = header_lines(rest, separator, columns);
        let end = end_of_lines(rest, header_lines);
        let header = &rest[..end];
        let body = rest.get(end + 1..).unwrap_or_default();
        Self {
            header,
            header_line,
            header_lines,
            body,
            separator,
        }
    }

    fn body_line(&self) -> u64 {
        self.header_line + self.header_lines as u64
    }
}

/// Returns the number of lines of the header that `text` begins with.
fn header_lines(text: &[u8], separator: u8, columns: &TableColumns<'_>) -> usize {
    let Some(lines) = lines_of_quoted(text, separator) else {
        return 1;
    };
    let first = names(&text[..end_of_lines(text, 1)], separator);
    let all = names(&text[..end_of_lines(text, lines)], separator);
    let second = text
        .split(|byte| *byte == b'\n')
        .nth(1)
        .map(|line| names(line, separator).len());
    // If the next line is a row, the quote is an ordinary character.
    let is_followed_by_row = second == Some(first.len());
    match found(&all, columns).cmp(&found(&first, columns)) {
        Ordering::Greater => lines,
        Ordering::Equal if !is_followed_by_row => lines,
        Ordering::Equal | Ordering::Less => 1,
    }
}

/// Returns how many of the wanted columns are among these names.
fn found(names: &[String], columns: &TableColumns<'_>) -> usize {
    columns
        .names()
        .filter(|name| look_for(names, name) != ColumnLookup::Nowhere)
        .count()
}

/// Returns the separator of the header that `text` begins with: the one that yields most wanted columns, then most fields.
fn separator_of(text: &[u8], columns: &TableColumns<'_>) -> u8 {
    if end_of_lines(text, 1) > LONGEST_LINE {
        return SEPARATORS[0];
    }
    let rank = |separator: u8| {
        let lines = header_lines(text, separator, columns);
        let names = names(&text[..end_of_lines(text, lines)], separator);
        (found(&names, columns), names.len())
    };
    let mut best = (SEPARATORS[0], rank(SEPARATORS[0]));
    for separator in SEPARATORS.into_iter().skip(1) {
        let other = rank(separator);
        if other > best.1 {
            best = (separator, other);
        }
    }
    best.0
}

fn names(header: &[u8], separator: u8) -> Vec<String> {
    let header = String::from_utf8_lossy(header);
    split(
        header.trim_end_matches(['\r', '\n']),
        dialect(separator, false),
    )
    .into_iter()
    .map(String::from)
    .collect()
}

/// Strips the line break, but no blanks, since the separator may be one.
fn without_line_end(line: &[u8]) -> &[u8] {
    without_return(line.strip_suffix(b"\n").unwrap_or(line))
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn up_to_line_end(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(text.len(), |at| at + 1);
    text.split_at(end)
}

fn dialect(separator: u8, decimal_comma: bool) -> Dialect {
    Dialect::Separated {
        separator,
        decimal_comma,
    }
}

fn layout<'a>(
    table: &TextTable<'_>,
    columns: &TableColumns<'a>,
    file: &str,
    log: &mut FindingLog,
) -> Option<ColumnLayout<'a>> {
    let location = FindingLocation::file(file).line(table.header_line);
    if table.header.trim_ascii().is_empty() {
        let empty = "is empty: the first line should name the columns";
        log.error(Expectation::Complete, location, empty);
        return None;
    }
    if table.header.len() > LONGEST_LINE {
        let message = format!(
            "begins with a line of {} bytes, too long for a header",
            table.header.len()
        );
        log.error(Expectation::Columns, location, message);
        return None;
    }
    let names = names(table.header, table.separator);
    if let Some(message) = no_header(&names).or_else(|| other_header(table, &names, columns)) {
        log.error(Expectation::Columns, location, message);
        return None;
    }
    let unit = columns.unit.map(|unit| find(&names, unit, location, log));
    let cycle = columns
        .cycle
        .map(|cycle| find(&names, cycle, location, log));
    let channels: Vec<_> = columns
        .channels
        .iter()
        .map(|channel| find(&names, channel, location, log))
        .collect();
    let cycle = match cycle {
        Some(found) => Some(found?),
        None => None,
    };
    let unit = match unit {
        Some(found) => Some(found?),
        None => None,
    };
    let channels = channels.into_iter().collect::<Option<_>>()?;
    Some(ColumnLayout {
        dialect: dialect(table.separator, false),
        unit,
        unit_of_file: columns.unit_of_file.clone(),
        cycle,
        channels,
        numbered: false,
        names,
        time_reader: columns.time_reader.clone(),
        cells: columns.cells,
    })
}

/// Returns a message if the first line is a row of numbers.
fn no_header(names: &[String]) -> Option<String> {
    let is_number = |name: &String| {
        name.parse::<f64>().is_ok() || name.replacen(',', ".", 1).parse::<f64>().is_ok()
    };
    if names.iter().all(is_number) {
        let first = names
            .iter()
            .take(3)
            .map(|name| shown(name))
            .collect::<Vec<_>>()
            .join(", ");
        return Some(format!(
            "begins with numbers ({first}, …); the first line should name the columns"
        ));
    }
    None
}

/// Returns a message if the first line names none of the columns, but would with another separator, or a later line does.
fn other_header(
    table: &TextTable<'_>,
    first: &[String],
    columns: &TableColumns<'_>,
) -> Option<String> {
    if found(first, columns) > 0 {
        return None;
    }
    let wanted = columns.names().count();
    let names_all = |line: &[u8], separator: u8| found(&names(line, separator), columns) == wanted;
    let may_divide = |byte: &u8| {
        (byte.is_ascii_punctuation() || *byte == b' ')
            && *byte != b'"'
            && !PARTS_OF_NUMBERS.contains(byte)
    };
    let marks: BTreeSet<u8> = table.header.iter().copied().filter(may_divide).collect();
    match marks
        .into_iter()
        .find(|mark| names_all(table.header, *mark))
    {
        Some(b' ') => {
            return Some(
                "separates the columns by spaces: use commas instead, also in the rows".to_owned(),
            );
        }
        Some(mark) => {
            let mark = char::from(mark);
            return Some(format!(
                "separates the columns by `{mark}`: write `separator = \"{mark}\"` under [dataset]"
            ));
        }
        None => {}
    }
    let below = table
        .body
        .split(|byte| *byte == b'\n')
        .take(MOST_PREAMBLE)
        .map(without_return);
    let names_them = |line: &[u8]| {
        line.len() <= LONGEST_LINE
            && SEPARATORS
                .iter()
                .any(|separator| names_all(line, *separator))
    };
    let line = below
        .zip(table.body_line()..)
        .find(|(line, _)| names_them(line))
        .map(|(_, number)| number)?;
    Some(format!(
        "begins with other text; the header is on line {line}: remove the lines above it"
    ))
}

/// Returns whether numbers are written as `1,5`; logs an error and returns `None` if only ambiguous ones like `1,234` occur.
fn has_decimal_comma(
    table: &TextTable<'_>,
    layout: &ColumnLayout<'_>,
    file: &str,
    log: &mut FindingLog,
) -> Option<bool> {
    let may_hold = if table.separator == b',' { b'"' } else { b',' };
    if !table.body.contains(&may_hold) || has_long_line(table.body) {
        return Some(false);
    }
    let mut doubtful = None;
    for record in Records::new(
        table.body,
        table.body_line(),
        layout.dialect,
        layout.names.len(),
    ) {
        let Ok(text) = std::str::from_utf8(record.bytes) else {
            continue;
        };
        let fields = split(text, layout.dialect);
        for channel in &layout.channels {
            let Some(field) = fields.get(*channel) else {
                continue;
            };
            match comma_of(field) {
                Comma::Decimal => return Some(true),
                Comma::Doubtful => {
                    doubtful.get_or_insert((record.line, *channel, field.to_string()));
                }
                Comma::NotDecimal => return Some(false),
                Comma::None => {}
            }
        }
    }
    let Some((line, channel, field)) = doubtful else {
        return Some(false);
    };
    let name = &layout.names[channel];
    let message = format!(
        "{} in column {} ({name}) has a comma that may be a decimal mark or a thousands separator: \
        write `decimal = \",\"` or `decimal = \".\"` under [dataset]",
        shown(&field),
        channel + 1
    );
    log.error(
        Expectation::Types,
        FindingLocation::file(file).line(line).column(name),
        message,
    );
    None
}

/// The meaning of a comma in a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comma {
    None,
    /// It is a decimal mark.
    Decimal,
    /// Three digits follow, so it may be a thousands separator.
    Doubtful,
    /// The number has a point, or more than one comma.
    NotDecimal,
}

fn comma_of(field: &str) -> Comma {
    let field = field.trim_start_matches(['-', '+']);
    let Some((whole, decimals)) = field.split_once(',') else {
        let is_decimal = field.contains('.') && field.parse::<f64>().is_ok();
        return if is_decimal {
            Comma::NotDecimal
        } else {
            Comma::None
        };
    };
    let is_number = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'e' | b'E' | b'-' | b'+'))
    };
    if !is_number(whole) || !is_number(decimals) {
        return Comma::NotDecimal;
    }
    let thousands =
        (1..=3).contains(&whole.len()) && !whole.starts_with('0') && decimals.len() == 3;
    if thousands {
        Comma::Doubtful
    } else {
        Comma::Decimal
    }
}

/// Logs that the encoding of a header in which columns are missing was guessed.
fn note_guessed_header(text: &Text<'_>, table: &TextTable<'_>, file: &str, log: &mut FindingLog) {
    let Some(guess) = text.guess else { return };
    let names = names(table.header, table.separator);
    let Some(name) = names.iter().find(|name| !name.is_ascii()) else {
        return;
    };
    let read_as = match guess {
        Guess::Latin1 => format!("is not UTF-8, so {} was read as Windows-1252", shown(name)),
        Guess::Mixed => format!(
            "holds bytes that are not UTF-8; they were read as `\u{fffd}`, as in {}",
            shown(name)
        ),
    };
    let message = format!("{read_as}: if that name is wrong, save the file as UTF-8");
    log.error(
        Expectation::Types,
        FindingLocation::file(file).line(table.header_line),
        message,
    );
}

/// Warns if names were read with a guessed encoding; numbers are ASCII and not affected.
fn warn_of_guess(
    text: &Text<'_>,
    layout: &ColumnLayout<'_>,
    rows: &Rows,
    file: &str,
    log: &mut FindingLog,
) {
    let Some(guess) = text.guess else { return };
    let columns = layout
        .unit
        .into_iter()
        .chain(layout.cycle)
        .chain(layout.channels.iter().copied());
    let names = columns.map(|at| layout.names[at].as_str());
    let units = rows.runs.iter().map(|run| run.unit.as_str());
    let Some(name) = names.chain(units).find(|name| !name.is_ascii()) else {
        return;
    };
    let message = match guess {
        Guess::Latin1 => format!(
            "is not UTF-8, so {} was read as Windows-1252: write `encoding = \"latin-1\"` under [dataset] if that is right",
            shown(name)
        ),
        Guess::Mixed => format!(
            "holds bytes that are not UTF-8; they were read as `\u{fffd}`, as in {}",
            shown(name)
        ),
    };
    log.add(
        Severity::Warning,
        Expectation::Types,
        FindingLocation::file(file),
        message,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_numbers_are_classified() {
        for (field, comma) in [
            ("1,5", Comma::Decimal),
            ("0,512", Comma::Decimal),
            ("-1589,700", Comma::Decimal),
            ("1,5e-3", Comma::Decimal),
            ("1,234", Comma::Doubtful),
            ("1,234,567", Comma::NotDecimal),
            ("1.234,5", Comma::NotDecimal),
            ("1.5", Comma::NotDecimal),
            ("15", Comma::None),
            ("n/a", Comma::None),
        ] {
            assert_eq!(comma_of(field), comma, "{field}");
        }
    }
}
