//! Opens and verifies bundles.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use serde::de::DeserializeOwned;

use super::manifest::{
    BundleFile, BundleManifest, CALIBRATION, CONTENTS, FEATURES, FORMAT, MANIFEST, PROFILE, WEIGHTS,
};
use super::{BundleError, ReferenceProfile, check};
use crate::data::Contents;
use crate::features::{FittedFeatures, Matrix};
use crate::models::Predictor;
use pdm_core::content::Digest;
use pdm_core::scoring::Conformal;

/// Size limit of the manifest, which lists five files and the columns.
const MOST_MANIFEST_BYTES: u64 = 64 << 20;

/// Size limit of a file of a bundle.
const MOST_BYTES: u64 = 4 << 30;

/// A verified model with everything it needs to predict.
#[derive(Debug)]
pub struct ModelBundle {
    pub(super) digest: Digest,
    pub(super) manifest: BundleManifest,
    pub(super) features: FittedFeatures,
    pub(super) model: Box<dyn Predictor>,
    pub(super) calibration: Conformal,
    pub(super) profile: ReferenceProfile,
    pub(super) contents: Option<Contents>,
}

impl ModelBundle {
    /// Opens the bundle in a folder. Every file's SHA-256 is checked before the file is parsed.
    ///
    /// `expected` is the digest in a registry; without it the manifest itself is not verified.
    ///
    /// # Errors
    /// A file is missing, was changed, or is invalid.
    pub fn open(folder: &Path, expected: Option<Digest>) -> Result<Self, BundleError> {
        let (digest, manifest) = open_manifest(folder, expected)?;
        check::manifest(&manifest)?;
        let features: FittedFeatures =
            parse(folder, FEATURES, &verified(folder, &manifest, FEATURES)?)?;
        check::features(&features, &manifest)?;
        let bundle = Self {
            model: manifest
                .model
                .load(&verified(folder, &manifest, WEIGHTS)?)?,
            calibration: parse(
                folder,
                CALIBRATION,
                &verified(folder, &manifest, CALIBRATION)?,
            )?,
            profile: parse(folder, PROFILE, &verified(folder, &manifest, PROFILE)?)?,
            contents: contents(folder, &manifest)?,
            digest,
            features,
            manifest,
        };
        bundle.check()?;
        // A model with intervals returns them for any history, even an empty one.
        if bundle.calibration.reads_intervals()
            && bundle.model.intervals(&Matrix::default()).is_none()
        {
            let problem = "has a model without intervals, but calibration.json adjusts intervals of the model";
            return Err(BundleError::Manifest {
                problem: problem.to_owned(),
            });
        }
        Ok(bundle)
    }

    /// Returns the digest that identifies the bundle.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Returns the manifest.
    pub fn manifest(&self) -> &BundleManifest {
        &self.manifest
    }

    /// Returns the fitted features, which turn a history into the model's input.
    pub fn features(&self) -> &FittedFeatures {
        &self.features
    }

    /// Returns the fitted model.
    pub fn model(&self) -> &dyn Predictor {
        self.model.as_ref()
    }

    /// Returns the profile of the training data.
    pub fn profile(&self) -> &ReferenceProfile {
        &self.profile
    }

    /// Returns the contents of the training files; absent in older bundles.
    pub fn contents(&self) -> Option<&Contents> {
        self.contents.as_ref()
    }

    /// Returns the calibration of the intervals.
    pub fn calibration(&self) -> &Conformal {
        &self.calibration
    }
}

fn contents(folder: &Path, manifest: &BundleManifest) -> Result<Option<Contents>, BundleError> {
    if manifest.files.iter().all(|file| file.name != CONTENTS) {
        return Ok(None);
    }
    parse(folder, CONTENTS, &verified(folder, manifest, CONTENTS)?).map(Some)
}

fn open_manifest(
    folder: &Path,
    expected: Option<Digest>,
) -> Result<(Digest, BundleManifest), BundleError> {
    let path = folder.join(MANIFEST);
    let bytes = read(&path, MOST_MANIFEST_BYTES, || BundleError::NotABundle {
        path: folder.to_owned(),
    })?;
    let found = Digest::of(&bytes);
    if let Some(expected) = expected.filter(|expected| *expected != found) {
        return Err(BundleError::Digest {
            path,
            expected,
            found,
        });
    }
    check_format(&path, &bytes)?;
    Ok((found, parse(folder, MANIFEST, &bytes)?))
}

/// Reads only the format number, so that a newer format gets its own message.
fn check_format(path: &Path, bytes: &[u8]) -> Result<(), BundleError> {
    #[derive(serde::Deserialize)]
    struct FormatNumber {
        format: u32,
    }
    let format: FormatNumber =
        serde_json::from_slice(bytes).map_err(|source| BundleError::Format {
            path: path.to_owned(),
            what: "a bundle manifest",
            source,
        })?;
    match format.format {
        0..=FORMAT => Ok(()),
        found => Err(BundleError::Version {
            path: path.to_owned(),
            found,
            known: FORMAT,
        }),
    }
}

fn verified(folder: &Path, manifest: &BundleManifest, name: &str) -> Result<Vec<u8>, BundleError> {
    let file: &BundleFile = manifest
        .files
        .iter()
        .find(|file| file.name == name)
        .ok_or_else(|| BundleError::Manifest {
            problem: format!("does not list `{name}`"),
        })?;
    let path = folder.join(name);
    let bytes = read(&path, MOST_BYTES, || BundleError::Missing {
        path: path.clone(),
    })?;
    match Digest::of(&bytes) {
        found if found == file.sha256 => Ok(bytes),
        found => Err(BundleError::Digest {
            path,
            expected: file.sha256,
            found,
        }),
    }
}

/// Reads a regular file up to the size limit; a pipe could block forever.
fn read(
    path: &Path,
    most: u64,
    missing: impl FnOnce() -> BundleError,
) -> Result<Vec<u8>, BundleError> {
    let failed = |source| BundleError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    };
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(missing()),
        Err(source) => return Err(failed(source)),
    };
    if !metadata.is_file() {
        return Err(BundleError::NotAFile {
            path: path.to_owned(),
        });
    }
    let bytes = metadata.len();
    if bytes > most {
        return Err(BundleError::TooLarge {
            path: path.to_owned(),
            bytes,
            most,
        });
    }
    let mut contents = Vec::new();
    let file = fs::File::open(path).map_err(failed)?;
    file.take(most).read_to_end(&mut contents).map_err(failed)?;
    Ok(contents)
}

fn parse<T: DeserializeOwned>(
    folder: &Path,
    name: &'static str,
    bytes: &[u8],
) -> Result<T, BundleError> {
    serde_json::from_slice(bytes).map_err(|source| BundleError::Format {
        path: folder.join(name),
        what: "part of a bundle",
        source,
    })
}
