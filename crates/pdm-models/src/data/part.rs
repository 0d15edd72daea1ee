//! The files that a data set consists of, and their digests.

use std::path::{Path, PathBuf};
use std::{fmt, io};

use serde::{Deserialize, Serialize};

use super::{DataError, DatasetOptions, files};
use pdm_core::content::{Digest, digest_of};

/// The role of a file in a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Histories that run to failure.
    Train,
    /// Histories that stop before failure.
    Test,
    /// True remaining useful life of the test units.
    Rul,
    /// Failures and replacements of the training units.
    Events,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Train => "training",
            Self::Test => "test",
            Self::Rul => "RUL",
            Self::Events => "events",
        })
    }
}

/// One file of a data set, which may or may not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartFile {
    /// Its role.
    pub role: Role,
    /// The group it belongs to in a pooled data set.
    pub group: Option<String>,
    /// Its path below the project, if it is one of several files of its role.
    pub name: Option<String>,
    /// Its path.
    pub path: PathBuf,
}

/// The digest of one existing file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputDigest {
    /// Its role.
    pub role: Role,
    /// The group it belongs to in a pooled data set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Its path below the project, if it is one of several files of its role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
}

/// Returns the files of a data set, in the order train, test, RUL, then by group or path; relative paths are resolved against
/// `root`. Folders and patterns of tables stand for the files in them; one without files is returned as it is.
pub fn parts(options: &DatasetOptions, root: &Path) -> Vec<PartFile> {
    let mut parts = Vec::new();
    for part in options.files() {
        let may_be_many = match part.role {
            Role::Train | Role::Test => matches!(options, DatasetOptions::Table(_)),
            Role::Rul | Role::Events => false,
        };
        let found = match may_be_many {
            true => files::resolve(&part.path, root),
            false => None,
        };
        let Some(found) = found else {
            let path = root.join(&part.path);
            parts.push(PartFile { path, ..part });
            continue;
        };
        parts.extend(found.into_iter().map(|path| PartFile {
            name: Some(files::name_below(&path, root)),
            path,
            ..part.clone()
        }));
    }
    parts
}

/// Returns the digests of the existing files without parsing them, for cache keys.
///
/// # Errors
/// The training file is missing, or a file cannot be read.
pub fn input_digests(options: &DatasetOptions, root: &Path) -> Result<Vec<InputDigest>, DataError> {
    let files = input_files(options, root, |_| None, Digest::of_file)?;
    Ok(files
        .into_iter()
        .map(|(part, sha256)| InputDigest {
            role: part.role,
            group: part.group,
            name: part.name,
            sha256,
        })
        .collect())
}

/// Returns the existing files with what `inspect` returns for each, such as its digest. A file for which `known` returns a
/// value counts as existing and is not inspected.
///
/// # Errors
/// Like [`input_digests`].
pub fn input_files<T>(
    options: &DatasetOptions,
    root: &Path,
    known: impl Fn(&Path) -> Option<T>,
    mut inspect: impl FnMut(&Path) -> io::Result<T>,
) -> Result<Vec<(PartFile, T)>, DataError> {
    present_or(options, root, |path| known(path).is_some())?
        .into_iter()
        .map(|part| {
            let found = known(&part.path).map_or_else(|| inspect(&part.path), Ok);
            let found = found.map_err(DataError::io("read", &part.path))?;
            Ok((part, found))
        })
        .collect()
}

/// Returns the digest of all files of a role: of the file itself, or of the groups and digests of pooled files; `None`
/// without such a file. Events belong to the training files, whose lives they end.
///
/// # Panics
/// Never: names and digests have a JSON form.
pub fn part_digest(files: &[InputDigest], role: Role) -> Option<Digest> {
    let belongs = |file: &&InputDigest| match file.role {
        Role::Events => role == Role::Train,
        Role::Train | Role::Test | Role::Rul => file.role == role,
    };
    let of_role: Vec<_> = files.iter().filter(belongs).collect();
    match of_role.as_slice() {
        [] => None,
        [
            InputDigest {
                group: None,
                name: None,
                sha256,
                ..
            },
        ] => Some(*sha256),
        pooled => {
            let pooled: Vec<_> = pooled
                .iter()
                .map(|file| (file.group.as_ref().or(file.name.as_ref()), file.sha256))
                .collect();
            Some(digest_of(&pooled).expect("names and digests have a JSON form"))
        }
    }
}

/// Returns the files that exist.
pub(super) fn present(options: &DatasetOptions, root: &Path) -> Result<Vec<PartFile>, DataError> {
    present_or(options, root, |_| false)
}

/// Returns the files that exist or, by `counts`, are to be treated as existing.
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
            Ok(metadata) if metadata.is_dir() && options.needs_every_file() => {
                return Err(DataError::NoTables(part.path));
            }
            Ok(_) => return Err(DataError::NotAFile(part.path)),
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(DataError::io("read", &part.path)(error));
            }
            Err(_) if files::is_pattern(&part.path) => return Err(DataError::NoTables(part.path)),
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
