//! Blobs of any length: transferred in parts, never whole in memory, verified on the way, and resumed after an interruption.
//!
//! Short blobs are one create-only write. A long one is uploaded in parts under its final key; a store shows it only once all
//! parts are complete. Since its name is the digest of its bytes, another writer writes the same bytes.

mod buffers;
mod download;
mod kept;
mod upload;

pub(super) use download::{download, verify};
pub(super) use kept::{LOCK, PendingUpload};
pub(super) use upload::{is_there, upload};

use std::path::PathBuf;

use super::error::RegistryError;
use pdm_core::events::Reporter;

/// Bytes of a part, and of the longest blob that is transferred in one.
pub(super) const PART: u64 = 8 << 20;

/// Parts transferred at the same time.
const IN_FLIGHT: usize = 4;

/// Most parts of one object in S3.
const MOST_PARTS: u64 = 10_000;

/// Options of transfers.
#[derive(Clone, Default)]
pub(super) struct Transfers {
    /// Folder for the state of interrupted transfers; without it, they start from state_dir.
    pub(super) state_dir: Option<PathBuf>,
    /// Reports the progress, and whether to stop.
    pub(super) reporter: Reporter,
}

impl std::fmt::Debug for Transfers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transfers")
            .field("state_dir", &self.state_dir)
            .finish_non_exhaustive()
    }
}

impl Transfers {
    /// Reports the progress of a transfer, and fails if it should stop.
    fn report(&self, task: &str, done: u64, total: u64) -> Result<(), RegistryError> {
        self.reporter
            .progress(task, done >> 20, total.div_ceil(1 << 20), "MiB");
        Ok(self.reporter.check()?)
    }
}

/// Returns the length of a part of a blob.
fn part_length(bytes: u64) -> u64 {
    PART.max(bytes.div_ceil(MOST_PARTS).next_multiple_of(1 << 20))
}

#[cfg(test)]
mod tests;
