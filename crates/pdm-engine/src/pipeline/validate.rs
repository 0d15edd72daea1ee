//! Reads the files and holds them against the expectations.

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
/// of twenty, and reads tables as `features` does; the fourth words its findings in other sentences.
pub const VERSION: u32 = 4;

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
/// The data cannot be read, or does not meet its expectations.
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
        Some(dataset) => Ok((held_out(dataset, spec), validation.report)),
        None => Err(StageError::Invalid(Box::new(validation.report))),
    }
}

/// Takes out the units that no training may see, before anything else sees the data.
fn held_out(dataset: ValidDataset, spec: &PipelineSpec) -> ValidDataset {
    match &spec.split.holdout {
        Some(holdout) => dataset.hold_out(holdout),
        None => dataset,
    }
}

/// Returns how many units are held out and, where they are few, which: the scores of so few hang on each.
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
    let test = dataset.test().map_or_else(
        || "no test part installed".to_owned(),
        |test| format!("{} test units", test.units.len()),
    );
    let warnings = report.counts.warnings;
    let held_out = dataset.holdout().map(|holdout| holdout.units().len());
    let held_out_text = dataset
        .holdout()
        .map(|holdout| format!(" to learn from, {}", named(holdout)));
    let held_out_text = held_out_text.unwrap_or_default();
    let units = format!("{} units{held_out_text}", train.len());
    let text = format!(
        "{}: {units}, {rows} rows, {test}, {warnings} warnings",
        dataset.name()
    );
    let summary = Summary::new(text);
    let summary = if let Some(units) = held_out {
        summary.figure("held_out_units", units)
    } else {
        summary
    };
    summary
        .figure("units", train.len())
        .figure("rows", rows)
        .figure("test_units", dataset.test().map(|test| test.units.len()))
        .figure("warnings", warnings)
}
