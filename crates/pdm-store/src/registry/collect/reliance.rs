//! Which existing blobs a writer may rely on.

use std::sync::Arc;

use jiff::Timestamp;

use super::FRESH;
use crate::registry::state::RegistryState;
use pdm_core::content::Digest;

/// Which existing blobs a writer need not send again. Without a context, all of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reliance(Option<RelianceContext>);

#[derive(Debug, Clone)]
struct RelianceContext {
    state: Arc<RegistryState>,
    now: Timestamp,
}

impl Reliance {
    /// Returns what a writer may rely on after reading the log.
    pub(crate) fn of(state: Arc<RegistryState>, now: Timestamp) -> Self {
        Self(Some(RelianceContext { state, now }))
    }

    /// Returns whether a version in use needs a blob, so that it stays whatever its age.
    pub(crate) fn is_needed(&self, blob: Digest) -> bool {
        self.0
            .as_ref()
            .is_none_or(|known| known.state.is_needed(blob))
    }

    /// Returns whether an object of this time is young enough.
    pub(crate) fn is_fresh(&self, then: Timestamp) -> bool {
        self.0
            .as_ref()
            .is_none_or(|known| known.now.duration_since(then) < FRESH)
    }

    /// Returns the time of writing, if known.
    pub(crate) fn now(&self) -> Option<Timestamp> {
        Some(self.0.as_ref()?.now)
    }
}

impl RegistryState {
    /// Returns whether a version in use needs a blob.
    fn is_needed(&self, blob: Digest) -> bool {
        self.models().any(|(_, model)| {
            let mut in_use = model
                .versions()
                .iter()
                .filter(|version| !model.is_retired(version.version));
            in_use.any(|version| model.blobs(version).any(|needed| needed == blob))
        })
    }
}
