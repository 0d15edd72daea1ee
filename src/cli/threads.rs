//! Sets the number of threads: `--threads`, else the pipeline's budget, else one per core.

use std::num::NonZeroUsize;

use super::error::CliError;

/// Applies `--threads` before any pipeline is read; 0 leaves the choice to [`from_budget`].
pub(super) fn from_flag(threads: u16) -> Result<(), CliError> {
    match NonZeroUsize::new(threads.into()) {
        Some(threads) => start(threads)
            .map_err(|error| CliError::resources(error).hint("use a smaller --threads")),
        None => Ok(()),
    }
}

/// Applies `project.budget.threads` of a pipeline. Has no effect if the flag or an earlier pipeline already set the number.
pub(super) fn from_budget(threads: Option<u16>) {
    if let Some(threads) = threads.and_then(|threads| NonZeroUsize::new(threads.into())) {
        let _already_started = start(threads);
    }
}

/// Starts the thread pool for all work; without this call, the first work starts one thread per core.
fn start(threads: NonZeroUsize) -> Result<(), rayon::ThreadPoolBuildError> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.get())
        .build_global()
}
