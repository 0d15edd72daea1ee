//! How many threads work at once: what `--threads` says, else the pipeline's budget, else one per core.

use std::num::NonZeroUsize;

use super::error::CliError;

/// Obeys `--threads`, before any pipeline is read; 0 leaves the choice to [`from_budget`].
pub(super) fn from_flag(threads: u16) -> Result<(), CliError> {
    match NonZeroUsize::new(threads.into()) {
        Some(threads) => start(threads)
            .map_err(|error| CliError::resources(error).hint("use a smaller --threads")),
        None => Ok(()),
    }
}

/// Obeys `project.budget.threads` of the pipeline that was read. Where the flag was given, or another pipeline came first,
/// the threads are there already and stay.
pub(super) fn from_budget(threads: Option<u16>) {
    if let Some(threads) = threads.and_then(|threads| NonZeroUsize::new(threads.into())) {
        let _already_started = start(threads);
    }
}

/// Starts the threads that all work is given to; without it, the first work starts one per core.
fn start(threads: NonZeroUsize) -> Result<(), rayon::ThreadPoolBuildError> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.get())
        .build_global()
}
