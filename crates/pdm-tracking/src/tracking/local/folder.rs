//! The paths of a run.

use std::path::{Path, PathBuf};

use super::artifact;
use crate::tracking::{RunId, TrackingError};

/// Every path of a run.
#[derive(Debug, Clone)]
pub(in crate::tracking) struct RunFolder {
    pub(in crate::tracking) id: RunId,
    path: PathBuf,
}

impl RunFolder {
    pub(in crate::tracking) fn new(store: &Path, id: RunId) -> Self {
        Self {
            id,
            path: store.join(id.to_string()),
        }
    }

    pub(in crate::tracking) fn path(&self) -> &Path {
        &self.path
    }

    pub(in crate::tracking) fn journal(&self) -> PathBuf {
        self.path.join("journal.ndjson")
    }

    pub(in crate::tracking) fn lock(&self) -> PathBuf {
        self.path.join("lock")
    }

    pub(in crate::tracking) fn artifacts(&self) -> PathBuf {
        self.path.join("artifacts")
    }

    /// Returns the path of an artifact, which is always inside the folder.
    pub(in crate::tracking) fn artifact(&self, name: &str) -> Result<PathBuf, TrackingError> {
        artifact::check_name(name)?;
        Ok(name
            .split('/')
            .fold(self.artifacts(), |path, part| path.join(part)))
    }

    /// Returns a path for an incomplete file.
    pub(in crate::tracking) fn unfinished(&self) -> PathBuf {
        self.path.join(format!(".{}.part", RunId::new()))
    }

    pub(in crate::tracking) fn sync_state(&self) -> PathBuf {
        self.path.join("mlflow.json")
    }

    pub(in crate::tracking) fn sync_lock(&self) -> PathBuf {
        self.path.join("mlflow.lock")
    }
}
