use jiff::Timestamp;

use super::{RunFolder, RunLock};
use crate::tracking::journal::{JournalEnds, Opening, read_ends};
use crate::tracking::{RunStatus, TrackingError};

/// Where a run stands, seen from outside.
pub(in crate::tracking) struct RunState {
    pub(in crate::tracking) opening: Opening,
    pub(in crate::tracking) status: RunStatus,
    /// When it ended; for a killed run, its last sign of life.
    pub(in crate::tracking) ended: Option<Timestamp>,
}

/// Finds out where a run stands; writes nothing.
pub(in crate::tracking) fn standing(folder: &RunFolder) -> Result<RunState, TrackingError> {
    let ends = read_ends(&folder.journal())?;
    if ends.outcome.is_some() {
        return Ok(settled(ends));
    }
    if RunLock::is_held(&folder.lock()) {
        return Ok(RunState {
            opening: ends.opening,
            status: RunStatus::Running,
            ended: None,
        });
    }
    // The run may have ended well between the two looks.
    read_ends(&folder.journal()).map(settled)
}

/// A run whose lock is free and that has not said how it ended was killed.
fn settled(
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
