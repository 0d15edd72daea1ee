//! Reads CSV as people write it: finds out how fields are divided and how numbers are written, or says what it cannot know.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::encoding::{Encoding, Guess, Text, decoded};
use super::findings::{FindingLocation, FindingLog};
use super::header::{ColumnLookup, find, look_for};
use super::number::shown;
use super::records::{Records, end_of_lines, lines_of_quoted};
use super::rows::Rows;
use super::scan::{ColumnLayout, Dialect, LONGEST_LINE, has_long_line, scan, split};
use super::table::TableColumns;
use super::{Expectation, Severity, frame};

/// What divides fields, most usual first.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Marks that no key `separator` may name: they are parts of numbers.
const PARTS_OF_NUMBERS: [u8; 3] = [b'.', b'-', b'+'];

/// Lines in which a header is looked for that is not the first: what programs write above a table is shorter.
const MOST_PREAMBLE: usize = 50;

/// What the user says of a CSV file; what is absent is found out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CsvWish {
    /// What divides the fields.
    pub separator: Option<char>,
    /// What stands before the decimal places, a point or a comma.
    pub decimal: Option<char>,
    /// Which characters the bytes are.
    pub encoding: Option<Encoding>,
}

impl CsvWish {
    /// Returns what is said here and, where nothing is, what another wish says.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            separator: self.separator.or(other.separator),
            decimal: self.decimal.or(other.decimal),
            encoding: self.encoding.or(other.encoding),
        }
    }

    /// Returns whether a character can divide fields: it is no part of a number, a name or a quoted text.
    pub fn can_divide(separator: char) -> bool {
        separator.is_ascii() && !separator.is_alphanumeric() && !"\"\r\n.-+ ".contains(separator)
    }
}

/// Reads rows; `None` where the header does not name the columns, or the numbers cannot be told.
pub(super) fn read(
    bytes: &[u8],
    columns: &TableColumns<'_>,
    wish: CsvWish,
    file: &str,
    log: &mut FindingLog,
) -> Option<Rows> {
    let text = decoded(bytes, wish.encoding);
    let table = TextTable::of(&text.bytes, columns, wish);
    let Some(mut layout) = layout(&table, columns, file, log) else {
        note_guessed_header(&text, &table, file, log);
        return None;
    };
    let decimal_comma = match wish.decimal {
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
        let place = FindingLocation::file(file).column(&layout.names[layout.unit]);
        let message =
            format!("units are read as whole numbers, the first of them written as `{first}`");
        log.add(Severity::Info, Expectation::Types, place, message);
    }
    warn_of_guess(&text, &layout, &rows, file, log);
    Some(rows)
}

/// A text file as a header and what is below.
struct TextTable<'a> {
    header: &'a [u8],
    header_line: u64,
    /// Lines of the header: more than one where a name in quotes has a line break.
    header_lines: usize,
    body: &'a [u8],
    /// What divides the fields.
    separator: u8,
}

impl<'a> TextTable<'a> {
    /// Passes over empty lines, and over the line `sep=;` that Excel understands.
    fn of(text: &'a [u8], columns: &TableColumns<'_>, wish: CsvWish) -> Self {
        let mut separator = wish
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
        let (header, body) = (&rest[..end], rest.get(end + 1..).unwrap_or_default());
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

/// Returns how many lines the header has, which `text` begins with.
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
    // A line below that is a row says that the quote is a character.
    let is_followed_by_row = second == Some(first.len());
    match found(&all, columns).cmp(&found(&first, columns)) {
        Ordering::Greater => lines,
        Ordering::Equal if !is_followed_by_row => lines,
        Ordering::Equal | Ordering::Less => 1,
    }
}

/// Returns how many of the columns that are looked for have a name among these.
fn found(names: &[String], columns: &TableColumns<'_>) -> usize {
    columns
        .names()
        .filter(|name| look_for(names, name) != ColumnLookup::Nowhere)
        .count()
}

/// Returns what divides the fields of a header, which `text` begins with: what gives the columns that are looked for, else most fields.
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

/// Strips the end of a line, but not blanks, which may be what is named.
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

fn layout(
    table: &TextTable<'_>,
    columns: &TableColumns<'_>,
    file: &str,
    log: &mut FindingLog,
) -> Option<ColumnLayout> {
    let place = FindingLocation::file(file).line(table.header_line);
    if table.header.trim_ascii().is_empty() {
        let empty = "is empty: the first line should name the columns";
        log.error(Expectation::Complete, place, empty);
        return None;
    }
    if table.header.len() > LONGEST_LINE {
        let message = format!(
            "begins with a line of {} bytes, no header of a table",
            table.header.len()
        );
        log.error(Expectation::Columns, place, message);
        return None;
    }
    let names = names(table.header, table.separator);
    if let Some(message) = no_header(&names).or_else(|| other_header(table, &names, columns)) {
        log.error(Expectation::Columns, place, message);
        return None;
    }
    let unit = find(&names, columns.unit, place, log);
    let cycle = columns.cycle.map(|cycle| find(&names, cycle, place, log));
    let channels: Vec<_> = columns
        .channels
        .iter()
        .map(|channel| find(&names, channel, place, log))
        .collect();
    let cycle = match cycle {
        Some(found) => Some(found?),
        None => None,
    };
    let channels = channels.into_iter().collect::<Option<_>>()?;
    Some(ColumnLayout {
        dialect: dialect(table.separator, false),
        unit: unit?,
        cycle,
        channels,
        numbered: false,
        names,
    })
}

/// Returns what is wrong where the first line is a row.
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

/// Returns what the first line is where none of the columns is found in it, but all of them are with another separator or below.
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
                "names the columns divided by blanks: divide them, and the rows, by commas"
                    .to_owned(),
            );
        }
        Some(mark) => {
            let mark = char::from(mark);
            return Some(format!(
                "names the columns divided by `{mark}`: write `separator = \"{mark}\"` under [dataset]"
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
        "begins with other text; line {line} names the columns: remove the lines above it"
    ))
}

/// Returns whether numbers are written as `1,5`; `None`, and a finding, where `1,234` may be either.
fn has_decimal_comma(
    table: &TextTable<'_>,
    layout: &ColumnLayout,
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
        "{} in column {} ({name}) may be a number with three decimal places or one in the thousands: \
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

/// Notes that a header in which columns are missing was read by a guess.
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
    let message = format!("{read_as}: if the name should be another one, save the file as UTF-8");
    log.error(
        Expectation::Types,
        FindingLocation::file(file).line(table.header_line),
        message,
    );
}

/// Warns where names were read by a guess; numbers have no characters to guess.
fn warn_of_guess(
    text: &Text<'_>,
    layout: &ColumnLayout,
    rows: &Rows,
    file: &str,
    log: &mut FindingLog,
) {
    let Some(guess) = text.guess else { return };
    let columns = [layout.unit]
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
