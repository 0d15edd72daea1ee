//! Reads the histories that a prediction is made from.

use std::collections::BTreeMap;
use std::path::Path;

use super::csv::RequestedCsv;
use super::expectations;
use super::findings::{FindingLocation, FindingLog};
use super::prepare::{Ends, prepare};
use super::rows::Rows;
use super::source::{Expected, prepared, read_binary, read_text};
use super::table::{self, TableColumns, TableFormat, ending};
use super::{
    DataError, Expectation, Finding, LongerGap, Schema, Severity, TimeOptions, Trajectory, address,
    cmapss,
};
use pdm_core::content::Digest;
use pdm_core::domain::UnitId;

/// File format of histories to predict from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitFormat {
    /// The text format of C-MAPSS: numbers separated by blanks, without a header.
    Cmapss,
    /// A table with a header row.
    Csv,
    /// A Parquet file.
    Parquet,
}

/// Histories to predict from.
#[derive(Debug, Clone)]
pub struct UnitInput {
    /// Units that can be read, in ascending order.
    pub units: Vec<Trajectory>,
    /// Units that cannot be read, in ascending order.
    pub skipped: Vec<SkippedUnit>,
    /// SHA-256 of the input's bytes.
    pub sha256: Digest,
}

/// A unit whose history cannot be read, and why.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct SkippedUnit {
    /// The unit.
    pub unit: UnitId,
    /// What is wrong with its lines.
    pub findings: Vec<Finding>,
}

impl UnitFormat {
    /// Returns the format that the extension of a file name stands for, ignoring a final `.gz` or `.zst`.
    ///
    /// # Errors
    /// The extension is unknown.
    pub fn of(path: &Path) -> Result<Self, DataError> {
        match TableFormat::of(path) {
            Some(TableFormat::Csv) => Ok(Self::Csv),
            Some(TableFormat::Parquet) => Ok(Self::Parquet),
            None if ending(path).is_some_and(|ending| ending == "txt") => Ok(Self::Cmapss),
            None => Err(DataError::UnknownFormat {
                path: path.to_owned(),
                expected: ".txt, .csv, .tsv or .parquet, also with .gz or .zst",
            }),
        }
    }
}

/// Reads histories to predict from: C-MAPSS text (`.txt`), or CSV and Parquet with at least the columns of the schema.
///
/// Units and first cycles are arbitrary, but the rows of a unit must be consecutive and its cycles ascending. The units are
/// returned in ascending order.
///
/// # Errors
/// The file is missing or damaged, or its extension is unknown.
pub fn read_units(path: &Path, schema: &Schema) -> Result<Vec<Trajectory>, DataError> {
    let UnitInput { units, skipped, .. } = read_input(path, None, schema, RequestedCsv::default())?;
    let findings: Vec<Finding> = skipped.into_iter().flat_map(|unit| unit.findings).collect();
    match findings.len() {
        0 => Ok(units),
        total => Err(DataError::Invalid {
            path: path.to_owned(),
            findings,
            total: total as u64,
        }),
    }
}

/// Like [`read_units`], but leaves out the units that cannot be read and returns why. `format` overrides the extension of the
/// file name, and `requested` the detected properties of a CSV file.
///
/// # Errors
/// The file is missing, no unit can be read, or its extension is unknown.
pub fn read_input(
    path: &Path,
    format: Option<UnitFormat>,
    schema: &Schema,
    requested: RequestedCsv,
) -> Result<UnitInput, DataError> {
    address::refuse(path)?;
    let format = format.map_or_else(|| UnitFormat::of(path), Ok)?;
    let file = path.display().to_string();
    let mut log = FindingLog::default();
    let source = match format {
        UnitFormat::Parquet => read_binary(path, &file, &mut log)?,
        UnitFormat::Csv => read_text(path, requested.encoding, &file, &mut log)?,
        UnitFormat::Cmapss => read_text(path, None, &file, &mut log)?,
    };
    let rows = source
        .contents
        .map(|bytes| parse(&bytes, format, schema, requested, &file, &mut log))
        .unwrap_or_default();
    divide(rows, source.sha256, schema, path, log)
}

