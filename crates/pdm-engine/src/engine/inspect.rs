//! Reads a pipeline's data and features for commands that only show them.

use super::pipeline_run::PipelineRun;
use super::provide::provide_data;
use super::provision::provision;
use super::{Context, EngineError, Job};
use crate::config::Stage;
use crate::pipeline::{features, read_json};
use pdm_models::data::{self, QualityReport, RawDataset, ValidDataset};
use pdm_models::features::FittedFeatures;

/// Reads the data and reports their quality, valid or not.
///
/// # Errors
/// The data cannot be read at all.
pub fn quality(context: &Context, job: &Job) -> Result<QualityReport, EngineError> {
    let raw = raw_data(context, job)?;
    Ok(data::validate(raw, &job.spec.validate).report)
}

/// Reads the data as they are, valid or not.
///
/// # Errors
/// The data cannot be read at all.
pub fn raw_data(context: &Context, job: &Job) -> Result<RawDataset, EngineError> {
    let in_stage = EngineError::in_stage(Stage::Validate);
    provision(context, job)?;
    provide_data(context, job)?;
    data::ingest(&job.spec.dataset, &context.root).map_err(|error| in_stage(error.into()))
}

/// Returns the data and the fitted features of a pipeline that was brought up to them.
///
/// # Errors
/// The data are not valid, or nothing can be learnt from them.
pub fn fitted_features(
    context: &Context,
    job: &Job,
) -> Result<(ValidDataset, FittedFeatures), EngineError> {
    let in_stage = EngineError::in_stage(Stage::Features);
    let run = PipelineRun::open(context, job)?;
    let key = features::stage_key(&job.spec, run.data()?.train);
    let entry = run.cache.lookup(&key).into_entry();
    let dataset = run.dataset()?.clone();
    let fitted = match entry {
        Some(entry) => read_json(&entry.path(features::FITTED)),
        None => features::fit(&job.spec, &dataset),
    };
    Ok((dataset, fitted.map_err(in_stage)?))
}
