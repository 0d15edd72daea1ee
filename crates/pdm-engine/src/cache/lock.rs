//! The lock of a key: one process at a time works on it.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::CacheError;
use super::error::At;
use pdm_core::events::Interrupt;

/// How long to sleep before trying again; a blocking wait could not be interrupted.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// The right to work on one key; released when dropped, and by the system when the process dies.
#[derive(Debug)]
pub(super) struct StageLock {
    _held: File,
}

impl StageLock {
    /// Takes the lock; returns none while another process holds it.
    pub(super) fn try_take(path: &Path) -> Result<Option<Self>, CacheError> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .at("open", path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _held: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error).at("lock", path),
        }
    }

    /// Waits for the lock; calls `waiting` once where it is not free at once.
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
