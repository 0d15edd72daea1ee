//! Locks of runs.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;

use pdm_core::content::open_regular;

/// An exclusive lock on a file, for as long as the value lives; the system frees it when the process dies.
#[derive(Debug)]
pub(in crate::tracking) struct RunLock {
    _file: File,
}

impl RunLock {
    /// Takes the lock; `None` if another process holds it.
    pub(in crate::tracking) fn try_take(path: &Path) -> io::Result<Option<Self>> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Returns whether a process holds the lock, without write access. If in doubt, it does.
    pub(in crate::tracking) fn is_held(path: &Path) -> bool {
        match open_regular(path) {
            Ok(file) => file.try_lock_shared().is_err(),
            Err(error) => error.kind() != ErrorKind::NotFound,
        }
    }
}
