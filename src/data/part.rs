use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{DataError, DatasetOptions};
use crate::content::Digest;

/// What a file of a data set is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Histories that run to failure.
    Train,
    /// Histories that stop before failure.
    Test,
    /// True remaining useful life of the test units.
    Rul,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Train => "training",
            Self::Test => "test",
            Self::Rul => "RUL",
        })
    }
}

/// One file of a data set, whether or not it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartFile {
    /// What the file is for.
    pub role: Role,
    /// Where it is looked for.
    pub path: PathBuf,
}

/// The digest of one file that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputDigest {
    /// What the file is for.
    pub role: Role,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
}

/// Returns the files a data set consists of, in the order train, test, RUL; relative paths are taken from `root`.
pub fn parts(options: &DatasetOptions, root: &Path) -> Vec<PartFile> {
    let part = |(role, path): (Role, PathBuf)| PartFile { role, path: root.join(path) };
    options.files().into_iter().map(part).collect()
}

/// Returns the digests of the files that are there, without parsing them: what a cache key needs.
///
/// # Errors
/// The training file is missing, or a file cannot be read.
pub fn input_digests(options: &DatasetOptions, root: &Path) -> Result<Vec<InputDigest>, DataError> {
    present(options, root)?
        .into_iter()
        .map(|PartFile { role, path }| {
            let sha256 = Digest::of_file(&path).map_err(DataError::io("read", &path))?;
            Ok(InputDigest { role, sha256 })
        })
        .collect()
}

/// Returns the files that are there.
pub(super) fn present(options: &DatasetOptions, root: &Path) -> Result<Vec<PartFile>, DataError> {
    let mut found = Vec::new();
    for part in parts(options, root) {
        match std::fs::metadata(&part.path) {
            Ok(metadata) if metadata.is_file() => found.push(part),
            Ok(_) => return Err(DataError::NotAFile(part.path)),
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(DataError::io("read", &part.path)(error));
            }
            Err(_) if part.role == Role::Train || options.needs_every_file() => {
                return Err(DataError::Missing { role: part.role, path: part.path, hint: options.how_to_get() });
            }
            Err(_) => {}
        }
    }
    Ok(found)
}
