use std::fs;
use std::io;
use std::path::Path;

use serde::de::DeserializeOwned;

use super::manifest::{BundleFile, BundleManifest, CALIBRATION, FEATURES, FORMAT, MANIFEST, PROFILE, WEIGHTS};
use super::{BundleError, ReferenceProfile};
use crate::content::Digest;
use crate::features::{FittedFeatures, Matrix};
use crate::models::Predictor;
use crate::scoring::Conformal;

/// A model with everything it needs to predict, verified.
#[derive(Debug)]
pub struct ModelBundle {
    pub(super) digest: Digest,
    pub(super) manifest: BundleManifest,
    pub(super) features: FittedFeatures,
    pub(super) model: Box<dyn Predictor>,
    pub(super) calibration: Conformal,
    pub(super) profile: ReferenceProfile,
}

impl ModelBundle {
    /// Opens the bundle in a folder. Every file's SHA-256 is checked before the file is parsed.
    ///
    /// `expected` is the digest a registry vouches for; without it the manifest vouches for itself.
    ///
    /// # Errors
    /// A file is missing, was changed, or is not what it should be.
    pub fn open(folder: &Path, expected: Option<Digest>) -> Result<Self, BundleError> {
        let (digest, manifest) = open_manifest(folder, expected)?;
        let features: FittedFeatures = parse(folder, FEATURES, &verified(folder, &manifest, FEATURES)?)?;
        if features.schema() != &manifest.schema {
            return Err(BundleError::Manifest { problem: "and features.json disagree on the schema".to_owned() });
        }
        let bundle = Self {
            model: manifest.model.load(&verified(folder, &manifest, WEIGHTS)?)?,
            calibration: parse(folder, CALIBRATION, &verified(folder, &manifest, CALIBRATION)?)?,
            profile: parse(folder, PROFILE, &verified(folder, &manifest, PROFILE)?)?,
            digest,
            features,
            manifest,
        };
        // A model that gives intervals gives them for any history, an empty one too.
        if bundle.calibration.reads_intervals() && bundle.model.intervals(&Matrix::default()).is_none() {
            let problem = "names a model without intervals, and calibration.json widens those of the model";
            return Err(BundleError::Manifest { problem: problem.to_owned() });
        }
        Ok(bundle)
    }

    /// Returns the digest that names the bundle.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Returns what the bundle is.
    pub fn manifest(&self) -> &BundleManifest {
        &self.manifest
    }

    /// Returns what turns a history into the model's input.
    pub fn features(&self) -> &FittedFeatures {
        &self.features
    }

    /// Returns the fitted model.
    pub fn model(&self) -> &dyn Predictor {
        self.model.as_ref()
    }

    /// Returns what the training data looked like.
    pub fn profile(&self) -> &ReferenceProfile {
        &self.profile
    }

    /// Returns the calibration of the intervals.
    pub fn calibration(&self) -> &Conformal {
        &self.calibration
    }
}

/// Returns whether the file of this name in a folder is part of the bundle there, as it was written. What an interrupted
/// exchange of one bundle for another left counts, file by file.
pub fn is_bundle_file(folder: &Path, name: &str) -> bool {
    let Ok((_, manifest)) = open_manifest(folder, None) else { return false };
    name == MANIFEST || verified(folder, &manifest, name).is_ok()
}

fn open_manifest(folder: &Path, expected: Option<Digest>) -> Result<(Digest, BundleManifest), BundleError> {
    let path = folder.join(MANIFEST);
    let bytes = fs::read(&path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => BundleError::NotABundle { path: folder.to_owned() },
        _ => BundleError::Io { action: "read", path: path.clone(), source },
    })?;
    let found = Digest::of(&bytes);
    if let Some(expected) = expected.filter(|expected| *expected != found) {
        return Err(BundleError::Digest { path, expected, found });
    }
    check_format(&path, &bytes)?;
    Ok((found, parse(folder, MANIFEST, &bytes)?))
}

/// Reads the format number alone, so that a later format gets its own message.
fn check_format(path: &Path, bytes: &[u8]) -> Result<(), BundleError> {
    #[derive(serde::Deserialize)]
    struct Format {
        format: u32,
    }
    let format: Format = serde_json::from_slice(bytes).map_err(|source| BundleError::Format {
        path: path.to_owned(),
        what: "a bundle manifest",
        source,
    })?;
    match format.format {
        0..=FORMAT => Ok(()),
        found => Err(BundleError::Version { path: path.to_owned(), found, known: FORMAT }),
    }
}

fn verified(folder: &Path, manifest: &BundleManifest, name: &str) -> Result<Vec<u8>, BundleError> {
    let file: &BundleFile = manifest
        .files
        .iter()
        .find(|file| file.name == name)
        .ok_or_else(|| BundleError::Manifest { problem: format!("does not list `{name}`") })?;
    let path = folder.join(name);
    let bytes = fs::read(&path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => BundleError::Missing { path: path.clone() },
        _ => BundleError::Io { action: "read", path: path.clone(), source },
    })?;
    match Digest::of(&bytes) {
        found if found == file.sha256 => Ok(bytes),
        found => Err(BundleError::Digest { path, expected: file.sha256, found }),
    }
}

fn parse<T: DeserializeOwned>(folder: &Path, name: &'static str, bytes: &[u8]) -> Result<T, BundleError> {
    serde_json::from_slice(bytes).map_err(|source| BundleError::Format {
        path: folder.join(name),
        what: "part of a bundle",
        source,
    })
}
