//! Reads the data files and checks them against the expectations.

use std::path::Path;

use serde_json::json;

use super::files::write_json;
use super::{StageError, Summary, key};
use crate::cache::StageKey;
use crate::config::{PipelineSpec, Stage};
use pdm_models::data::{
    self, Holdout, InputDigest, QualityReport, Role, ValidDataset, part_digest,
};

/// Version of what this stage computes; raise it when the same inputs should give another result.
///
/// The second looks for copies of units and for implausible values; the third finds thinned copies and impossible values in one row
/// of twenty, and reads tables as `features` does; the fourth words its findings in other sentences; the fifth looks for copies of units also where cells were read with a warning.
pub const VERSION: u32 = 5;

/// Name of the quality report among the outputs.
pub const REPORT: &str = "quality.json";

/// Returns the key for these files.
pub fn stage_key(spec: &PipelineSpec, inputs: &[InputDigest]) -> StageKey {
    let of = |role| part_digest(inputs, role);
    let parameters = json!({ "dataset": spec.dataset, "validate": spec.validate });
    key(
        Stage::Validate,
        parameters,
        [
            ("train", of(Role::Train)),
            ("test", of(Role::Test)),
            ("rul", of(Role::Rul)),
        ],
    )
}

/// Reads and judges the data, and writes the quality report.
///
/// # Errors
/// The data cannot be read, or do not meet the expectations.
pub fn run(
    spec: &PipelineSpec,
    root: &Path,
    folder: &Path,
) -> Result<(ValidDataset, QualityReport, Summary), StageError> {
    let (dataset, report) = load(spec, root)?;
    write_json(&folder.join(REPORT), &report)?;
    let summary = summarise(&dataset, &report);
    Ok((dataset, report, summary))
}

/// Reads and judges the data.
///
/// # Errors
/// As [`run`].
pub fn load(spec: &PipelineSpec, root: &Path) -> Result<(ValidDataset, QualityReport), StageError> {
    let validation = data::validate(data::ingest(&spec.dataset, root)?, &spec.validate);
    match validation.dataset {
        Some(dataset) => Ok((without_holdout(dataset, spec), validation.report)),
        None => Err(StageError::Invalid(Box::new(validation.report))),
    }
}

/// Holds back the units of the holdout, before anything else uses the data.
fn without_holdout(dataset: ValidDataset, spec: &PipelineSpec) -> ValidDataset {
    match &spec.split.holdout {
        Some(holdout) => dataset.hold_out(holdout),
        None => dataset,
    }
}

/// Returns how many units are held out and, where they are few, their names, since each of them matters for the scores.
fn named(holdout: &Holdout) -> String {
    const FEW: usize = 5;
    let units = holdout.units();
    if units.is_empty() || units.len() > FEW {
        return format!("{} held out", units.len());
    }
    let names: Vec<_> = units.iter().map(|unit| unit.unit.as_str()).collect();
    format!("{} held out ({})", units.len(), names.join(", "))
}

fn summarise(dataset: &ValidDataset, report: &QualityReport) -> Summary {
    let train = dataset.train();
    let rows: usize = train.iter().map(|unit| unit.len()).sum();
    let test = match dataset.test() {
        Some(test) => format!("{} test units", test.units.len()),
        None => "no test part installed".to_owned(),
    };
    let warnings = report.counts.warnings;
    let units = match dataset.holdout() {
        Some(holdout) => format!("{} units to learn from, {}", train.len(), named(holdout)),
        None => format!("{} units", train.len()),
    };
    let mut summary = Summary::new(format!(
        "{}: {units}, {rows} rows, {test}, {warnings} warnings",
        dataset.name()
    ));
    if let Some(holdout) = dataset.holdout() {
        summary = summary.figure("held_out_units", holdout.units().len());
    }
    summary
        .figure("units", train.len())
        .figure("rows", rows)
        .figure("test_units", dataset.test().map(|test| test.units.len()))
        .figure("warnings", warnings)
}
