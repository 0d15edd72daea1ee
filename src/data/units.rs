use std::path::Path;

use super::expectations;
use super::findings::{FindingLog, Place};
use super::rows::Rows;
use super::source::{read_binary, read_text};
use super::table::{self, Columns, Format, ending};
use super::{DataError, Schema, Severity, Trajectory, address, cmapss};

/// Reads histories to predict from: C-MAPSS text (`.txt`), or CSV and Parquet with at least the columns of the schema.
///
/// Any unit and any first cycle will do; the rows of a unit stand together, its cycles ascend. Units come in ascending
/// order.
///
/// # Errors
/// The file is missing or damaged, or its ending tells no format.
pub fn read_units(path: &Path, schema: &Schema) -> Result<Vec<Trajectory>, DataError> {
    address::refuse(path)?;
    let file = path.display().to_string();
    let mut log = FindingLog::default();
    let rows = read(path, schema, &file, &mut log)?;
    expectations::ascending(&file, &schema.cycle, &rows, &mut log);
    expectations::together(Place::file(&file).column(&schema.unit), &rows, &mut log);
    match log.count(Severity::Error) {
        0 => Ok(rows.into_trajectories()),
        total => {
            let mut findings = log.into_findings();
            findings.retain(|finding| finding.severity == Severity::Error);
            Err(DataError::Invalid { path: path.to_owned(), findings, total })
        }
    }
}

fn read(path: &Path, schema: &Schema, file: &str, log: &mut FindingLog) -> Result<Rows, DataError> {
    let format = Format::of(path);
    if format.is_none() && ending(path).is_none_or(|ending| ending != "txt") {
        return Err(DataError::UnknownFormat {
            path: path.to_owned(),
            expected: ".txt, .csv, .tsv or .parquet, also with .gz",
        });
    }
    let source = match format {
        Some(Format::Parquet) => read_binary(path, file, log)?,
        Some(Format::Csv) | None => read_text(path, file, log)?,
    };
    let Some(bytes) = source.contents else {
        return Ok(Rows::default());
    };
    let rows = match format {
        None => cmapss::histories(&bytes, schema, file, log),
        Some(format) => table::read(format, &bytes, &Columns::of(schema), file, log),
    };
    Ok(rows.unwrap_or_default())
}
