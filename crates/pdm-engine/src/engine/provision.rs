//! Writes the simulated fleet that a pipeline asks for.

use super::{Context, EngineError, Job};
use crate::config::Stage;
use pdm_models::data::{self, DatasetOptions};

/// Returns why a simulated fleet must be written first; none where its files exist, or the data are not simulated.
pub(super) fn missing_fleet(context: &Context, job: &Job) -> Option<&'static str> {
    match &job.spec.dataset {
        DatasetOptions::Simulated(options) if !data::is_simulated(options, &context.root) => {
            Some("the fleet is not simulated yet")
        }
        DatasetOptions::Simulated(_) | DatasetOptions::Cmapss(_) | DatasetOptions::Table(_) => None,
    }
}

/// Writes the simulated fleet a pipeline asks for, unless it exists.
///
/// # Errors
/// The folder cannot be written.
pub(super) fn provision(context: &Context, job: &Job) -> Result<(), EngineError> {
    let DatasetOptions::Simulated(options) = &job.spec.dataset else {
        return Ok(());
    };
    if missing_fleet(context, job).is_none() {
        return Ok(());
    }
    data::simulate(options)
        .write(&context.resolve(&options.path))
        .map_err(|error| EngineError::in_stage(Stage::Validate)(error.into()))?;
    Ok(())
}
