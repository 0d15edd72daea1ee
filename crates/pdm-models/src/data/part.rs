use std::path::{Path, PathBuf};
use std::{fmt, io};

use serde::{Deserialize, Serialize};

use super::{DataError, DatasetOptions};
use pdm_core::content::{Digest, digest_of};

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
    /// Which of the pooled data sets it belongs to, where several are pooled.
    pub group: Option<String>,
    /// Where it is looked for.
    pub path: PathBuf,
}

/// The digest of one file that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputDigest {
    /// What the file is for.
    pub role: Role,
    /// Which of the pooled data sets it belongs to, where several are pooled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
}

/// Returns the files a data set consists of, in the order train, test, RUL, then by group; relative paths are taken from `root`.
pub fn parts(options: &DatasetOptions, root: &Path) -> Vec<PartFile> {
    options
        .files()
        .into_iter()
        .map(|part| PartFile {
            path: root.join(&part.path),
            ..part
        })
        .collect()
}

/// Returns the digests of the files that are there, without parsing them: what a cache key needs.
///
/// # Errors
/// The training file is missing, or a file cannot be read.
pub fn input_digests(options: &DatasetOptions, root: &Path) -> Result<Vec<InputDigest>, DataError> {
    let files = input_files(options, root, |_| None, Digest::of_file)?;
    Ok(files
        .into_iter()
        .map(|(PartFile { role, group, .. }, sha256)| InputDigest {
            role,
            group,
            sha256,
        })
        .collect())
}

/// Returns the files that are there with what `look` finds out about each, such as its digest; a file of which something is
/// `known` counts as there.
///
/// # Errors
/// As [`input_digests`].
pub fn input_files<T>(
    options: &DatasetOptions,
    root: &Path,
    known: impl Fn(&Path) -> Option<T>,
    mut look: impl FnMut(&Path) -> io::Result<T>,
) -> Result<Vec<(PartFile, T)>, DataError> {
    present_or(options, root, |path| known(path).is_some())?
        .into_iter()
        .map(|part| {
            let found = known(&part.path).map_or_else(|| look(&part.path), Ok);
            let found = found.map_err(DataError::io("read", &part.path))?;
            Ok((part, found))
        })
        .collect()
}

/// Returns the digest of all files of a role: that of the file itself, or of the names and digests of those that are
/// pooled; `None` where none is there.
///
/// # Panics
/// Never: names and digests have a JSON form.
pub fn part_digest(files: &[InputDigest], role: Role) -> Option<Digest> {
    let of_role: Vec<_> = files.iter().filter(|file| file.role == role).collect();
    match of_role.as_slice() {
        [] => None,
        [
            InputDigest {
                group: None,
                sha256,
                ..
            },
        ] => Some(*sha256),
        pooled => {
            let pooled: Vec<_> = pooled
                .iter()
                .map(|file| (&file.group, file.sha256))
                .collect();
            Some(digest_of(&pooled).expect("names and digests have a JSON form"))
        }
    }
}

/// Returns the files that are there.
pub(super) fn present(options: &DatasetOptions, root: &Path) -> Result<Vec<PartFile>, DataError> {
    present_or(options, root, |_| false)
}

/// Returns the files that are there, or are to count as there.
fn present_or(
    options: &DatasetOptions,
    root: &Path,
    counts: impl Fn(&Path) -> bool,
) -> Result<Vec<PartFile>, DataError> {
    let mut found = Vec::new();
    for part in parts(options, root) {
        if counts(&part.path) {
            found.push(part);
            continue;
        }
        match std::fs::metadata(&part.path) {
            Ok(metadata) if metadata.is_file() => found.push(part),
            Ok(_) => return Err(DataError::NotAFile(part.path)),
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(DataError::io("read", &part.path)(error));
            }
            Err(_) if part.role == Role::Train || options.needs_every_file() => {
                return Err(DataError::Missing {
                    role: part.role,
                    path: part.path,
                    hint: options.how_to_get(),
                });
            }
            Err(_) => {}
        }
    }
    Ok(found)
}
