//! Whether the training files hold something new, or lost something, since the version that was judged last: by content, not by bytes.

use super::super::EngineError;
use super::super::pipeline_run::PipelineRun;
use super::super::registered::open_version;
use super::Memory;
use crate::config::LostData;
use pdm_models::bundle::ModelBundle;
use pdm_models::data::{Changes, Contents, ValidDataset};

/// What became of the training files.
#[derive(Debug)]
pub(super) enum News {
    /// They are, to the byte, those that the version judged last learnt from.
    Same {
        /// The version.
        version: u32,
    },
    /// They differ from what the version judged last learnt from, or are written otherwise.
    Compared {
        /// The version.
        version: u32,
        /// What differs.
        changes: Changes,
        /// Whether the version kept more of its units than their names.
        by_content: bool,
    },
    /// No version was judged yet, or none that can be opened.
    Unknown,
}

impl News {
    /// Compares the training files with those of the version that was judged last, which is opened only where the bytes differ.
    ///
    /// Files that an earlier version learnt from are no exception: an old export that comes back has lost what came in since.
    pub(super) fn read(run: &PipelineRun<'_>, memory: &Memory) -> Result<Self, EngineError> {
        let Some(last) = memory.last_judged() else {
            return Ok(Self::Unknown);
        };
        let version = last.version;
        if last.origin.data == run.data()?.train {
            return Ok(Self::Same { version });
        }
        let bundle = match open_version(&run.context, &run.registry()?.registry, last) {
            Ok(bundle) => bundle,
            Err(error) => {
                let message = format!(
                    "v{version} cannot be opened, so data are told apart by their bytes: {error}"
                );
                run.context.reporter.warn(message);
                return Ok(Self::Unknown);
            }
        };
        let (changes, by_content) = changes_since(&bundle, run.dataset()?);
        Ok(Self::Compared {
            version,
            changes,
            by_content,
        })
    }

    /// Refuses data that lost what was learnt from, unless that is meant.
    pub(super) fn refuse_losses(&self, policy: LostData) -> Result<(), EngineError> {
        match (self, policy) {
            (
                Self::Compared {
                    version, changes, ..
                },
                LostData::Refuse,
            ) if changes.has_losses() => Err(EngineError::DataLost {
                version: *version,
                losses: changes.losses(),
            }),
            (
                Self::Compared { .. } | Self::Same { .. } | Self::Unknown,
                LostData::Refuse | LostData::Accept,
            ) => Ok(()),
        }
    }
}

/// Returns how training files differ from those that a bundle learnt from, and whether more than names was compared.
pub(in super::super) fn changes_since(
    bundle: &ModelBundle,
    dataset: &ValidDataset,
) -> (Changes, bool) {
    // Other columns have other values, and only names can be compared.
    let contents = bundle
        .contents()
        .filter(|_| bundle.manifest().schema == *dataset.schema());
    match contents {
        Some(contents) => (contents.changes(dataset), true),
        None => (
            Contents::changes_by_name(bundle.features().fitted_on(), dataset),
            false,
        ),
    }
}
