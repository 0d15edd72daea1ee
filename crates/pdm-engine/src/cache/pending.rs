//! A result that is being made.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::Value;

use super::entry::{CacheEntry, Cost, outputs_of};
use super::error::{At, remove_folder};
use super::lock::StageLock;
use super::{CacheError, StageKey};

/// A result that is being made: a folder to write into, which becomes an entry or is deleted.
///
/// No other process works on the same key while this exists.
#[derive(Debug)]
pub struct Pending {
    key: StageKey,
    work: PathBuf,
    resume: PathBuf,
    destination: PathBuf,
    started: Instant,
    cost: Option<Cost>,
    peak_bytes: Option<u64>,
    _lock: StageLock,
}

impl Pending {
    /// Prepares an empty folder at `work`, and removes what a killed process left there.
    pub(super) fn start(
        key: &StageKey,
        [work, resume, destination]: [PathBuf; 3],
        lock: StageLock,
    ) -> Result<Self, CacheError> {
        remove_folder(&work)?;
        let outputs = outputs_of(&work);
        fs::create_dir_all(&outputs).at("create", &outputs)?;
        Ok(Self {
            key: key.clone(),
            work,
            resume,
            destination,
            started: Instant::now(),
            cost: None,
            peak_bytes: None,
            _lock: lock,
        })
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

    /// Sets the most main memory that the process held, in bytes.
    #[must_use]
    pub fn with_peak(mut self, peak_bytes: Option<u64>) -> Self {
        self.peak_bytes = peak_bytes;
        self
    }

    /// Sets the cost, for a result that was made on another machine.
    #[must_use]
    pub fn with_cost(mut self, cost: Cost) -> Self {
        self.cost = Some(cost);
        self
    }

    /// Makes what was written an entry, which [`super::Cache::lookup`] finds from now on.
    ///
    /// # Errors
    /// The outputs cannot be read, or the folder cannot be moved; then nothing is left behind.
    pub fn commit(self, summary: Value) -> Result<CacheEntry, CacheError> {
        let elapsed_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let cost = self.cost.unwrap_or(Cost {
            elapsed_ms,
            peak_bytes: self.peak_bytes,
        });
        let entry = CacheEntry::describe(&self.work, self.key.clone(), summary, cost)?;
        entry.write()?;
        remove_folder(&self.destination)?;
        let parent = self.destination.parent().unwrap_or(&self.destination);
        fs::create_dir_all(parent).at("create", parent)?;
        fs::rename(&self.work, &self.destination).at("create", &self.destination)?;
        remove_folder(&self.resume)?;
        Ok(entry.moved_to(&self.destination))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // After a commit there is nothing to remove; after a failure here, the next `open` removes it.
        let _removed = remove_folder(&self.work);
    }
}
