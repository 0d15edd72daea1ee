//! Which blobs the entries of a log need.

use std::collections::{BTreeMap, BTreeSet};

use crate::registry::entry::LogAction;
use crate::registry::manifest::VersionId;
use pdm_core::content::Digest;

/// The blobs each version needs, and the versions whose files were collected.
#[derive(Default)]
pub(crate) struct Needed {
    blobs: BTreeMap<VersionId, BTreeSet<Digest>>,
    collected: BTreeSet<VersionId>,
}

impl Needed {
    /// Adds the action of an entry.
    pub(crate) fn take(&mut self, action: &LogAction) {
        let id = match action {
            LogAction::Register(version) => version.id(),
            LogAction::Promote(promoted) => VersionId {
                model: promoted.model.clone(),
                version: promoted.to,
            },
            LogAction::Collect(collected) => {
                return self.collected.extend(collected.versions.iter().cloned());
            }
            LogAction::Rollback(_)
            | LogAction::Annotate(_)
            | LogAction::Approve(_)
            | LogAction::Retire(_) => {
                return;
            }
        };
        self.blobs.entry(id).or_default().extend(blobs_of(action));
    }

    /// Returns the blobs that must exist.
    pub(crate) fn blobs(&self) -> BTreeSet<Digest> {
        let kept = self
            .blobs
            .iter()
            .filter(|(id, _)| !self.collected.contains(id));
        kept.flat_map(|(_, blobs)| blobs.iter().copied()).collect()
    }
}

/// Returns the blobs an action names.
pub(crate) fn blobs_of(action: &LogAction) -> Vec<Digest> {
    match action {
        LogAction::Register(version) => version.blobs().collect(),
        LogAction::Promote(promoted) => promoted.report.into_iter().collect(),
        LogAction::Rollback(_)
        | LogAction::Annotate(_)
        | LogAction::Approve(_)
        | LogAction::Retire(_)
        | LogAction::Collect(_) => Vec::new(),
    }
}
