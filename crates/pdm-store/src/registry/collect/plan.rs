//! Finds blobs that can be removed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{LEAST_GRACE, blobs_of};
use crate::registry::error::RegistryError;
use crate::registry::keys::{BLOBS, ObjectKey};
use crate::registry::log::Log;
use crate::registry::manifest::VersionId;
use crate::registry::registry::Registry;
use crate::registry::snapshot::{self, Contradiction};
use crate::registry::state::{RegistryState, Retirement};
use pdm_core::content::Digest;

/// The blobs that can be removed, found without changing anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Collectable {
    /// Location of the store.
    pub location: String,
    /// Objects older than this may be removed.
    pub before: Timestamp,
    /// Retired versions that would lose files, in order of name and number.
    pub versions: Vec<VersionId>,
    /// Blobs that would be removed, in order of digest.
    pub blobs: Vec<Unneeded>,
    /// Bytes of those blobs.
    pub bytes: u64,
    /// Unneeded blobs that are too young.
    pub young: u64,
    /// Blobs that no entry of the log names, of any age.
    pub unnamed: u64,
    /// Bytes of those blobs.
    pub unnamed_bytes: u64,
    /// All blobs in the store.
    pub stored: u64,
    /// Bytes of all blobs in the store.
    pub stored_bytes: u64,
    /// Entries of the log it was compared with.
    pub entries: u64,
    /// Why the log may have lost entries at its end, as a sentence without a full stop.
    pub doubt: Option<String>,
}

/// A blob that no version needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unneeded {
    /// Its name.
    pub blob: Digest,
    /// Its length in bytes.
    pub bytes: u64,
    /// When it was written, by the store's clock.
    pub modified: Timestamp,
    /// Retired versions that needed it; none for a blob of a writer that was killed or refused.
    pub versions: Vec<VersionId>,
}

impl Registry {
    /// Returns what could be collected now. Nothing is written.
    ///
    /// # Errors
    /// [`RegistryError::Grace`] if the grace is too short, a damaged or missing log, and errors of the store.
    pub async fn collectable(
        &self,
        grace: SignedDuration,
        now: Timestamp,
    ) -> Result<Collectable, RegistryError> {
        if grace < LEAST_GRACE {
            return Err(RegistryError::Grace {
                grace,
                least: LEAST_GRACE,
            });
        }
        let before = now.checked_sub(grace).unwrap_or(Timestamp::MIN);
        // The blobs first: an entry that names one meanwhile is found in the log, which is read entry by entry.
        let listed = self.store().list_objects(BLOBS).await?;
        // A snapshot is written after its entries, so the entries of those listed now are in the log that is read next.
        let ends = snapshot::list(self.store()).await?;
        let log = Log::read_entries(self.store()).await?;
        let named: BTreeSet<_> = log
            .entries()
            .iter()
            .flat_map(|entry| blobs_of(&entry.action))
            .collect();
        let state = log.state();
        let mut owners = owners(state, before);
        owners.spare(&self.retired_lately(state, before).await?);
        let mut found = Collectable::new(self.store().location(), before);
        found.entries = log.entries().len() as u64;
        found.doubt = doubt(
            &snapshot::contradicting(self.store(), &ends, log.entries()).await?,
            found.entries,
        );
        for object in listed {
            let Some(ObjectKey::Blob(blob)) = ObjectKey::parse(&object.path) else {
                continue;
            };
            found.stored += 1;
            found.stored_bytes += object.bytes;
            if !named.contains(&blob) {
                found.unnamed += 1;
                found.unnamed_bytes += object.bytes;
            }
            let Some(versions) = owners.of(blob) else {
                continue;
            };
            match object.modified < before {
                true => found.add(Unneeded {
                    blob,
                    bytes: object.bytes,
                    modified: object.modified,
                    versions,
                }),
                false => found.young += 1,
            }
        }
        let versions: BTreeSet<_> = found
            .blobs
            .iter()
            .flat_map(|blob| blob.versions.iter().cloned())
            .collect();
        found.versions = versions.into_iter().collect();
        Ok(found)
    }

    /// Returns the versions that only seem to have been retired long ago, because of a slow clock.
    async fn retired_lately(
        &self,
        state: &RegistryState,
        before: Timestamp,
    ) -> Result<BTreeSet<VersionId>, RegistryError> {
        let mut lately = BTreeSet::new();
        for (id, retirement) in due(state, before) {
            let entry = self.store().stat(ObjectKey::Log(retirement.entry)).await?;
            if entry.is_none_or(|entry| entry.modified >= before) {
                lately.insert(id);
            }
        }
        Ok(lately)
    }
}

