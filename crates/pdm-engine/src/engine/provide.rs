//! Runs the programs of `[[stage]]` that make data, for commands that read the data and run no stages.

use std::sync::Arc;

use super::executor::{CancelToken, Executor, Scheduler};
use super::pipeline_run::PipelineRun;
use super::{Context, EngineError, Job, RunPurpose};

/// Makes the data that programs make, or takes them from the cache.
///
/// # Errors
/// A program failed, or the cache cannot be used.
pub(super) fn provide_data(context: &Context, job: &Job) -> Result<(), EngineError> {
    let cancel = Arc::new(CancelToken::default());
    let scheduler = Scheduler::of_data(job, Arc::clone(&cancel));
    if scheduler.is_empty() {
        return Ok(());
    }
    let _project = context.lock_project()?;
    let reporter = context.reporter.guarded(cancel);
    let run = PipelineRun::open(context, job)?.reporting_to(reporter);
    let executor = Executor::without_record(&run, &RunPurpose::Requested);
    let finished = scheduler.run(&executor);
    executor.hashes.save();
    match finished.failed {
        Some(error) => Err(error),
        None => Ok(()),
    }
}
