use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::Value;

use super::entry::{Entry, outputs_of};
use super::error::{At, remove_folder};
use super::lock::StageLock;
use super::{CacheError, StageKey};

/// A stage at work: a folder to write into, which becomes an entry or vanishes.
///
/// Nobody else works on the same key while this lives.
#[derive(Debug)]
pub struct Pending {
    key: StageKey,
    work: PathBuf,
    resume: PathBuf,
    destination: PathBuf,
    started: Instant,
    _lock: StageLock,
}

impl Pending {
    /// Prepares an empty folder at `work`, removing what a dead process left there.
    pub(super) fn start(
        key: &StageKey,
        [work, resume, destination]: [PathBuf; 3],
        lock: StageLock,
    ) -> Result<Self, CacheError> {
        remove_folder(&work)?;
        let outputs = outputs_of(&work);
        fs::create_dir_all(&outputs).at("create", &outputs)?;
        Ok(Self { key: key.clone(), work, resume, destination, started: Instant::now(), _lock: lock })
    }

    /// Returns the key.
    pub fn key(&self) -> &StageKey {
        &self.key
    }

    /// Returns the folder the stage writes its outputs into.
    pub fn dir(&self) -> PathBuf {
        outputs_of(&self.work)
    }

    /// Returns a folder for partial results; it is the same after a kill and is removed by [`Pending::commit`].
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn resume_dir(&self) -> Result<&Path, CacheError> {
        fs::create_dir_all(&self.resume).at("create", &self.resume)?;
        Ok(&self.resume)
    }

    /// Removes the partial results of earlier work under this key.
    ///
    /// # Errors
    /// The folder cannot be removed.
    pub fn discard_partial(&self) -> Result<(), CacheError> {
        remove_folder(&self.resume)
    }

    /// Turns what was written into an entry: from here on, [`super::Cache::lookup`] finds it.
    ///
    /// # Errors
    /// The outputs cannot be read, or the folder cannot be moved; nothing is left behind then.
    pub fn commit(self, summary: Value) -> Result<Entry, CacheError> {
        let elapsed_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let entry = Entry::describe(&self.work, self.key.clone(), summary, elapsed_ms)?;
        entry.write()?;
        remove_folder(&self.destination)?;
        let shelf = self.destination.parent().unwrap_or(&self.destination);
        fs::create_dir_all(shelf).at("create", shelf)?;
        fs::rename(&self.work, &self.destination).at("create", &self.destination)?;
        remove_folder(&self.resume)?;
        Ok(entry.moved_to(&self.destination))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // After a commit there is nothing left to remove; a failure here is what the next `open` repairs.
        let _ = remove_folder(&self.work);
    }
}
