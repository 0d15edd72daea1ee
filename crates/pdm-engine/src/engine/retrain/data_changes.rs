//! Compares the training files with those of the version judged last: what is new and what is lost, by content, not by bytes.

use super::super::EngineError;
use super::super::pipeline_run::PipelineRun;
use super::super::registered::open_version;
use super::RegistryHistory;
use crate::config::LostData;
use pdm_models::bundle::ModelBundle;
use pdm_models::data::{Changes, Contents, ValidDataset};

/// How the training files differ from those of the version judged last.
#[derive(Debug)]
pub(super) enum DataChanges {
    /// They are byte for byte those that it learnt from.
    Same {
        /// The version.
        version: u32,
    },
    /// They differ from what it learnt from, or have the same content in other bytes.
    Compared {
        /// The version.
        version: u32,
        /// What differs.
        changes: Changes,
        /// Whether the rows were compared, not only the names of the units.
        by_content: bool,
    },
    /// No version was judged yet, or it cannot be opened.
    Unknown,
}

impl DataChanges {
    /// Compares the training files with those of the version judged last, which is opened only where the bytes differ.
    ///
    /// Files that an earlier version learnt from are no exception: an old export that comes back lacks what came in since.
    pub(super) fn read(
        run: &PipelineRun<'_>,
        history: &RegistryHistory,
    ) -> Result<Self, EngineError> {
        let Some(last) = history.last_judged() else {
            return Ok(Self::Unknown);
        };
        let version = last.version;
        if last.origin.data == run.data()?.train {
            return Ok(Self::Same { version });
        }
        let bundle = match open_version(&run.context, &run.registry()?.registry, last) {
            Ok(bundle) => bundle,
            Err(error) => {
                run.context.reporter.warn(format!(
                    "v{version} cannot be opened, so data are compared only by their bytes: {error}"
                ));
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

    /// Refuses data that lack something the version judged last learnt from, unless the policy accepts that.
    pub(super) fn refuse_losses(&self, policy: LostData) -> Result<(), EngineError> {
        match policy {
            LostData::Refuse => {}
            LostData::Accept => return Ok(()),
        }
        match self {
            Self::Compared {
                version, changes, ..
            } if changes.has_losses() => Err(EngineError::DataLost {
                version: *version,
                losses: changes.losses(),
            }),
            Self::Compared { .. } | Self::Same { .. } | Self::Unknown => Ok(()),
        }
    }
}

/// Returns how training files differ from those that a bundle learnt from, and whether the rows were compared.
pub(in super::super) fn changes_since(
    bundle: &ModelBundle,
    dataset: &ValidDataset,
) -> (Changes, bool) {
    // With other columns, only the names of the units can be compared.
    if let Some(contents) = bundle.contents()
        && bundle.manifest().schema == *dataset.schema()
    {
        return (contents.changes(dataset), true);
    }
    let changes = Contents::changes_by_name(bundle.features().fitted_on(), dataset);
    (changes, false)
}
