//! Removes blobs that were found to be unneeded.

use std::future::ready;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::SignedDuration;
use serde::Serialize;

use super::plan::{Collectable, Unneeded, owners};
use crate::registry::entry::{Collected, LogAction, Stamp};
use crate::registry::error::RegistryError;
use crate::registry::keys::ObjectKey;
use crate::registry::log::{AppendDecision, Log};
use crate::registry::manifest::VersionId;
use crate::registry::registry::Registry;
use crate::registry::state::RegistryState;

/// Blobs removed at the same time.
const REMOVERS: usize = 8;

/// Largest difference between the clocks of this machine and of a store.
const LARGEST_OFFSET: SignedDuration = SignedDuration::from_hours(1);

/// What was collected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// Versions whose files are no longer kept.
    pub versions: Vec<VersionId>,
    /// Entry of the log that records it; `None` if no version lost a file.
    pub entry: Option<u64>,
    /// Blobs removed.
    pub blobs: u64,
    /// Bytes of those blobs.
    pub bytes: u64,
}

impl Registry {
    /// Removes the blobs found, if still unneeded; the log first records which versions lose their files.
    /// With `force`, blobs are removed even if the log may have lost entries that named them.
    ///
    /// # Errors
    /// [`RegistryError::LogInDoubt`], [`RegistryError::MostlyOrphans`], [`RegistryError::Clock`], a damaged log, and errors of the
    /// store. Collecting again completes the work.
    pub async fn collect(
        &self,
        found: &Collectable,
        force: bool,
        stamp: &Stamp,
    ) -> Result<Removed, RegistryError> {
        if !force {
            found.require_plausible()?;
        }
        if found.blobs.is_empty() {
            return Ok(Removed {
                versions: Vec::new(),
                entry: None,
                blobs: 0,
                bytes: 0,
            });
        }
        self.store().prove().await?;
        let difference = stamp.time.duration_since(self.store().clock().await?);
        if difference.abs() > LARGEST_OFFSET {
            return Err(RegistryError::Clock {
                location: self.store().location().to_owned(),
                off: difference,
            });
        }
        self.collect_by(found, stamp).await
    }

    /// As [`Self::collect`], without checking the store's clock.
    pub(crate) async fn collect_by(
        &self,
        found: &Collectable,
        stamp: &Stamp,
    ) -> Result<Removed, RegistryError> {
        let decide = |state: Arc<RegistryState>| ready(Ok(decide(found, &state)));
        let ((versions, doomed), entry) = Log::append(self.store(), stamp, decide).await?;
        let total = doomed.len() as u64;
        let mut removed = Removed {
            versions,
            entry,
            blobs: 0,
            bytes: 0,
        };
        let removals: Vec<_> = doomed
            .into_iter()
            .map(|blob| self.remove(found, blob))
            .collect();
        let mut removals = stream::iter(removals).buffer_unordered(REMOVERS);
        let transfers = self.store().transfers();
        let mut done = 0;
        while let Some(bytes) = removals.try_next().await? {
            done += 1;
            removed.blobs += u64::from(bytes.is_some());
            removed.bytes += bytes.unwrap_or(0);
            transfers.reporter.progress("collect", done, total, "blobs");
            transfers.reporter.check()?;
        }
        Ok(removed)
    }

    /// Removes a blob, unless it was written again meanwhile; returns its length if it was removed.
    async fn remove(
        &self,
        found: &Collectable,
        blob: Unneeded,
    ) -> Result<Option<u64>, RegistryError> {
        let key = ObjectKey::Blob(blob.blob);
        match self.store().stat(key).await? {
            Some(there) if there.modified < found.before => {
                self.store().delete(key).await?;
                Ok(Some(there.bytes))
            }
            _ => Ok(None),
        }
    }
}

/// Decides which of the versions found lose their files and which of the blobs are removed.
fn decide(
    found: &Collectable,
    state: &RegistryState,
) -> AppendDecision<(Vec<VersionId>, Vec<Unneeded>)> {
    let owners = owners(state, found.before);
    let doomed = |blob: &&Unneeded| {
        owners
            .of(blob.blob)
            .is_some_and(|versions| versions.iter().all(|id| is_named(found, id)))
    };
    let doomed: Vec<_> = found.blobs.iter().filter(doomed).cloned().collect();
    let mut versions: Vec<_> = doomed
        .iter()
        .filter_map(|blob| owners.of(blob.blob))
        .flatten()
        .collect();
    versions.sort();
    versions.dedup();
    match versions[..] {
        [] => AppendDecision::Leave((versions, doomed)),
        _ => AppendDecision::Append(
            LogAction::Collect(Collected {
                versions: versions.clone(),
            }),
            (versions, doomed),
        ),
    }
}

/// Returns whether the plan names this version as one that loses files.
fn is_named(found: &Collectable, id: &VersionId) -> bool {
    found.versions.binary_search(id).is_ok()
}
