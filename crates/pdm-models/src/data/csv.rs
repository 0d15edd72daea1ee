//! Reads CSV as people write it: finds out how fields are divided and how numbers are written, or says what it cannot know.

use super::encoding::{Encoding, Guess, Text, decoded};
use super::findings::{FindingLog, Place};
use super::header::{Found, find, look_for};
use super::number::shown;
use super::records::Records;
use super::rows::Rows;
use super::scan::{Dialect, LONGEST_LINE, Layout, has_long_line, scan, split};
use super::table::Columns;
use super::{Expectation, Severity, frame};

/// What divides fields, most usual first.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// What the user says of a CSV file; what is absent is found out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct CsvWish {
    pub(super) separator: Option<char>,
    /// What stands before the decimal places, a point or a comma.
    pub(super) decimal: Option<char>,
    pub(super) encoding: Option<Encoding>,
}

/// Reads rows; `None` where the header does not name the columns, or the numbers cannot be told.
pub(super) fn read(
    bytes: &[u8],
    columns: &Columns<'_>,
    wish: CsvWish,
    file: &str,
    log: &mut FindingLog,
) -> Option<Rows> {
    let text = decoded(bytes, wish.encoding);
    let table = Table::of(&text.bytes, columns, wish);
    let mut layout = layout(&table, columns, file, log)?;
    let decimal_comma = match wish.decimal {
        Some(decimal) => decimal == ',',
        None => has_decimal_comma(&table, &layout, file, log)?,
    };
    layout.dialect = dialect(table.separator, decimal_comma);
    let quick = if has_long_line(table.body) { None } else { frame::separated(table.body, &layout, table.body_line()) };
    let rows = quick.unwrap_or_else(|| scan(table.body, table.body_line(), &layout, file, log));
    warn_of_guess(&text, &layout, &rows, file, log);
    Some(rows)
}

/// A text file as a header and what is below.
struct Table<'a> {
    header: &'a [u8],
    header_line: u64,
    body: &'a [u8],
    /// What divides the fields.
    separator: u8,
}

impl<'a> Table<'a> {
    /// Passes over empty lines, and over the line `sep=;` that Excel understands.
    fn of(text: &'a [u8], columns: &Columns<'_>, wish: CsvWish) -> Self {
        let mut separator = wish.separator.and_then(|separator| u8::try_from(separator).ok());
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
        let separator = separator.unwrap_or_else(|| separator_of(header, columns));
        Self { header, header_line, body, separator }
    }

    fn body_line(&self) -> u64 {
        self.header_line + 1
    }
}

/// Returns what divides the fields of a header: what gives the columns that are looked for, else most fields.
fn separator_of(header: &[u8], columns: &Columns<'_>) -> u8 {
    if header.len() > LONGEST_LINE {
        return SEPARATORS[0];
    }
    let rank = |separator: u8| {
        let names = names(header, separator);
        let found = columns.names().filter(|name| look_for(&names, name) != Found::Nowhere).count();
        (found, names.len())
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
    split(header.trim_end_matches(['\r', '\n']), dialect(separator, false)).into_iter().map(String::from).collect()
}

/// Strips the end of a line, but not blanks, which may be what is named.
fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn up_to_line_end(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| at + 1);
    text.split_at(end)
}

fn dialect(separator: u8, decimal_comma: bool) -> Dialect {
    Dialect::Separated { separator, decimal_comma }
}

fn layout(table: &Table<'_>, columns: &Columns<'_>, file: &str, log: &mut FindingLog) -> Option<Layout> {
    let place = Place::file(file).line(table.header_line);
    if table.header.trim_ascii().is_empty() {
        let empty = "is empty: the first line should name the columns";
        log.error(Expectation::Complete, place, empty);
        return None;
    }
    if table.header.len() > LONGEST_LINE {
        let message = format!("begins with a line of {} bytes, no header of a table", table.header.len());
        log.error(Expectation::Columns, place, message);
        return None;
    }
    let names = names(table.header, table.separator);
    if let Some(message) = no_header(&names) {
        log.error(Expectation::Columns, place, message);
        return None;
    }
    let unit = find(&names, columns.unit, place, log);
    let cycle = columns.cycle.map(|cycle| find(&names, cycle, place, log));
    let channels: Vec<_> = columns.channels.iter().map(|channel| find(&names, channel, place, log)).collect();
    let cycle = match cycle {
        Some(found) => Some(found?),
        None => None,
    };
    let channels = channels.into_iter().collect::<Option<_>>()?;
    Some(Layout { dialect: dialect(table.separator, false), unit: unit?, cycle, channels, numbered: false, names })
}

