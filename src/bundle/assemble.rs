use std::fs;
use std::path::Path;

use serde::Serialize;

use super::manifest::{
    BundleFile, BundleManifest, CALIBRATION, CONTENTS, FEATURES, FORMAT, MANIFEST, PROFILE, Provenance, WEIGHTS,
};
use super::{BundleError, ReferenceProfile};
use crate::content::Digest;
use crate::data::Contents;
use crate::features::{FittedFeatures, TargetOptions};
use crate::models::ModelOptions;
use crate::scoring::Conformal;

/// Everything a bundle is made of.
#[derive(Debug)]
pub struct Parts<'a> {
    /// Features fitted on all training units.
    pub features: &'a FittedFeatures,
    /// The model family and its options.
    pub model: &'a ModelOptions,
    /// The fitted weights, as safetensors.
    pub weights: &'a [u8],
    /// What the model was taught to predict.
    pub target: &'a TargetOptions,
    /// Intervals, from out-of-fold predictions.
    pub calibration: &'a Conformal,
    /// What the training data looked like.
    pub profile: &'a ReferenceProfile,
    /// What the training files held.
    pub contents: &'a Contents,
    /// Where the model comes from.
    pub provenance: Provenance,
}

/// Writes a bundle into an existing empty folder and returns its digest.
///
/// The manifest is written last: a folder without it is not a bundle.
///
/// # Errors
/// [`BundleError::Io`] where a file cannot be written.
pub fn assemble(parts: &Parts<'_>, folder: &Path) -> Result<Digest, BundleError> {
    let contents = [
        (CALIBRATION, json(parts.calibration)),
        (CONTENTS, json(parts.contents)),
        (FEATURES, json(parts.features)),
        (PROFILE, json(parts.profile)),
        (WEIGHTS, parts.weights.to_vec()),
    ];
    let mut files = Vec::new();
    for (name, bytes) in &contents {
        write(&folder.join(name), bytes)?;
        files.push(BundleFile { name: (*name).to_owned(), sha256: Digest::of(bytes), bytes: bytes.len() as u64 });
    }
    let manifest = json(&BundleManifest {
        format: FORMAT,
        model: parts.model.clone(),
        target: parts.target.clone(),
        schema: parts.features.schema().clone(),
        provenance: parts.provenance.clone(),
        files,
    });
    write(&folder.join(MANIFEST), &manifest)?;
    Ok(Digest::of(manifest))
}

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec_pretty(value).expect("structs with text keys have a JSON form")
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), BundleError> {
    fs::write(path, bytes).map_err(|source| BundleError::Io { action: "write", path: path.to_owned(), source })
}
