//! Exclusive locks on files, which the system releases when their process dies.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::open_regular;

/// Time between two attempts to take a lock; a blocking wait could not be interrupted.
const RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// An exclusive lock on a lock file, held until it is dropped.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

impl FileLock {
    /// Takes the lock, and creates its file if there is none; `None` if another process holds it.
    ///
    /// # Errors
    /// The file cannot be opened or locked.
    pub fn try_take(path: &Path) -> io::Result<Option<Self>> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)?;
        Ok(try_lock(&file)?.then_some(Self { _file: file }))
    }

    /// Takes the lock as [`Self::try_take`], but waits up to a time for another process.
    ///
    /// # Errors
    /// As there.
    pub fn take_within(path: &Path, time: Duration) -> io::Result<Option<Self>> {
        retry_within(time, || Self::try_take(path))
    }

    /// Returns whether a process holds the lock, without write access. If in doubt, it does.
    pub fn is_held(path: &Path) -> bool {
        match open_regular(path) {
            Ok(file) => file.try_lock_shared().is_err(),
            Err(error) => error.kind() != ErrorKind::NotFound,
        }
    }
}

/// Locks an open file; `false` if another process holds the lock.
///
/// # Errors
/// The system cannot lock the file.
pub fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Locks an open file as [`try_lock`], but waits up to a time for another process.
///
/// # Errors
/// As there.
pub fn lock_within(file: &File, time: Duration) -> io::Result<bool> {
    let locked = retry_within(time, || Ok(try_lock(file)?.then_some(())))?;
    Ok(locked.is_some())
}

/// Repeats an attempt for about this time.
fn retry_within<T>(
    time: Duration,
    attempt: impl Fn() -> io::Result<Option<T>>,
) -> io::Result<Option<T>> {
    let retries = time.as_millis() / RETRY_INTERVAL.as_millis();
    for _ in 0..retries {
        if let Some(taken) = attempt()? {
            return Ok(Some(taken));
        }
        thread::sleep(RETRY_INTERVAL);
    }
    attempt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert!(!FileLock::is_held(&path));
        let lock = FileLock::try_take(&path).unwrap().unwrap();
        assert!(FileLock::is_held(&path));
        assert!(FileLock::try_take(&path).unwrap().is_none());
        let wait = Duration::from_millis(20);
        assert!(FileLock::take_within(&path, wait).unwrap().is_none());
        drop(lock);
        let file = File::open(&path).unwrap();
        assert!(lock_within(&file, wait).unwrap());
    }
}
