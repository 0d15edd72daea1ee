use serde::{Deserialize, Serialize};

use crate::data::Schema;
use crate::features::TargetOptions;
use crate::models::ModelOptions;
use pdm_core::content::Digest;

/// Newest bundle format this program writes and reads. The second added what histories looked like to the profile; ages beyond
/// those are clipped, so that a program which does not know of them must not predict.
pub(super) const FORMAT: u32 = 2;

/// File names inside a bundle.
pub(super) const MANIFEST: &str = "bundle.json";
pub(super) const FEATURES: &str = "features.json";
pub(super) const WEIGHTS: &str = "weights.safetensors";
pub(super) const CALIBRATION: &str = "calibration.json";
pub(super) const PROFILE: &str = "profile.json";
/// Absent in bundles of earlier programs.
pub(super) const CONTENTS: &str = "contents.json";

/// What a bundle is and which bytes it consists of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BundleManifest {
    /// Format version.
    pub format: u32,
    /// The model family and its options.
    pub model: ModelOptions,
    /// What the model was taught to predict.
    pub target: TargetOptions,
    /// Columns an input must have.
    pub schema: Schema,
    /// Where the model comes from.
    pub provenance: Provenance,
    /// Every other file, in order of name.
    pub files: Vec<BundleFile>,
}

/// Where a model comes from: enough to make it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Name of the data set.
    pub dataset: String,
    /// Digest of the training part.
    pub training_data: Digest,
    /// Number of run-to-failure units it learnt from.
    pub training_units: usize,
    /// Digest of the assignment of units to folds.
    pub split: Digest,
    /// The one seed of all random numbers.
    pub seed: u64,
}

/// One file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleFile {
    /// Name within the folder.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// Its length.
    pub bytes: u64,
}
