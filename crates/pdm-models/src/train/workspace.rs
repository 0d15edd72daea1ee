//! Files from which an interrupted fit resumes.

use std::fs;
use std::path::{Path, PathBuf};

use super::TrainError;
use pdm_core::content::{Digest, atomic_write};

const FINISHED: &str = "finished.safetensors";
const DIGEST: &str = "finished.sha256";

/// A folder for the files from which an interrupted fit resumes, or none.
///
/// Every fit has a part of its own, such as `fold-1/member-2-gru/seed-3` or `final`. Folders are created when the first file is
/// written. The whole tree is removed when the stage is done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workspace(Option<PathBuf>);

impl Workspace {
    /// Returns a workspace that keeps nothing, for tests, examples and fits that are not resumed.
    pub fn none() -> Self {
        Self(None)
    }

    /// Returns the workspace in a folder, which need not exist yet.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self(Some(folder.into()))
    }

    /// Returns the part of this workspace for one step of the work.
    #[must_use]
    pub fn part(&self, name: &str) -> Self {
        Self(self.0.as_ref().map(|folder| folder.join(name)))
    }

    /// Returns the folder, if files are kept; it is created with the first file.
    pub fn folder(&self) -> Option<&Path> {
        self.0.as_deref()
    }

    /// Returns the weights of an earlier finished fit; `None` if they were changed since.
    pub(super) fn finished(&self) -> Option<Vec<u8>> {
        let folder = self.folder()?;
        let weights = fs::read(folder.join(FINISHED)).ok()?;
        let digest = fs::read_to_string(folder.join(DIGEST)).ok()?;
        (Digest::of(&weights).to_string() == digest).then_some(weights)
    }

    /// Keeps the weights of a finished fit.
    pub(super) fn finish(&self, weights: impl FnOnce() -> Vec<u8>) -> Result<(), TrainError> {
        let Some(folder) = self.folder() else {
            return Ok(());
        };
        let weights = weights();
        let digest = Digest::of(&weights).to_string();
        for (name, bytes) in [(FINISHED, weights.as_slice()), (DIGEST, digest.as_bytes())] {
            let path = folder.join(name);
            atomic_write(&path, bytes).map_err(|source| TrainError::Keep { path, source })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_lie_below_and_nowhere_stays_nowhere() {
        let part = Workspace::at("resume").part("fold-1").part("seed-2");
        assert_eq!(part.folder(), Some(Path::new("resume/fold-1/seed-2")));
        assert_eq!(Workspace::none().part("fold-1").folder(), None);
    }

    #[test]
    fn finished_weights_come_back_unless_they_were_changed() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path()).part("final");
        assert_eq!(workspace.finished(), None);
        workspace.finish(|| b"weights".to_vec()).unwrap();
        assert_eq!(workspace.finished().as_deref(), Some(&b"weights"[..]));
        fs::write(folder.path().join("final").join(FINISHED), "others").unwrap();
        assert_eq!(workspace.finished(), None);
        Workspace::none()
            .finish(|| unreachable!("no weights are kept"))
            .unwrap();
    }

    #[test]
    fn a_folder_that_takes_no_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("final"), "a file").unwrap();
        let error = Workspace::at(folder.path())
            .part("final")
            .finish(Vec::new)
            .unwrap_err();
        assert!(
            error.to_string().contains("finished.safetensors"),
            "{error}"
        );
    }
}