/// Returns what is wrong where the first line is a row.
fn no_header(names: &[String]) -> Option<String> {
    let is_number = |name: &String| name.parse::<f64>().is_ok() || name.replacen(',', ".", 1).parse::<f64>().is_ok();
    if names.iter().all(is_number) {
        let first = names.iter().take(3).map(|name| shown(name)).collect::<Vec<_>>().join(", ");
        return Some(format!("begins with numbers ({first}, …); the first line should name the columns"));
    }
    None
}

/// Returns whether numbers are written as `1,5`; `None`, and a finding, where `1,234` may be either.
fn has_decimal_comma(table: &Table<'_>, layout: &Layout, file: &str, log: &mut FindingLog) -> Option<bool> {
    let may_hold = if table.separator == b',' { b'"' } else { b',' };
    if !table.body.contains(&may_hold) || has_long_line(table.body) {
        return Some(false);
    }
    let mut doubtful = None;
    for record in Records::new(table.body, table.body_line(), layout.dialect, layout.names.len()) {
        let Ok(text) = std::str::from_utf8(record.bytes) else { continue };
        let fields = split(text, layout.dialect);
        for channel in &layout.channels {
            let Some(field) = fields.get(*channel) else { continue };
            match comma_of(field) {
                Comma::Decimal => return Some(true),
                Comma::Doubtful => drop(doubtful.get_or_insert((record.line, *channel, field.to_string()))),
                Comma::NotDecimal => return Some(false),
                Comma::None => {}
            }
        }
    }
    let Some((line, channel, field)) = doubtful else { return Some(false) };
    let name = &layout.names[channel];
    let message = format!(
        "{} in column {} ({name}) may be a number with three decimal places or one in the thousands: \
         write `decimal = \",\"` or `decimal = \".\"` under [dataset]",
        shown(&field),
        channel + 1
    );
    log.error(Expectation::Types, Place::file(file).line(line).column(name), message);
    None
}

/// What a comma in a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comma {
    None,
    /// Before decimal places.
    Decimal,
    /// Three digits follow, so it may stand before thousands.
    Doubtful,
    /// The number has a point, or more than one comma.
    NotDecimal,
}

fn comma_of(field: &str) -> Comma {
    let field = field.trim_start_matches(['-', '+']);
    let Some((whole, decimals)) = field.split_once(',') else {
        let is_decimal = field.contains('.') && field.parse::<f64>().is_ok();
        return if is_decimal { Comma::NotDecimal } else { Comma::None };
    };
    let is_number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'e' | b'E' | b'-' | b'+'));
    if !is_number(whole) || !is_number(decimals) {
        return Comma::NotDecimal;
    }
    let thousands = (1..=3).contains(&whole.len()) && !whole.starts_with('0') && decimals.len() == 3;
    if thousands { Comma::Doubtful } else { Comma::Decimal }
}

/// Warns where names were read by a guess; numbers have no characters to guess.
fn warn_of_guess(text: &Text<'_>, layout: &Layout, rows: &Rows, file: &str, log: &mut FindingLog) {
    let Some(guess) = text.guess else { return };
    let columns = [layout.unit].into_iter().chain(layout.cycle).chain(layout.channels.iter().copied());
    let names = columns.map(|at| layout.names[at].as_str());
    let units = rows.runs.iter().map(|run| run.unit.as_str());
    let Some(name) = names.chain(units).find(|name| !name.is_ascii()) else { return };
    let message = match guess {
        Guess::Latin1 => format!(
            "is not UTF-8, so {} was read as Windows-1252: write `encoding = \"latin-1\"` under [dataset] if that is right",
            shown(name)
        ),
        Guess::Mixed => format!("holds bytes that are not UTF-8; they were read as `\u{fffd}`, as in {}", shown(name)),
    };
    log.add(Severity::Warning, Expectation::Types, Place::file(file), message);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_numbers_are_told_apart() {
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
