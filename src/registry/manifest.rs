use std::path::Path;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::RegistryError;
use super::name::ModelName;
use super::path::BundlePath;
use crate::content::Digest;

/// One immutable version of a model: what ships, how good it was found to be, and where it comes from.
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
    /// Blob of the gate report it was registered with, where it was judged before.
    pub report: Option<Digest>,
    /// Where it comes from.
    pub origin: Origin,
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
pub struct Origin {
    /// Kind of the model, such as `gbdt`.
    pub kind: String,
    /// Digest of the data it learned from.
    pub data: Digest,
    /// Name of the pipeline.
    pub pipeline: String,
    /// Id of the run.
    pub run: String,
    /// Seed of every random source.
    pub seed: u64,
    /// When the bundle was made.
    pub created: Timestamp,
}

/// The bytes of one file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleFile {
    /// Path within the bundle.
    pub path: BundlePath,
    /// Its bytes.
    pub bytes: Bytes,
}

impl BundleFile {
    /// Reads all files of a folder, in order of path.
    ///
    /// # Errors
    /// [`RegistryError::File`] where one cannot be read, [`RegistryError::Path`] where a name cannot ship.
    pub fn read_folder(folder: &Path) -> Result<Vec<Self>, RegistryError> {
        let mut files = Vec::new();
        read_into(folder, "", &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }
}

fn read_into(folder: &Path, prefix: &str, files: &mut Vec<BundleFile>) -> Result<(), RegistryError> {
    let failed = |source| RegistryError::File { operation: "read", path: folder.to_owned(), source };
    for entry in folder.read_dir().map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (path, name) = (entry.path(), format!("{prefix}{}", entry.file_name().to_string_lossy()));
        if path.is_dir() {
            read_into(&path, &format!("{name}/"), files)?;
            continue;
        }
        let bytes = std::fs::read(&path).map_err(|source| RegistryError::File { operation: "read", path, source })?;
        files.push(BundleFile { path: name.parse()?, bytes: bytes.into() });
    }
    Ok(())
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
        let files = BundleFile::read_folder(root.path()).unwrap();
        let names: Vec<_> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(names, ["a", "b/c/deep", "z.json"]);
        assert!(files.iter().all(|file| file.bytes == file.path.as_str()));
        assert!(BundleFile::read_folder(&root.path().join("absent")).is_err());
    }
}