/// Like [`read_input`], from bytes that may be packed by gzip or zstd; messages call them `name`.
///
/// # Errors
/// Like [`read_input`].
pub fn parse_input(
    name: &str,
    bytes: Vec<u8>,
    format: UnitFormat,
    schema: &Schema,
    requested: RequestedCsv,
) -> Result<UnitInput, DataError> {
    let mut log = FindingLog::default();
    let sha256 = Digest::of(&bytes);
    let expected = match format {
        UnitFormat::Parquet => Expected::Binary,
        UnitFormat::Csv => Expected::Text(requested.encoding),
        UnitFormat::Cmapss => Expected::Text(None),
    };
    let readable = prepared(bytes, name, expected, &mut log);
    let rows = readable
        .map(|bytes| parse(&bytes, format, schema, requested, name, &mut log))
        .unwrap_or_default();
    divide(rows, sha256, schema, Path::new(name), log)
}

fn parse(
    bytes: &[u8],
    format: UnitFormat,
    schema: &Schema,
    requested: RequestedCsv,
    file: &str,
    log: &mut FindingLog,
) -> Rows {
    let rows = match format {
        UnitFormat::Cmapss => cmapss::histories(bytes, schema, file, log),
        UnitFormat::Csv => table::read(
            TableFormat::Csv,
            bytes,
            &columns_in(schema, file, log),
            requested,
            file,
            log,
        ),
        UnitFormat::Parquet => table::read(
            TableFormat::Parquet,
            bytes,
            &columns_in(schema, file, log),
            requested,
            file,
            log,
        ),
    };
    rows.unwrap_or_default()
}

/// Returns the columns of a file; a path that should name the unit and does not is logged.
fn columns_in<'a>(schema: &'a Schema, file: &str, log: &mut FindingLog) -> TableColumns<'a> {
    match TableColumns::of(schema).in_file(schema, file) {
        Ok(columns) => columns,
        Err(message) => {
            log.error(Expectation::Columns, FindingLocation::file(file), message);
            TableColumns::of(schema)
        }
    }
}

/// Puts rows with times on the grid, and keeps the last history of each unit: the rows after its last long gap. `None` without a
/// time column.
fn on_grid(rows: &Rows, schema: &Schema, file: &str, log: &mut FindingLog) -> Option<Rows> {
    let time = schema.time.as_ref()?;
    let split = TimeOptions {
        longer: LongerGap::Split,
        ..time.clone()
    };
    let prepared = prepare(rows, &split, schema, Ends::Unknown, file, log);
    let mut last = prepared.rows;
    last.keep_last_history(|unit| prepared.lives[unit].machine.clone());
    Some(last)
}

/// Separates the units that can be read from those that cannot.
fn divide(
    rows: Rows,
    sha256: Digest,
    schema: &Schema,
    path: &Path,
    mut log: FindingLog,
) -> Result<UnitInput, DataError> {
    let file = path.display().to_string();
    if schema.time.is_none() {
        expectations::ascending(&file, &schema.cycle, &rows, &mut log);
        expectations::together(
            FindingLocation::file(&file).column(&schema.unit),
            &rows,
            &mut log,
        );
    }
    let gridded = on_grid(&rows, schema, &file, &mut log);
    let total = log.count(Severity::Error);
    let mut findings = log.into_findings();
    findings.retain(|finding| finding.severity == Severity::Error);
    let mut bad: BTreeMap<UnitId, Vec<Finding>> = BTreeMap::new();
    // Findings beyond the listed ones may concern any unit.
    let mut concerns_all = total > findings.len() as u64;
    for finding in &findings {
        let units = finding
            .line
            .map(|line| rows.units_at(line))
            .unwrap_or_default();
        concerns_all |= units.is_empty();
        for unit in units {
            bad.entry(unit).or_default().push(finding.clone());
        }
    }
    let (skipped, units): (Vec<_>, Vec<_>) = gridded
        .unwrap_or(rows)
        .into_trajectories()
        .into_iter()
        .partition(|unit| bad.contains_key(&unit.unit));
    if concerns_all || (units.is_empty() && !skipped.is_empty()) {
        return Err(DataError::Invalid {
            path: path.to_owned(),
            findings,
            total,
        });
    }
    let skipped = bad
        .into_iter()
        .map(|(unit, findings)| SkippedUnit { unit, findings })
        .collect();
    Ok(UnitInput {
        units,
        skipped,
        sha256,
    })
}
