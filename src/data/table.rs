//! Reads tables whose columns are found by name: CSV with a header row, and Parquet.

use std::path::Path;

use super::cmapss::{RulRow, without_mark};
use super::findings::{FindingLog, Place};
use super::rows::Rows;
use super::scan::{Dialect, Layout, scan, split};
use super::{Expectation, Schema, frame};

/// The column of true remaining useful life.
pub(super) const RUL: &str = "rul";

/// How a table is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Csv,
    Parquet,
}

impl Format {
    /// Returns the format that the ending of a file name tells.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "csv" => Some(Self::Csv),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// The columns that are read from a table.
pub(super) struct Columns<'a> {
    pub(super) unit: &'a str,
    /// Absent where the table has one row for each unit.
    pub(super) cycle: Option<&'a str>,
    pub(super) channels: Vec<&'a str>,
}

impl<'a> Columns<'a> {
    /// Returns the columns of histories.
    pub(super) fn of(schema: &'a Schema) -> Self {
        Self { unit: &schema.unit, cycle: Some(&schema.cycle), channels: schema.channels().collect() }
    }
}

/// Reads rows by name of column; what is wrong goes to the log, `None` where that is everything.
pub(super) fn read(
    format: Format,
    bytes: &[u8],
    columns: &Columns<'_>,
    file: &str,
    log: &mut FindingLog,
) -> Option<Rows> {
    let rows = match format {
        Format::Csv => csv(without_mark(bytes), columns, file, log),
        Format::Parquet => frame::parquet(bytes, columns, file, log),
    };
    if let Some(rows) = &rows
        && rows.is_empty()
        && rows.dropped == 0
    {
        log.error(Expectation::Complete, Place::file(file), "has no row");
    }
    rows
}

/// Reads true remaining useful lives; what is wrong goes to the log.
pub(super) fn rul(format: Format, bytes: &[u8], unit: &str, file: &str, log: &mut FindingLog) -> Vec<RulRow> {
    let rows = read(format, bytes, &Columns { unit, cycle: None, channels: vec![RUL] }, file, log).unwrap_or_default();
    let units = rows.runs.iter().flat_map(|run| run.rows.clone().map(|row| (row, run.unit.clone())));
    units.map(|(row, unit)| RulRow { line: rows.line(row), unit: Some(unit), value: rows.channels[0][row] }).collect()
}

/// Returns `None` where the header does not name the columns.
fn csv(bytes: &[u8], columns: &Columns<'_>, file: &str, log: &mut FindingLog) -> Option<Rows> {
    let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
    let (header, body) = bytes.split_at(end);
    let layout = layout(header, columns, file, log)?;
    Some(frame::comma_separated(body, &layout).unwrap_or_else(|| scan(body, 2, &layout, file, log)))
}

fn layout(header: &[u8], columns: &Columns<'_>, file: &str, log: &mut FindingLog) -> Option<Layout> {
    let place = Place::file(file).line(1);
    if header.trim_ascii().is_empty() {
        let empty = "is empty: the first line should name the columns";
        log.error(Expectation::Complete, place, empty);
        return None;
    }
    let names = std::str::from_utf8(header).ok().and_then(|header| split(header.trim_end(), Dialect::Commas));
    let Some(names) = names else {
        log.error(Expectation::Types, place, "the header row is not UTF-8 text with closed quotes");
        return None;
    };
    let names: Vec<_> = names.into_iter().map(String::from).collect();
    let at = |column: &str, log: &mut FindingLog| find(&names, column, place, log);
    let unit = at(columns.unit, log);
    let cycle = columns.cycle.map(|cycle| at(cycle, log));
    let channels: Vec<_> = columns.channels.iter().map(|channel| at(channel, log)).collect();
    let cycle = match cycle {
        Some(found) => Some(found?),
        None => None,
    };
    let channels = channels.into_iter().collect::<Option<_>>()?;
    Some(Layout { dialect: Dialect::Commas, unit: unit?, cycle, channels, numbered: false, names })
}

/// Returns the position of a column, or notes that it is missing or there twice.
pub(super) fn find(names: &[String], column: &str, place: Place<'_>, log: &mut FindingLog) -> Option<usize> {
    let mut found = names.iter().enumerate().filter(|(_, name)| *name == column).map(|(at, _)| at);
    let first = found.next();
    if first.is_none() {
        let message = format!("has no column `{column}`; it has {}", listed(names));
        log.error(Expectation::Columns, place.column(column), message);
    }
    if found.next().is_some() {
        let message = format!("has more than one column `{column}`");
        log.error(Expectation::Columns, place.column(column), message);
        return None;
    }
    first
}

fn listed(names: &[String]) -> String {
    const SHOWN: usize = 30;
    let mut listed = names.iter().take(SHOWN).map(|name| super::number::shown(name)).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        listed.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    listed
}
