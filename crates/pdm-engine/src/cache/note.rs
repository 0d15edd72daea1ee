//! The note of the key that a stage used last.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{InputFile, StageKey};
use pdm_core::content::read_note;

/// The key that a stage of a pipeline used last. Older releases wrote only the key, and ignore the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct LastUse {
    #[serde(flatten)]
    pub(super) key: StageKey,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) files: Vec<InputFile>,
}

impl LastUse {
    /// Reads a note; none where it cannot be read.
    pub(super) fn read(path: &Path) -> Option<Self> {
        serde_json::from_str(&read_note(path).ok()?).ok()
    }
}
