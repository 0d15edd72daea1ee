//! What a training that was stopped left in its folder of partial results:
//!
//! ```text
//! fold-<n>.json           the predictions of a finished fold
//! learning_curves.ndjson  what was logged so far
//! run                     id of the last run that used the folder
//! …                       checkpoints of the fit that was stopped
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::StageError;
use super::curves::POINTS;
use pdm_core::content::{atomic_write, read_note};

const RUN: &str = "run";

/// What an earlier training with the same options left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PartialTraining {
    /// Finished folds.
    pub folds: usize,
    /// Whether a fit left a checkpoint.
    pub checkpoint: bool,
    /// The last run that used the folder, where it was recorded.
    pub run: Option<String>,
}

impl PartialTraining {
    /// Reads a folder of partial results, which need not exist.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn read(folder: &Path) -> Result<Self, StageError> {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            entries => entries.map_err(|source| StageError::io("read", folder, source))?,
        };
        let mut kept = Self {
            run: read_note(&folder.join(RUN)).ok(),
            ..Self::default()
        };
        for entry in entries.flatten() {
            match entry.file_name().to_str() {
                Some(name) if is_fold(name) => kept.folds += 1,
                Some(RUN | POINTS) => {}
                // A file that is being written has a temporary name that begins with a dot.
                Some(name) => kept.checkpoint |= !name.starts_with('.'),
                None => {}
            }
        }
        Ok(kept)
    }

    /// Returns whether there is nothing to continue from.
    pub fn is_empty(&self) -> bool {
        self.folds == 0 && !self.checkpoint
    }

    /// Notes in the folder which run uses it now.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn sign(folder: &Path, run: &str) -> Result<(), StageError> {
        let path = folder.join(RUN);
        atomic_write(&path, run.as_bytes()).map_err(|source| StageError::io("write", &path, source))
    }

    /// Returns what is kept, such as `2 of 5 folds and a checkpoint`.
    pub fn words(&self, folds: usize) -> String {
        match (self.folds, self.checkpoint) {
            (0, false) => "nothing".to_owned(),
            (0, true) => format!("a checkpoint of fold 1 of {folds}"),
            (done, false) => format!("{done} of {folds} folds"),
            (done, true) => format!("{done} of {folds} folds and a checkpoint"),
        }
    }

    /// Returns what comes next, such as `fold 3 of 5`.
    pub fn next(&self, folds: usize) -> String {
        if self.folds >= folds {
            return "the final fit".to_owned();
        }
        format!("fold {} of {folds}", self.folds + 1)
    }
}

/// Returns the file of a fold's predictions; folds count from 0.
pub(super) fn fold_file(folder: &Path, fold: usize) -> PathBuf {
    folder.join(format!("fold-{fold}.json"))
}

fn is_fold(name: &str) -> bool {
    name.strip_prefix("fold-")
        .and_then(|rest| rest.strip_suffix(".json"))
        .is_some_and(|n| n.parse::<usize>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_counted_and_described() {
        let folder = tempfile::tempdir().unwrap();
        let look = || PartialTraining::read(folder.path()).unwrap();
        assert!(
            look().is_empty()
                && PartialTraining::read(&folder.path().join("absent"))
                    .unwrap()
                    .is_empty()
        );
        PartialTraining::sign(folder.path(), "run-1").unwrap();
        fs::write(folder.path().join(POINTS), "").unwrap();
        assert_eq!(
            (look().is_empty(), look().run.as_deref()),
            (true, Some("run-1"))
        );
        fs::create_dir(folder.path().join("gru")).unwrap();
        assert_eq!(
            (look().words(5), look().next(5)),
            ("a checkpoint of fold 1 of 5".into(), "fold 1 of 5".into())
        );
        [0, 1]
            .iter()
            .for_each(|fold| fs::write(fold_file(folder.path(), *fold), "").unwrap());
        assert_eq!(
            (look().words(5), look().next(5)),
            ("2 of 5 folds and a checkpoint".into(), "fold 3 of 5".into())
        );
        fs::remove_dir(folder.path().join("gru")).unwrap();
        assert_eq!(
            (look().words(2), look().next(2)),
            ("2 of 2 folds".into(), "the final fit".into())
        );
    }
}
