//! Whether the training files hold something new, or lost something, since the newest judged version: by content, not by bytes.

use super::super::registered::open_version;
use super::super::{EngineError, Line};
use super::Memory;
use crate::pipeline::LostData;
use pdm_models::data::{Changes, Contents};

/// What became of the training files.
#[derive(Debug)]
pub(super) enum News {
    /// They are, to the byte, those that a judged version learnt from.
    Same {
        /// The version.
        version: u32,
    },
    /// They differ from what the newest judged version learnt from, or are written otherwise.
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
    /// Compares the training files with the newest judged version's, which is read only where the bytes differ.
    pub(super) fn read(line: &mut Line<'_>, memory: &Memory) -> Result<Self, EngineError> {
        if let Some(same) = memory.judged_on(line.data_digests().train) {
            return Ok(Self::Same { version: same.version });
        }
        let Some(last) = memory.last_judged() else { return Ok(Self::Unknown) };
        let bundle = match open_version(line.context, &line.storeroom.registry, last) {
            Ok(bundle) => bundle,
            Err(error) => {
                let message =
                    format!("v{} cannot be opened, so data are told apart by their bytes: {error}", last.version);
                line.context.reporter.warn(message);
                return Ok(Self::Unknown);
            }
        };
        let version = last.version;
        let dataset = line.dataset()?;
        // Other columns have other values, and only names can be compared.
        let contents = bundle.contents().filter(|_| bundle.manifest().schema == *dataset.schema());
        let changes = match contents {
            Some(contents) => contents.changes(dataset),
            None => Contents::changes_by_name(bundle.features().fitted_on(), dataset),
        };
        Ok(Self::Compared { version, changes, by_content: contents.is_some() })
    }

    /// Refuses data that lost what was learnt from, unless that is meant.
    pub(super) fn refuse_losses(&self, policy: LostData) -> Result<(), EngineError> {
        match (self, policy) {
            (Self::Compared { version, changes, .. }, LostData::Refuse) if changes.has_losses() => {
                Err(EngineError::DataLost { version: *version, losses: changes.losses() })
            }
            (Self::Compared { .. } | Self::Same { .. } | Self::Unknown, LostData::Refuse | LostData::Accept) => Ok(()),
        }
    }
}
