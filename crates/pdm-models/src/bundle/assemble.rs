//! Writes bundles.

use std::fs;
use std::path::Path;

use serde::Serialize;

use super::manifest::{
    BundleFile, BundleManifest, CALIBRATION, CONTENTS, FEATURES, FORMAT, MANIFEST, PROFILE,
    Provenance, WEIGHTS,
};
use super::{BundleError, ReferenceProfile};
use crate::data::Contents;
use crate::features::{FittedFeatures, TargetOptions};
use crate::models::ModelOptions;
use pdm_core::content::{Digest, finite_json};
use pdm_core::scoring::Conformal;

/// The parts of a bundle.
#[derive(Debug)]
pub struct BundleParts<'a> {
    /// Features fitted on all training units.
    pub features: &'a FittedFeatures,
    /// The model family and its options.
    pub model: &'a ModelOptions,
    /// The fitted weights, as safetensors.
    pub weights: &'a [u8],
    /// The target of the model.
    pub target: &'a TargetOptions,
    /// Intervals, from out-of-fold predictions.
    pub calibration: &'a Conformal,
    /// Profile of the training data.
    pub profile: &'a ReferenceProfile,
    /// Contents of the training files.
    pub contents: &'a Contents,
    /// Origin of the model.
    pub provenance: Provenance,
}

/// Writes a bundle into an existing empty folder and returns its digest.
///
/// The manifest is written last: a folder without it is not a bundle.
///
/// # Errors
/// [`BundleError::Io`] if a file cannot be written, [`BundleError::Unwritable`] if a number in it is not finite.
pub fn assemble(parts: &BundleParts<'_>, folder: &Path) -> Result<Digest, BundleError> {
    let contents = [
        (CALIBRATION, json(CALIBRATION, parts.calibration)?),
        (CONTENTS, json(CONTENTS, parts.contents)?),
        (FEATURES, json(FEATURES, parts.features)?),
        (PROFILE, json(PROFILE, parts.profile)?),
        (WEIGHTS, parts.weights.to_vec()),
    ];
    let mut files = Vec::new();
    for (name, bytes) in &contents {
        write(&folder.join(name), bytes)?;
        files.push(BundleFile {
            name: (*name).to_owned(),
            sha256: Digest::of(bytes),
            bytes: bytes.len() as u64,
        });
    }
    let manifest = BundleManifest {
        format: FORMAT,
        model: parts.model.clone(),
        target: parts.target.clone(),
        schema: parts.features.schema().clone(),
        provenance: parts.provenance.clone(),
        files,
    };
    let manifest = json(MANIFEST, &manifest)?;
    write(&folder.join(MANIFEST), &manifest)?;
    Ok(Digest::of(manifest))
}

/// A number that is not finite is an error, since it could not be read back from JSON.
fn json<T: Serialize>(name: &'static str, value: &T) -> Result<Vec<u8>, BundleError> {
    finite_json(value).map_err(|source| BundleError::Unwritable { name, source })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), BundleError> {
    fs::write(path, bytes).map_err(|source| BundleError::Io {
        action: "write",
        path: path.to_owned(),
        source,
    })
}
