//! Copies versions between registries.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use tempfile::TempDir;

use super::blobs;
use super::entry::Stamp;
use super::error::RegistryError;
use super::keys::ObjectKey;
use super::manifest::{CopiedFrom, FileEntry, ModelVersion, NewFile};
use super::reference::ModelRef;
use super::registry::Registry;
use super::store::Store;

/// A version that was copied into another registry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Copied {
    /// Its number in the source registry.
    pub from: u32,
    /// The version in the target registry.
    pub version: ModelVersion,
    /// Whether it is new there.
    pub is_new: bool,
}

impl Registry {
    /// Copies a version with everything it needs into another registry: bundle, scorecard, predictions, gate report and
    /// origin. It gets the next number there, unless it is there already. Aliases are not copied: the gates of the target
    /// registry decide which version is champion there.
    ///
    /// # Errors
    /// An unknown model or version, missing or damaged blobs, and errors of the stores or the disk.
    pub async fn copy(
        &self,
        reference: &ModelRef,
        to: &Self,
        stamp: &Stamp,
    ) -> Result<Copied, RegistryError> {
        let version = self.resolve(reference, None).await?;
        version.require_distinct_files()?;
        let from = version.version;
        let state = Arc::new(to.state(None).await?);
        if let Some(known) = state.same(&version.model, version.bundle, version.scorecard) {
            return Ok(Copied {
                from,
                version: known.clone(),
                is_new: false,
            });
        }
        to.store().require_key(stamp)?;
        to.store().prove().await?;
        let sent = send(self.store(), &version, &to.store().relying(&state, stamp)).await;
        self.explained(&version, sent).await?;
        let copied = CopiedFrom {
            registry: self.store().location().to_owned(),
            version: from,
        };
        let (entered, is_new) = to
            .enter(
                ModelVersion {
                    copied: Some(copied),
                    ..version.clone()
                },
                stamp,
            )
            .await?;
        // Existing blobs may have been collected meanwhile.
        if !to.store().absent(entered.blobs()).await?.is_empty() {
            send(self.store(), &version, to.store()).await?;
        }
        Ok(Copied {
            from,
            version: entered,
            is_new,
        })
    }
}

/// Copies everything a version needs from one store to another.
async fn send(from: &Store, version: &ModelVersion, to: &Store) -> Result<(), RegistryError> {
    for blob in version.evidence() {
        to.put_blob(from.get_blob(blob).await?).await?;
    }
    for file in &version.files {
        let key = ObjectKey::Blob(file.sha256);
        if file.bytes > blobs::PART && blobs::is_there(to, file).await? {
            continue;
        }
        let fetched = fetched(from, file).await?;
        let sent = blobs::upload(to, &fetched.file).await;
        sent.map_err(|error| {
            if fetched.is_in_store {
                damaged(key, error)
            } else {
                error
            }
        })?;
    }
    Ok(())
}

/// A file from a store, and its temporary folder.
struct FetchedFile {
    file: NewFile,
    is_in_store: bool,
    _folder: Option<TempDir>,
}

/// Reports an unreadable file of a store as damage to the store, not as an error of the user.
fn damaged(key: ObjectKey, error: RegistryError) -> RegistryError {
    match error {
        RegistryError::Changed { .. } => {
            RegistryError::damaged(key, "its bytes have another digest")
        }
        RegistryError::File {
            operation: "read",
            source,
            ..
        } if source.kind() == ErrorKind::NotFound => RegistryError::damaged(key, "it is missing"),
        error => error,
    }
}

/// Makes a blob readable: short ones in memory, long ones in the store's folder or in a temporary file.
async fn fetched(store: &Store, file: &FileEntry) -> Result<FetchedFile, RegistryError> {
    if file.bytes <= blobs::PART {
        let bytes = store.get_blob(file.sha256).await?;
        return Ok(FetchedFile {
            file: NewFile::of_bytes(file.path.clone(), bytes),
            is_in_store: false,
            _folder: None,
        });
    }
    let key = ObjectKey::Blob(file.sha256);
    if let Some(path) = store.path_on_disk(key) {
        // Refuses anything but a regular file: opening a pipe could block forever.
        store.stat(key).await?;
        let file = NewFile::on_disk(file.clone(), path);
        return Ok(FetchedFile {
            file,
            is_in_store: true,
            _folder: None,
        });
    }
    let state_dir = store
        .transfers()
        .state_dir
        .clone()
        .unwrap_or_else(std::env::temp_dir);
    let unmade = |source| RegistryError::File {
        operation: "make a folder in",
        path: state_dir.clone(),
        source,
    };
    let folder = std::fs::create_dir_all(&state_dir)
        .and_then(|()| tempfile::tempdir_in(&state_dir))
        .map_err(unmade)?;
    let path: PathBuf = folder.path().join("blob");
    blobs::download(store, file.sha256, file.bytes, &path).await?;
    Ok(FetchedFile {
        file: NewFile::on_disk(file.clone(), path),
        is_in_store: false,
        _folder: Some(folder),
    })
}
