//! What a run may reuse of earlier work.

use super::LockMode;

/// What a run may reuse of earlier work, and whether it must match the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reuse {
    /// Results of finished stages; otherwise every stage is computed again.
    pub cached: bool,
    /// What a stopped training left; otherwise that is removed and the training starts from scratch.
    pub partial: bool,
    /// What is done with the pipeline's lock.
    pub lock: LockMode,
}

impl Default for Reuse {
    fn default() -> Self {
        Self {
            cached: true,
            partial: true,
            lock: LockMode::default(),
        }
    }
}