impl Collectable {
    fn new(location: &str, before: Timestamp) -> Self {
        let versions = Vec::new();
        let blobs = Vec::new();
        let location = location.to_owned();
        Self {
            location,
            before,
            versions,
            blobs,
            bytes: 0,
            young: 0,
            unnamed: 0,
            unnamed_bytes: 0,
            stored: 0,
            stored_bytes: 0,
            entries: 0,
            doubt: None,
        }
    }

    /// Refuses to remove blobs if the log may have been cut short, because blobs of lost entries would be gone for good: if
    /// snapshots hold other entries than the log, or if most blobs or bytes are named by no entry.
    ///
    /// # Errors
    /// [`RegistryError::LogInDoubt`] or [`RegistryError::MostlyOrphans`].
    pub fn require_plausible(&self) -> Result<(), RegistryError> {
        if self.blobs.is_empty() {
            return Ok(());
        }
        if let Some(what) = &self.doubt {
            return Err(RegistryError::LogInDoubt {
                location: self.location.clone(),
                what: what.clone(),
            });
        }
        let removes_unnamed = self.blobs.iter().any(|blob| blob.versions.is_empty());
        let are_most = self.unnamed * 2 > self.stored || self.unnamed_bytes > self.stored_bytes / 2;
        if !removes_unnamed || !are_most {
            return Ok(());
        }
        Err(RegistryError::MostlyOrphans {
            location: self.location.clone(),
            orphans: self.unnamed,
            blobs: self.stored,
            bytes: self.unnamed_bytes,
            stored: self.stored_bytes,
            entries: self.entries,
        })
    }

    fn add(&mut self, blob: Unneeded) {
        self.bytes += blob.bytes;
        self.blobs.push(blob);
    }
}

/// Returns why snapshots make the log doubtful; `None` if they hold the same entries.
fn doubt(contradictions: &[Contradiction], last: u64) -> Option<String> {
    let first = contradictions
        .iter()
        .max_by_key(|found| (found.is_whole, found.end))?;
    let Contradiction { key, end, is_whole } = first;
    Some(match (is_whole, *end > last) {
        (true, true) => {
            format!("`{key}` holds entries up to {end}, but the log ends at entry {last}")
        }
        (true, false) => format!("`{key}` holds other entries than the log"),
        (false, _) => {
            format!(
                "`{key}` is damaged, so it is unknown whether the log, which ends at entry {last}, is complete"
            )
        }
    })
}

/// Which versions need which blobs.
pub(super) struct Owners {
    needed: BTreeSet<Digest>,
    due: BTreeMap<Digest, Vec<VersionId>>,
}

/// Returns the versions that were retired before a time and still have their files.
fn due(state: &RegistryState, before: Timestamp) -> Vec<(VersionId, Retirement)> {
    let versions = state
        .models()
        .flat_map(|(_, model)| model.versions().iter().map(move |version| (model, version)));
    let kept = versions.filter(|(model, version)| model.collection(version.version).is_none());
    let retired = kept
        .filter_map(|(model, version)| Some((version.id(), model.retirement(version.version)?)));
    retired
        .filter(|(_, retirement)| retirement.time < before)
        .collect()
}

/// Sorts blobs by who needs them: versions that stay, or versions retired before a time, whose files may be removed.
pub(super) fn owners(state: &RegistryState, before: Timestamp) -> Owners {
    let mut owners = Owners {
        needed: BTreeSet::new(),
        due: BTreeMap::new(),
    };
    for (_, model) in state.models() {
        for version in model
            .versions()
            .iter()
            .filter(|version| model.collection(version.version).is_none())
        {
            let is_due = model
                .retirement(version.version)
                .is_some_and(|retired| retired.time < before);
            for blob in model.blobs(version) {
                match is_due {
                    true => owners.due.entry(blob).or_default().push(version.id()),
                    false => _ = owners.needed.insert(blob),
                }
            }
        }
    }
    owners
}

impl Owners {
    /// Keeps the blobs of versions that would have been due.
    fn spare(&mut self, versions: &BTreeSet<VersionId>) {
        let spared = self
            .due
            .iter()
            .filter(|(_, owners)| owners.iter().any(|owner| versions.contains(owner)));
        self.needed.extend(spared.map(|(blob, _)| *blob));
    }

    /// Returns the versions that would lose a blob; `None` if it is needed.
    pub(super) fn of(&self, blob: Digest) -> Option<Vec<VersionId>> {
        let mut versions = self.due.get(&blob).cloned().unwrap_or_default();
        versions.dedup();
        (!self.needed.contains(&blob)).then_some(versions)
    }
}
