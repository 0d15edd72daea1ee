//! The status of a run, as seen by other processes.

use jiff::Timestamp;

use super::RunFolder;
use crate::tracking::journal::{JournalEnds, Opening, read_ends};
use crate::tracking::{RunStatus, TrackingError};
use pdm_core::content::FileLock;

/// The status of a run, as seen by other processes.
pub(in crate::tracking) struct RunState {
    pub(in crate::tracking) opening: Opening,
    pub(in crate::tracking) status: RunStatus,
    /// When it ended; for a killed run, the time of its last line.
    pub(in crate::tracking) ended: Option<Timestamp>,
}

/// Determines the status of a run; writes nothing.
pub(in crate::tracking) fn read_state(folder: &RunFolder) -> Result<RunState, TrackingError> {
    let ends = read_ends(&folder.journal())?;
    if ends.outcome.is_some() {
        return Ok(ended_state(ends));
    }
    if FileLock::is_held(&folder.lock()) {
        return Ok(RunState {
            opening: ends.opening,
            status: RunStatus::Running,
            ended: None,
        });
    }
    // The run may have ended between the two checks.
    read_ends(&folder.journal()).map(ended_state)
}

/// A run without an end whose lock is free was killed.
fn ended_state(
    JournalEnds {
        opening,
        outcome,
        last,
    }: JournalEnds,
) -> RunState {
    RunState {
        opening,
        status: outcome.map_or(RunStatus::Killed, RunStatus::from),
        ended: Some(last),
    }
}
