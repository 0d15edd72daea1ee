use super::LockMode;

/// What of earlier work a run may use, and what it must keep to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reuse {
    /// Results of finished stages; otherwise every stage is computed again.
    pub cached: bool,
    /// What a stopped training left; otherwise that is removed and the training begins afresh.
    pub partial: bool,
    /// What is done about the pipeline's lock.
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
