//! Checkpoints, from which a fit that was stopped continues.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::adamw::AdamMoments;
use super::learner::LearnerState;
use super::validation::BestParameters;
use crate::train::{TrainError, Workspace};
use pdm_core::content::{Digest, atomic_write};

/// File of the newest state.
const LAST: &str = "last.safetensors";
/// File of the state that predicted the units held back best.
const BEST: &str = "best.safetensors";
const NOTE: &str = "fit";

/// Writes the state of a fit to files, and reads it back.
pub(super) struct Checkpoints<'a> {
    workspace: &'a Workspace,
    /// Digest of everything that decides the fit; a checkpoint of another fit is ignored.
    fit: Digest,
}

/// The progress of a fit.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FitProgress {
    pub(super) state: LearnerState,
    pub(super) best: Option<BestParameters>,
    /// Losses since the last report.
    pub(super) losses: Vec<f64>,
}

#[derive(Serialize, Deserialize)]
struct CheckpointNote {
    fit: Digest,
    step: usize,
    best: Option<(usize, f64)>,
    losses: Vec<f64>,
}

impl<'a> Checkpoints<'a> {
    pub(super) fn new(workspace: &'a Workspace, fit: Digest) -> Self {
        Self { workspace, fit }
    }

    /// Returns the file of the best weights, or else of the newest state, where one has been written.
    pub(super) fn kept(&self) -> Option<PathBuf> {
        let folder = self.workspace.folder()?;
        [BEST, LAST]
            .map(|name| folder.join(name))
            .into_iter()
            .find(|path| path.is_file())
    }

    /// Writes the state, in place of the one written before.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn keep_last(&self, progress: &FitProgress) -> Result<(), TrainError> {
        self.keep(LAST, progress)
    }

    /// Writes the state as the best so far.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn keep_best(&self, progress: &FitProgress) -> Result<(), TrainError> {
        self.keep(BEST, progress)
    }

    /// Sets the progress to that of the newest checkpoint of the same fit; leaves it unchanged where there is none.
    pub(super) fn restore(&self, progress: &mut FitProgress) {
        let Some(folder) = self.workspace.folder() else {
            return;
        };
        if let Some(found) = fs::read(folder.join(LAST))
            .ok()
            .and_then(|bytes| self.read(&bytes, progress))
        {
            *progress = found;
        }
    }

    fn keep(&self, name: &str, progress: &FitProgress) -> Result<(), TrainError> {
        let Some(folder) = self.workspace.folder() else {
            return Ok(());
        };
        let path = folder.join(name);
        atomic_write(&path, &self.bytes(progress))
            .map_err(|source| TrainError::Keep { path, source })
    }

    fn bytes(&self, progress: &FitProgress) -> Vec<u8> {
        let FitProgress {
            state,
            best,
            losses,
        } = progress;
        let note = CheckpointNote {
            fit: self.fit,
            step: state.step,
            best: best.as_ref().map(|best| (best.step, best.rmse)),
            losses: losses.clone(),
        };
        let none = Vec::new();
        let tensors = [
            ("parameters", &state.parameters),
            ("average", &state.average.mean),
            ("moment_1", &state.moments.first),
            ("moment_2", &state.moments.second),
            ("best", best.as_ref().map_or(&none, |best| &best.parameters)),
        ];
        let bytes = tensors.map(|(name, values)| {
            (
                name,
                values
                    .iter()
                    .flat_map(|v| v.to_le_bytes())
                    .collect::<Vec<u8>>(),
            )
        });
        let views = bytes.iter().map(|(name, bytes)| {
            let view = TensorView::new(Dtype::F32, vec![bytes.len() / 4], bytes)
                .expect("four bytes a number");
            (*name, view)
        });
        let note = serde_json::to_string(&note).expect("a note has a JSON form");
        safetensors::serialize(views, Some(HashMap::from([(NOTE.to_owned(), note)])))
            .expect("the names are plain text")
    }

    /// Returns the progress of a file; `None` where it is damaged or of another fit.
    fn read(&self, bytes: &[u8], like: &FitProgress) -> Option<FitProgress> {
        let (_, header) = SafeTensors::read_metadata(bytes).ok()?;
        let note: CheckpointNote =
            serde_json::from_str(header.metadata().as_ref()?.get(NOTE)?).ok()?;
        let tensors = SafeTensors::deserialize(bytes).ok()?;
        let count = like.state.parameters.len();
        let read = |name: &str| {
            let (numbers, rest) = tensors.tensor(name).ok()?.data().as_chunks();
            let values: Vec<f32> = numbers
                .iter()
                .map(|number| f32::from_le_bytes(*number))
                .collect();
            let fits = rest.is_empty()
                && values.len() == count
                && values.iter().all(|value| value.is_finite());
            fits.then_some(values)
        };
        if note.fit != self.fit {
            return None;
        }
        let mut average = like.state.average.clone();
        average.mean = read("average")?;
        let moments = AdamMoments {
            first: read("moment_1")?,
            second: read("moment_2")?,
        };
        let state = LearnerState {
            step: note.step,
            parameters: read("parameters")?,
            average,
            moments,
        };
        let best = match note.best {
            Some((step, rmse)) => Some(BestParameters {
                step,
                rmse,
                parameters: read("best")?,
            }),
            None => None,
        };
        Some(FitProgress {
            state,
            best,
            losses: note.losses,
        })
    }
}
