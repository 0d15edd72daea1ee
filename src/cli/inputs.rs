//! Reads histories to predict from: files, file patterns, standard input.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::args::InputFormat;
use super::error::CliError;
use pdm_core::codes::Code;
use pdm_core::content::Digest;
use pdm_core::domain::UnitId;
use pdm_models::data::{
    DataError, Finding, RequestedCsv, Schema, SkippedUnit, Trajectory, UnitFormat, UnitInput,
    parse_input, read_input,
};

/// The name of standard input.
const STANDARD_INPUT: &str = "-";

/// Maximum number of bytes read from standard input, the same as for a file.
const MOST_BYTES: u64 = 1 << 30;

/// The contents of all inputs.
#[derive(Default)]
pub(super) struct PredictInputs {
    /// Units that can be predicted, in ascending order.
    pub(super) units: Vec<Trajectory>,
    /// Units that cannot be read.
    pub(super) skipped: Vec<SkippedUnit>,
    /// The digest of the input that a unit came from.
    pub(super) digests: BTreeMap<UnitId, Digest>,
}

/// Reads histories from all inputs; a unit in two of them is an error.
pub(super) fn read(
    named: &[PathBuf],
    format: Option<InputFormat>,
    schema: &Schema,
    requested: RequestedCsv,
) -> Result<PredictInputs, CliError> {
    let format = format.map(|format| match format {
        InputFormat::Cmapss => UnitFormat::Cmapss,
        InputFormat::Csv => UnitFormat::Csv,
        InputFormat::Parquet => UnitFormat::Parquet,
    });
    let mut all = PredictInputs::default();
    let mut places: BTreeMap<UnitId, PathBuf> = BTreeMap::new();
    for path in expanded(named)? {
        let UnitInput {
            units,
            skipped,
            sha256,
        } = read_one(&path, format, schema, requested)?;
        for unit in units
            .iter()
            .map(|unit| &unit.unit)
            .chain(skipped.iter().map(|unit| &unit.unit))
        {
            if let Some(other) = places.insert(unit.clone(), path.clone()) {
                let (first, second) = (other.display(), path.display());
                let message = format!("unit {unit} is in `{first}` and in `{second}`");
                let hint = "join its histories into one file, in the order of their cycles";
                return Err(CliError::new(Code::NamedTwice, message).hint(hint));
            }
            all.digests.insert(unit.clone(), sha256);
        }
        all.units.extend(units);
        all.skipped.extend(skipped);
    }
    all.units.sort_by(|a, b| a.unit.cmp(&b.unit));
    all.skipped.sort_by(|a, b| a.unit.cmp(&b.unit));
    Ok(all)
}

fn read_one(
    path: &Path,
    format: Option<UnitFormat>,
    schema: &Schema,
    requested: RequestedCsv,
) -> Result<UnitInput, CliError> {
    if path.as_os_str() != STANDARD_INPUT {
        return read_input(path, format, schema, requested).map_err(with_hint);
    }
    let Some(format) = format else {
        let error = CliError::new(
            Code::ArgumentValue,
            "the format of standard input is unknown",
        );
        return Err(error.hint("add --input-format csv, parquet or cmapss"));
    };
    let mut bytes = Vec::new();
    let read = io::stdin()
        .lock()
        .take(MOST_BYTES + 1)
        .read_to_end(&mut bytes);
    read.map_err(|error| CliError::io("read", Path::new("standard input"), error))?;
    if bytes.len() as u64 > MOST_BYTES {
        let message = format!("standard input has more than the maximum of {MOST_BYTES} bytes");
        return Err(CliError::new(Code::DataIncomplete, message)
            .hint("split the units into several inputs"));
    }
    parse_input("standard input", bytes, format, schema, requested).map_err(with_hint)
}

/// Adds that the keys named in a message are also flags of this command.
fn with_hint(error: DataError) -> CliError {
    let names_a_key = |finding: &Finding| finding.message.contains("under [dataset]");
    let names_keys =
        matches!(&error, DataError::Invalid { findings, .. } if findings.iter().any(names_a_key));
    let error = CliError::from(error);
    if names_keys {
        error.hint("or pass --separator, --decimal or --encoding for this file only")
    } else {
        error
    }
}

/// Returns the input files, with patterns resolved and without standard input.
///
/// # Errors
/// A pattern is invalid or matches no file.
pub(super) fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let mut files = expanded(named)?;
    files.retain(|path| path.as_os_str() != STANDARD_INPUT);
    Ok(files)
}

/// Returns the input files, with patterns resolved.
fn expanded(named: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for path in named {
        let pattern = path.to_string_lossy();
        let is_pattern = pattern.contains(['*', '?', '[']) && !path.exists();
        if !is_pattern {
            paths.push(path.clone());
            continue;
        }
        let found = glob::glob(&pattern).map_err(|error| {
            CliError::new(
                Code::ArgumentValue,
                format!("`{pattern}` is not a valid file pattern: {error}"),
            )
        })?;
        let found: Vec<PathBuf> = found.flatten().filter(|path| path.is_file()).collect();
        if found.is_empty() {
            return Err(CliError::new(
                Code::DataMissing,
                format!("no file matches `{pattern}`"),
            ));
        }
        paths.extend(found);
    }
    let mut seen = std::collections::BTreeSet::new();
    paths.retain(|path| seen.insert(path.clone()));
    Ok(paths)
}
