//! Reads tables whose columns are found by name: CSV with a header row, and Parquet.

use std::path::Path;

use super::cmapss::RulRow;
use super::csv::{self, RequestedCsv};
use super::findings::{FindingLocation, FindingLog};
use super::rows::Rows;
use super::time::TimeReader;
use super::{Expectation, Schema, hive, parquet};

/// The column of true remaining useful life.
pub(super) const RUL: &str = "rul";

/// How a table is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TableFormat {
    Csv,
    Parquet,
}

/// The supported extensions.
pub(super) const EXTENSIONS: &str = ".csv, .tsv or .parquet (also with .gz or .zst)";

impl TableFormat {
    /// Returns the format that the extension of a file name stands for.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let ending = ending(path)?;
        match ending.as_str() {
            "csv" | "tsv" | "tab" => Some(Self::Csv),
            "parquet" | "pq" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// Extensions of packed files.
pub(super) const PACKED: [&str; 2] = ["gz", "zst"];

/// Returns the extension of a file name in lower case; for a packed file the one before `.gz` or `.zst`.
pub(super) fn ending(path: &Path) -> Option<String> {
    let last = path.extension()?.to_str()?.to_ascii_lowercase();
    if !PACKED.contains(&last.as_str()) {
        return Some(last);
    }
    let inner = Path::new(path.file_stem()?).extension()?.to_str()?;
    Some(inner.to_ascii_lowercase())
}

/// The columns that are read from a table.
pub(super) struct TableColumns<'a> {
    /// Column that names the unit; absent if the whole file is about one unit.
    pub(super) unit: Option<&'a str>,
    /// The unit of the file, if its path names it.
    pub(super) unit_of_file: Option<String>,
    /// Absent if the table has one row for each unit.
    pub(super) cycle: Option<&'a str>,
    pub(super) channels: Vec<&'a str>,
    /// Reads the column `cycle` as times.
    pub(super) time_reader: Option<TimeReader>,
    pub(super) cells: CellRules<'a>,
}

/// How cells of channels are read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CellRules<'a> {
    /// Texts that mean that there is no value.
    pub(super) missing: &'a [String],
    /// Whether cells without a value are allowed; they become `NaN`.
    pub(super) may_be_missing: bool,
    /// Separator of thousands.
    pub(super) thousands: Option<char>,
}

impl<'a> CellRules<'a> {
    fn of(schema: &'a Schema) -> Self {
        Self {
            missing: &schema.missing,
            may_be_missing: schema.time.is_some(),
            thousands: schema.thousands,
        }
    }

    /// Returns whether this cell is allowed to have no value, and has none.
    pub(super) fn is_missing(&self, text: &str) -> bool {
        self.may_be_missing && (text.is_empty() || self.missing.iter().any(|known| known == text))
    }
}

impl<'a> TableColumns<'a> {
    /// Returns the columns of histories.
    pub(super) fn of(schema: &'a Schema) -> Self {
        let cycle = match &schema.time {
            Some(time) => &time.column,
            None => &schema.cycle,
        };
        Self {
            unit: Some(&schema.unit),
            unit_of_file: None,
            cycle: Some(cycle),
            channels: schema.channels().collect(),
            time_reader: schema.time.as_ref().map(TimeReader::of),
            cells: CellRules::of(schema),
        }
    }

    /// Returns the columns of a file whose path names its unit, or holds the values of columns in folders `key=value`.
    ///
    /// # Errors
    /// The schema takes the unit from the path, and this path does not match; returns what is wrong.
    pub(super) fn in_file(self, schema: &Schema, path: &str) -> Result<Self, String> {
        let Some(unit_from) = &schema.unit_from else {
            let unit = hive::value_of(path, &schema.unit);
            return Ok(match unit {
                Some(unit) => self.named(unit),
                None => self,
            });
        };
        match unit_from.unit_of(path) {
            Some(unit) => Ok(self.named(unit)),
            None => Err(format!(
                "has no unit in its path: it does not match `unit_from`, {:?}",
                unit_from.pattern()
            )),
        }
    }

    fn named(self, unit: String) -> Self {
        Self {
            unit: None,
            unit_of_file: Some(unit),
            ..self
        }
    }

    /// Returns all names: unit, cycle, channels.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.unit
            .into_iter()
            .chain(self.cycle)
            .chain(self.channels.iter().copied())
    }
}

/// Reads rows by the names of the columns and logs what is wrong; `None` if nothing can be read.
pub(super) fn read(
    format: TableFormat,
    bytes: &[u8],
    columns: &TableColumns<'_>,
    requested: RequestedCsv,
    file: &str,
    log: &mut FindingLog,
) -> Option<Rows> {
    let rows = match format {
        TableFormat::Csv => csv::read(bytes, columns, requested, file, log),
        TableFormat::Parquet => parquet::read(bytes, columns, file, log),
    };
    if let Some(rows) = &rows
        && rows.is_empty()
        && rows.dropped == 0
    {
        log.error(
            Expectation::Complete,
            FindingLocation::file(file),
            "has no rows",
        );
    }
    rows
}

/// Reads true remaining useful lives and logs what is wrong.
pub(super) fn rul(
    format: TableFormat,
    bytes: &[u8],
    unit: &str,
    requested: RequestedCsv,
    file: &str,
    log: &mut FindingLog,
) -> Vec<RulRow> {
    let columns = TableColumns {
        unit: Some(unit),
        unit_of_file: None,
        cycle: None,
        channels: vec![RUL],
        time_reader: None,
        cells: CellRules::default(),
    };
    let rows = read(format, bytes, &columns, requested, file, log).unwrap_or_default();
    let units = rows
        .runs
        .iter()
        .flat_map(|run| run.rows.clone().map(|row| (row, run.unit.clone())));
    units
        .map(|(row, unit)| RulRow {
            line: rows.line(row),
            unit: Some(unit),
            value: rows.channels[0][row],
        })
        .collect()
}
