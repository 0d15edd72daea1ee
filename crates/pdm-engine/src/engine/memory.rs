//! Compares the memory that a step needs with its budget, before it begins.

use std::fs;

use super::EngineError;
use super::budget::over_budget;
use super::pipeline_run::PipelineRun;
use super::resident::installed;
use super::results::Results;
use super::step::Step;
use crate::config::{Stage, StepName};
use crate::pipeline::{features, read_json, validate};
use pdm_core::events::{BudgetExceeded, Interrupted, size};
use pdm_models::data::{self, FileReport, QualityReport, Role};
use pdm_models::features::FittedFeatures;
use pdm_models::train::Extent;

/// Refuses a step that needs more memory than its budget; without a budget, warns where the machine has less.
///
/// # Errors
/// The step would need more than its budget, or an earlier result cannot be read.
pub(super) fn refuse_unaffordable(
    run: &PipelineRun<'_>,
    step: &dyn Step,
    results: &Results,
) -> Result<(), EngineError> {
    let Some(need) = step.memory(run, results)? else {
        return Ok(());
    };
    let work = need.work;
    let needed = need.bytes;
    if let Some(limit) = run.job.spec.project.budget.memory {
        let limit = limit.bytes();
        if needed > limit {
            let exceeded = BudgetExceeded::MemoryBefore {
                work,
                needed,
                limit,
            };
            return Err(step.over_budget(run.job, exceeded));
        }
        return Ok(());
    }
    if let Some(installed) = installed()
        && needed > installed
    {
        run.context.reporter.warn(format!(
            "{work} needs up to about {}, but this machine has {}; set `project.budget.memory` so that the step ends before the \
             system kills it",
            size(needed),
            size(installed)
        ));
    }
    Ok(())
}

/// Returns the error of a step that was asked to stop.
pub(super) fn stopped_by(step: StepName, interrupted: Interrupted) -> EngineError {
    match interrupted {
        Interrupted::Budget(exceeded) => over_budget(step, exceeded),
        Interrupted::Signal { .. } | Interrupted::Abandoned => interrupted.into(),
    }
}

/// Returns the bytes of the data files that exist.
pub(super) fn bytes_to_read(run: &PipelineRun<'_>) -> Option<u64> {
    let mut bytes = 0;
    for part in data::parts(&run.job.spec.dataset, &run.context.root) {
        if let Ok(file) = fs::metadata(&part.path) {
            bytes += file.len();
        }
    }
    (bytes > 0).then_some(bytes)
}

/// Returns how much training data there is, once the features are fitted.
pub(super) fn extent(
    run: &PipelineRun<'_>,
    results: &Results,
) -> Result<Option<Extent>, EngineError> {
    let Some(rows) = rows(run, results)? else {
        return Ok(None);
    };
    let Some(features) = results.stage(Stage::Features) else {
        return Ok(None);
    };
    let fitted: FittedFeatures = read_json(&features.path(features::FITTED))
        .map_err(EngineError::in_stage(Stage::Features))?;
    Ok(Some(Extent {
        table_width: fitted.table_names().len() as u64,
        sequence_width: fitted.sequence_names().len() as u64,
        ..rows
    }))
}

/// Returns how many rows there are, once the data were validated.
pub(super) fn rows(
    run: &PipelineRun<'_>,
    results: &Results,
) -> Result<Option<Extent>, EngineError> {
    let Some(validate) = results.stage(Stage::Validate) else {
        return Ok(None);
    };
    let report: QualityReport = read_json(&validate.path(validate::REPORT))
        .map_err(EngineError::in_stage(Stage::Validate))?;
    Ok(Some(Extent {
        units: sum(&report, Role::Train, |file| file.units),
        rows: sum(&report, Role::Train, |file| file.rows),
        test_rows: sum(&report, Role::Test, |file| file.rows),
        channels: run.job.spec.dataset.schema().channels().count() as u64,
        table_width: 0,
        sequence_width: 0,
        threads: threads(),
    }))
}

/// Returns the sum over the files of a role; of pooled subsets there are several.
fn sum(report: &QualityReport, role: Role, count: fn(&FileReport) -> u64) -> u64 {
    let files = report.files.iter().filter(|file| file.role == role);
    files.map(count).sum()
}

pub(super) fn threads() -> u64 {
    rayon::current_num_threads() as u64
}
