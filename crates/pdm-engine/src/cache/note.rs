use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{InputFile, StageKey};
use pdm_core::content::read_note;

/// What is kept of the key a pipeline's stage used last. Older programs wrote the key alone, and read past the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct LastUse {
    #[serde(flatten)]
    pub(super) key: StageKey,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) files: Vec<InputFile>,
}

impl LastUse {
    /// Reads a note; one that cannot be read is none.
    pub(super) fn read(path: &Path) -> Option<Self> {
        serde_json::from_str(&read_note(path).ok()?).ok()
    }
}
