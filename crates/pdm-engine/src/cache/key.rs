//! The key of a stage: everything its outputs depend on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use pdm_core::content::{Digest, digest_of};

/// Everything a stage's outputs depend on.
///
/// Never the version of the program: an upgrade must not retrain everything. Where a stage computes something else, its semantic
/// version is raised instead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageKey {
    /// Name of the stage.
    pub stage: String,
    /// Raised whenever the stage computes something else from the same parameters and inputs.
    pub semantic_version: u32,
    /// The options that the stage uses, with defaults filled in, by section of the pipeline file.
    pub parameters: Value,
    /// Digest of each input, by name.
    pub inputs: BTreeMap<String, Digest>,
}

impl StageKey {
    /// Returns the digest that results of this key are stored under; the order of keys in `parameters` does not matter.
    ///
    /// # Panics
    /// Never: JSON values and maps keyed by text have a JSON form.
    pub fn digest(&self) -> Digest {
        digest_of(self).expect("JSON values and maps keyed by text have a JSON form")
    }
}
