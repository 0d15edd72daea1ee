//! A registered version and its files.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::RegistryError;
use super::name::ModelName;
use super::path::BundlePath;
use super::signing::Signature;
use pdm_core::content::Digest;

/// One immutable version of a model: its files, its scores and its origin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelVersion {
    /// Name of the model.
    pub model: ModelName,
    /// Number of the version, from 1.
    pub version: u32,
    /// Digest of the bundle.
    pub bundle: Digest,
    /// Files of the bundle, in order of path.
    pub files: Vec<FileEntry>,
    /// Blob of the scorecard.
    pub scorecard: Digest,
    /// Blob of the predictions the scorecard was computed from.
    pub predictions: Digest,
    /// Blob of the gate report it was registered with, if it was judged before.
    pub report: Option<Digest>,
    /// Where it comes from.
    pub origin: VersionOrigin,
    /// The registry it was copied from, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copied: Option<CopiedFrom>,
    /// Its signatures, in the order they were added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<Signature>,
}

impl ModelVersion {
    /// Returns the blobs of its evaluation: scorecard, predictions, and the gate report it was registered with.
    pub(super) fn evidence(&self) -> impl Iterator<Item = Digest> + use<> {
        [self.scorecard, self.predictions]
            .into_iter()
            .chain(self.report)
    }
}

/// Names one version of one model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VersionId {
    /// Name of the model.
    pub model: ModelName,
    /// Number of the version.
    pub version: u32,
}

impl ModelVersion {
    /// Returns the name of the version.
    pub fn id(&self) -> VersionId {
        VersionId {
            model: self.model.clone(),
            version: self.version,
        }
    }

    /// Returns a path that two of its files share. This program never registers such files.
    pub(crate) fn named_twice(&self) -> Option<&BundlePath> {
        let mut seen = BTreeSet::new();
        self.files
            .iter()
            .map(|file| &file.path)
            .find(|path| !seen.insert(path.as_str()))
    }

    /// Refuses a version with two files of the same path, which are ambiguous.
    pub(crate) fn require_distinct_files(&self) -> Result<(), RegistryError> {
        match self.named_twice() {
            Some(path) => Err(RegistryError::SameFile {
                path: path.to_string(),
            }),
            None => Ok(()),
        }
    }

    /// Returns the blobs it was registered with: files, scorecard, predictions and gate report.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = Digest> {
        self.files
            .iter()
            .map(|file| file.sha256)
            .chain(self.evidence())
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.model, self.version)
    }
}

/// Where a copied version was registered before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopiedFrom {
    /// Address of the registry.
    pub registry: String,
    /// Number of the version there.
    pub version: u32,
}

/// One file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Path within the bundle.
    pub path: BundlePath,
    /// SHA-256 of the bytes; also the name of the blob.
    pub sha256: Digest,
    /// Length in bytes.
    pub bytes: u64,
}

/// Where a version comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionOrigin {
    /// Kind of the model, such as `gbdt`.
    pub kind: String,
    /// Digest of the data it learned from.
    pub data: Digest,
    /// Name of the pipeline.
    pub pipeline: String,
    /// Id of the run.
    pub run: String,
    /// Random seed.
    pub seed: u64,
    /// When the bundle was made.
    pub created: Timestamp,
}

/// One file of a bundle to be registered: where its bytes are, and their digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    entry: FileEntry,
    content: FileBytes,
}

/// Where the bytes of a file are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FileBytes {
    /// In memory.
    Bytes(Bytes),
    /// On disk.
    File(PathBuf),
}

impl NewFile {
    /// Returns a file of these bytes.
    pub fn of_bytes(path: BundlePath, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let entry = FileEntry {
            path,
            sha256: Digest::of(&bytes),
            bytes: bytes.len() as u64,
        };
        Self {
            entry,
            content: FileBytes::Bytes(bytes),
        }
    }

    /// Returns a file on disk; its bytes are checked against the digest when they are read.
    pub(super) fn on_disk(entry: FileEntry, path: PathBuf) -> Self {
        Self {
            entry,
            content: FileBytes::File(path),
        }
    }

    /// Returns the path within the bundle.
    pub fn path(&self) -> &BundlePath {
        &self.entry.path
    }

    /// Returns the SHA-256 of the bytes.
    pub fn sha256(&self) -> Digest {
        self.entry.sha256
    }

    /// Returns the number of bytes.
    pub fn bytes(&self) -> u64 {
        self.entry.bytes
    }

    pub(super) fn entry(&self) -> &FileEntry {
        &self.entry
    }

    pub(super) fn content(&self) -> &FileBytes {
        &self.content
    }

    /// Finds all files of a folder, in order of path; their bytes are read for their digest, and not kept.
    ///
    /// # Errors
    /// [`RegistryError::File`] if one cannot be read, [`RegistryError::Path`] if a name is not allowed in a bundle.
    pub fn read_folder(folder: &Path) -> Result<Vec<Self>, RegistryError> {
        let mut files = Vec::new();
        read_into(folder, "", &mut files)?;
        files.sort_by(|a, b| a.path().cmp(b.path()));
        Ok(files)
    }
}

fn read_into(folder: &Path, prefix: &str, files: &mut Vec<NewFile>) -> Result<(), RegistryError> {
    let failed = |source| RegistryError::File {
        operation: "read",
        path: folder.to_owned(),
        source,
    };
    for entry in folder.read_dir().map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if path.is_dir() {
            read_into(&path, &format!("{name}/"), files)?;
            continue;
        }
        files.push(found(name.parse()?, path)?);
    }
    Ok(())
}

fn found(name: BundlePath, path: PathBuf) -> Result<NewFile, RegistryError> {
    if !path.is_file() {
        let source = io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
        return Err(RegistryError::File {
            operation: "read",
            path,
            source,
        });
    }
    let digest = Digest::of_file(&path).and_then(|digest| Ok((digest, path.metadata()?.len())));
    match digest {
        Ok((sha256, bytes)) => Ok(NewFile {
            entry: FileEntry {
                path: name,
                sha256,
                bytes,
            },
            content: FileBytes::File(path),
        }),
        Err(source) => Err(RegistryError::File {
            operation: "read",
            path,
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_in_order_of_path() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("b/c")).unwrap();
        for name in ["z.json", "b/c/deep", "a"] {
            std::fs::write(root.path().join(name), name).unwrap();
        }
        let files = NewFile::read_folder(root.path()).unwrap();
        let names: Vec<_> = files.iter().map(|file| file.path().as_str()).collect();
        assert_eq!(names, ["a", "b/c/deep", "z.json"]);
        assert!(
            files
                .iter()
                .all(|file| file.sha256() == Digest::of(file.path().as_str()))
        );
        assert!(NewFile::read_folder(&root.path().join("absent")).is_err());
    }
}
