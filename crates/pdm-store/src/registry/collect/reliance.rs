use std::sync::Arc;

use jiff::Timestamp;

use super::FRESH;
use crate::registry::state::RegistryState;
use pdm_core::content::Digest;

/// Which blobs a writer need not send because they are there. A store that no version is written to relies on all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reliance(Option<RelianceContext>);

#[derive(Debug, Clone)]
struct RelianceContext {
    state: Arc<RegistryState>,
    now: Timestamp,
}

impl Reliance {
    /// Returns what a writer may rely on after it has read the log.
    pub(crate) fn of(state: Arc<RegistryState>, now: Timestamp) -> Self {
        Self(Some(RelianceContext { state, now }))
    }

    /// Returns whether a blob stays whatever its age: a version in use rests on it.
    pub(crate) fn is_needed(&self, blob: Digest) -> bool {
        self.0
            .as_ref()
            .is_none_or(|known| known.state.is_needed(blob))
    }

    /// Returns whether what was written or begun then is young enough.
    pub(crate) fn is_fresh(&self, then: Timestamp) -> bool {
        self.0
            .as_ref()
            .is_none_or(|known| known.now.duration_since(then) < FRESH)
    }

    /// Returns the time of writing, where it is known.
    pub(crate) fn now(&self) -> Option<Timestamp> {
        Some(self.0.as_ref()?.now)
    }
}

impl RegistryState {
    /// Returns whether a version in use rests on a blob.
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
