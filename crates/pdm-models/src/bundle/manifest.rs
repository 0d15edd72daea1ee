//! The manifest of a bundle.

use serde::{Deserialize, Serialize};

use crate::data::Schema;
use crate::features::TargetOptions;
use crate::models::ModelOptions;
use pdm_core::content::Digest;

/// Newest bundle format that this program writes and reads. Format 2 added a description of the histories to the profile; since
/// ages beyond it are clipped, an older program must not predict with it.
pub(super) const FORMAT: u32 = 2;

/// File names inside a bundle.
pub(super) const MANIFEST: &str = "bundle.json";
pub(super) const FEATURES: &str = "features.json";
pub(super) const WEIGHTS: &str = "weights.safetensors";
pub(super) const CALIBRATION: &str = "calibration.json";
pub(super) const PROFILE: &str = "profile.json";
/// Absent in older bundles.
pub(super) const CONTENTS: &str = "contents.json";

/// The content of a bundle and the digests of its files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BundleManifest {
    /// Format version.
    pub format: u32,
    /// The model family and its options.
    pub model: ModelOptions,
    /// The target of the model.
    pub target: TargetOptions,
    /// Columns that an input must have.
    pub schema: Schema,
    /// Origin of the model.
    pub provenance: Provenance,
    /// Every other file, in order of name.
    pub files: Vec<BundleFile>,
}

/// Origin of a model, sufficient to reproduce it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Name of the data set.
    pub dataset: String,
    /// Digest of the training part.
    pub training_data: Digest,
    /// Number of run-to-failure units of the training.
    pub training_units: usize,
    /// Digest of the assignment of units to folds.
    pub split: Digest,
    /// The seed of all random numbers.
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
