//! Writes a version as an OCI image layout.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::TempDir;

use super::manifest::{Config, Descriptor, Index, OciLayout, OciManifest};
use super::media;
use crate::registry::blobs;
use crate::registry::error::RegistryError;
use crate::registry::keys::ObjectKey;
use crate::registry::manifest::{ModelVersion, VersionId};
use crate::registry::reference::ModelRef;
use crate::registry::registry::Registry;
use pdm_core::content::{Digest, atomic_write};

/// What was exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// The version.
    pub id: VersionId,
    /// Folder of the image layout.
    pub folder: PathBuf,
    /// Tag of the manifest.
    pub tag: String,
    /// Digest of the manifest.
    pub manifest: Digest,
    /// Layers: files of the bundle, and documents.
    pub layers: usize,
    /// Bytes of the layers.
    pub bytes: u64,
}

impl Registry {
    /// Writes a version as an OCI image layout into a new folder; every byte is verified.
    ///
    /// The folder appears once it is complete.
    ///
    /// # Errors
    /// An unknown model or version, [`RegistryError::Collected`], [`RegistryError::Occupied`], [`RegistryError::Tag`],
    /// damaged blobs, and errors of store and disk.
    pub async fn export_oci(
        &self,
        reference: &ModelRef,
        folder: &Path,
        tag: Option<&str>,
    ) -> Result<Exported, RegistryError> {
        let version = self.resolve(reference, None).await?;
        version.require_distinct_files()?;
        let tag = tag.map_or_else(|| format!("v{}", version.version), ToOwned::to_owned);
        if !media::is_tag(&tag) {
            return Err(RegistryError::Tag { tag });
        }
        // An empty folder is replaced by the finished one.
        let taken =
            fs::read_dir(folder).map_or(folder.exists(), |mut entries| entries.next().is_some());
        if taken {
            return Err(RegistryError::Occupied {
                path: folder.to_owned(),
            });
        }
        let staged = staging_folder(folder).map_err(unwritten(folder))?;
        let layers = self
            .explained(&version, self.layers(&version, staged.path()).await)
            .await?;
        let exported = write_descriptors(&version, layers, &tag, staged.path(), folder)
            .map_err(unwritten(folder))?;
        fs::rename(staged.path(), folder).map_err(unwritten(folder))?;
        Ok(exported)
    }

    /// Writes a layer for each file a version needs.
    async fn layers(
        &self,
        version: &ModelVersion,
        folder: &Path,
    ) -> Result<Vec<Descriptor>, RegistryError> {
        let mut layers = Vec::new();
        for file in &version.files {
            self.layer(file.sha256, file.bytes, folder).await?;
            layers.push(Descriptor::layer(
                media::of(file),
                file.path.as_str(),
                file.sha256,
                file.bytes,
            ));
        }
        let documents = [
            ("evidence/scorecard.json", Some(version.scorecard)),
            ("evidence/predictions.json", Some(version.predictions)),
            ("evidence/gate-report.json", version.report),
        ];
        for (path, blob) in documents {
            let Some(blob) = blob else { continue };
            if version.files.iter().any(|file| file.path.as_str() == path) {
                return Err(RegistryError::SameFile {
                    path: path.to_owned(),
                });
            }
            let missing = || RegistryError::damaged(ObjectKey::Blob(blob), "it is missing");
            let bytes = self
                .store()
                .length(ObjectKey::Blob(blob))
                .await?
                .ok_or_else(missing)?;
            self.layer(blob, bytes, folder).await?;
            layers.push(Descriptor::layer(media::DOCUMENT, path, blob, bytes));
        }
        Ok(layers)
    }

    async fn layer(&self, blob: Digest, bytes: u64, folder: &Path) -> Result<(), RegistryError> {
        let path = folder.join(blob_path(blob));
        if path.exists() {
            return Ok(());
        }
        blobs::download(self.store(), blob, bytes, &path).await
    }
}

impl crate::registry::blocking::Registry {
    /// Writes a version as an OCI image layout; see [`Registry::export_oci`].
    ///
    /// # Errors
    /// As there.
    pub fn export_oci(
        &self,
        reference: &ModelRef,
        folder: &Path,
        tag: Option<&str>,
    ) -> Result<Exported, RegistryError> {
        self.wait(self.inner.export_oci(reference, folder, tag))
    }
}

/// Writes the files that describe the layers: configuration, manifest, index and `oci-layout`.
fn write_descriptors(
    version: &ModelVersion,
    layers: Vec<Descriptor>,
    tag: &str,
    staged: &Path,
    folder: &Path,
) -> io::Result<Exported> {
    let count = layers.len();
    let bytes = layers.iter().map(|layer| layer.size).sum();
    let config = blob(staged, media::CONFIG, &Config::of(version, &layers))?.0;
    let (manifest, digest) = blob(
        staged,
        media::MANIFEST,
        &OciManifest::of(version, config, layers),
    )?;
    atomic_write(
        &staged.join("index.json"),
        &serde_json::to_vec(&Index::of(manifest, tag))?,
    )?;
    atomic_write(
        &staged.join("oci-layout"),
        &serde_json::to_vec(&OciLayout::NEW)?,
    )?;
    let id = version.id();
    let folder = folder.to_owned();
    let tag = tag.to_owned();
    Ok(Exported {
        id,
        folder,
        tag,
        manifest: digest,
        layers: count,
        bytes,
    })
}

/// Writes a value as a blob of the layout.
fn blob(
    folder: &Path,
    media_type: &'static str,
    value: &impl Serialize,
) -> io::Result<(Descriptor, Digest)> {
    let bytes = serde_json::to_vec(value)?;
    let digest = Digest::of(&bytes);
    atomic_write(&folder.join(blob_path(digest)), &bytes)?;
    Ok((
        Descriptor::of(media_type, digest, bytes.len() as u64),
        digest,
    ))
}

fn blob_path(blob: Digest) -> PathBuf {
    ["blobs", "sha256", &blob.to_string()].iter().collect()
}

/// Makes a temporary folder next to the target, so on the same disk.
fn staging_folder(folder: &Path) -> io::Result<TempDir> {
    let parent = folder
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(parent)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".oci-");
    readable(&mut builder).tempdir_in(parent)
}

/// Gives the folder the permissions of the umask; temporary folders are private by default.
#[cfg(unix)]
fn readable<'a, 'b, 'c>(
    builder: &'a mut tempfile::Builder<'b, 'c>,
) -> &'a mut tempfile::Builder<'b, 'c> {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(fs::Permissions::from_mode(0o777))
}

#[cfg(not(unix))]
fn readable<'a, 'b, 'c>(
    builder: &'a mut tempfile::Builder<'b, 'c>,
) -> &'a mut tempfile::Builder<'b, 'c> {
    builder
}

fn unwritten(folder: &Path) -> impl Fn(io::Error) -> RegistryError + use<> {
    let path = folder.to_owned();
    move |source| RegistryError::File {
        operation: "write",
        path: path.clone(),
        source,
    }
}
