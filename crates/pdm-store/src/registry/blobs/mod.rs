//! Blobs of any length: moved in parts, never whole in memory, verified on the way, and gone on with after an interruption.
//!
//! Short blobs are one create-only write. A long one goes up in parts to where it will stand; a store shows it only once all
//! parts are there. Since its name is the digest of its bytes, whoever else writes it writes the same.

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

/// Bytes of a part, and of the longest blob that moves in one.
pub(super) const PART: u64 = 8 << 20;

/// Parts on their way at the same time.
const IN_FLIGHT: usize = 4;

/// S3 takes no more parts than this of one object.
const MOST_PARTS: u64 = 10_000;

/// How long blobs are moved.
#[derive(Clone, Default)]
pub(super) struct Transfers {
    /// Folder for what an interrupted transfer goes on from; without it, it begins anew.
    pub(super) scratch: Option<PathBuf>,
    /// Hears how far it is, and knows whether to stop.
    pub(super) reporter: Reporter,
}

impl std::fmt::Debug for Transfers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transfers")
            .field("scratch", &self.scratch)
            .finish_non_exhaustive()
    }
}

impl Transfers {
    /// Tells how far a transfer is, and fails where it should stop.
    fn tell(&self, task: &str, done: u64, total: u64) -> Result<(), RegistryError> {
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
