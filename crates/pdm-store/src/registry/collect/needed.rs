use std::collections::{BTreeMap, BTreeSet};

use crate::registry::entry::Action;
use crate::registry::manifest::VersionId;
use pdm_core::content::Digest;

/// Which version rests on which blobs, and whose files were collected.
#[derive(Default)]
pub(crate) struct Needed {
    blobs: BTreeMap<VersionId, BTreeSet<Digest>>,
    collected: BTreeSet<VersionId>,
}

impl Needed {
    /// Takes in what an entry says.
    pub(crate) fn take(&mut self, action: &Action) {
        let id = match action {
            Action::Register(version) => version.id(),
            Action::Promote(promoted) => VersionId {
                model: promoted.model.clone(),
                version: promoted.to,
            },
            Action::Collect(collected) => {
                return self.collected.extend(collected.versions.iter().cloned());
            }
            Action::Rollback(_) | Action::Annotate(_) | Action::Approve(_) | Action::Retire(_) => {
                return;
            }
        };
        self.blobs.entry(id).or_default().extend(blobs_of(action));
    }

    /// Returns the blobs that must be there.
    pub(crate) fn blobs(&self) -> BTreeSet<Digest> {
        let kept = self
            .blobs
            .iter()
            .filter(|(id, _)| !self.collected.contains(id));
        kept.flat_map(|(_, blobs)| blobs.iter().copied()).collect()
    }
}

/// Returns the blobs an action names.
pub(crate) fn blobs_of(action: &Action) -> Vec<Digest> {
    match action {
        Action::Register(version) => version.blobs().collect(),
        Action::Promote(promoted) => promoted.report.into_iter().collect(),
        Action::Rollback(_)
        | Action::Annotate(_)
        | Action::Approve(_)
        | Action::Retire(_)
        | Action::Collect(_) => Vec::new(),
    }
}
