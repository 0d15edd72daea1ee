//! The lock on one key of the cache.

use std::path::Path;
use std::thread;
use std::time::Duration;

use super::CacheError;
use super::error::At;
use pdm_core::content::FileLock;
use pdm_core::events::Interrupt;

/// Time between two attempts; a blocking wait could not be interrupted.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// The lock on one key, held until it is dropped; the system releases it when the process dies.
#[derive(Debug)]
pub(super) struct StageLock {
    _lock: FileLock,
}

impl StageLock {
    /// Takes the lock; `None` if another process holds it.
    pub(super) fn try_take(path: &Path) -> Result<Option<Self>, CacheError> {
        let lock = FileLock::try_take(path).at("lock", path)?;
        Ok(lock.map(|lock| Self { _lock: lock }))
    }

    /// Waits for the lock; calls `waiting` once if it is held by another process.
    pub(super) fn take(
        path: &Path,
        interrupt: &Interrupt,
        waiting: impl FnOnce(),
    ) -> Result<Self, CacheError> {
        if let Some(lock) = Self::try_take(path)? {
            return Ok(lock);
        }
        waiting();
        loop {
            interrupt.check()?;
            if let Some(lock) = Self::try_take(path)? {
                return Ok(lock);
            }
            thread::sleep(RETRY_INTERVAL);
        }
    }
}
