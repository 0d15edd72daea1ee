//! The names of the objects in a shared cache.

use std::fmt;

use crate::cache::StageKey;
use pdm_core::content::Digest;

/// An object of a shared cache. Paths in the store are made only here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RemoteKey {
    /// `entries/<stage>/<digest>.json`: the result of a key.
    Entry { stage: String, digest: Digest },
    /// `blobs/sha256/<digest>`: bytes named by their digest.
    Blob(Digest),
}

impl RemoteKey {
    pub(super) fn of(key: &StageKey) -> Self {
        Self::Entry {
            stage: key.stage.clone(),
            digest: key.digest(),
        }
    }

    pub(super) fn path(&self) -> object_store::path::Path {
        self.to_string().into()
    }
}

impl fmt::Display for RemoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry { stage, digest } => write!(f, "entries/{stage}/{digest}.json"),
            Self::Blob(digest) => write!(f, "blobs/sha256/{digest}"),
        }
    }
}
