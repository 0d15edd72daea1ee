//! Finds runs that were copied to a server and are no longer there.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{MlflowClient, search};
use crate::tracking::{RunId, RunStore, TrackingError};

/// A run that was copied completely and is no longer there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LostRun {
    /// The run.
    pub run: RunId,
    /// Whether the server has it as deleted; otherwise the server does not have it at all.
    pub deleted: bool,
}

/// Returns the runs that were copied to the server completely and are no longer there, or only as deleted.
///
/// # Errors
/// [`TrackingError::Unreachable`] and [`TrackingError::Refused`] if the server fails.
pub fn lost(
    store: &RunStore,
    runs: &[RunId],
    client: &MlflowClient,
) -> Result<Vec<LostRun>, TrackingError> {
    let states = runs
        .iter()
        .filter_map(|run| Some((*run, store.sync_state(*run, client)?)));
    let copied: Vec<_> = states.filter(|(_, state)| state.complete).collect();
    let experiments: BTreeSet<_> = copied
        .iter()
        .map(|(_, state)| state.experiment_id.clone())
        .collect();
    let experiments: Vec<_> = experiments.into_iter().collect();
    if experiments.is_empty() {
        return Ok(Vec::new());
    }
    let there = search::ours(client, &experiments)?;
    let there: BTreeMap<_, _> = there
        .iter()
        .map(|run| (run.info.run_id.as_str(), run.is_deleted()))
        .collect();
    let lost = copied
        .iter()
        .filter_map(|(run, state)| match there.get(state.run_id.as_str()) {
            Some(false) => None,
            found => Some(LostRun {
                run: *run,
                deleted: found.is_some(),
            }),
        });
    Ok(lost.collect())
}
