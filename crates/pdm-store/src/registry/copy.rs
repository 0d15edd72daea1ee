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

/// A version that is now in another registry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Copied {
    /// Number of the version in the registry it comes from.
    pub from: u32,
    /// The version as it is in the other registry.
    pub version: ModelVersion,
    /// Whether it was not there before.
    pub is_new: bool,
}

impl Registry {
    /// Copies a version with everything it rests on into another registry: bundle, scorecard, predictions, gate report and
    /// where it comes from. It gets the next number there, unless it is there already. Aliases stay: who is champion
    /// there is decided by the gates there.
    ///
    /// # Errors
    /// An unknown model or version, missing or damaged blobs, and whatever the stores or the disk answer.
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
        // What was relied on may have been collected meanwhile.
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

/// Brings everything a version rests on from one store to another.
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
            if fetched.lies_in_store {
                damaged(key, error)
            } else {
                error
            }
        })?;
    }
    Ok(())
}

/// A file out of a store, and the folder that goes away with it.
struct FetchedFile {
    file: NewFile,
    lies_in_store: bool,
    _folder: Option<TempDir>,
}

/// A file of a store that cannot be read as it was written is not the user's doing.
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

/// Makes a blob readable: short ones in memory, long ones where they lie, or on this machine's disk for a while.
async fn fetched(store: &Store, file: &FileEntry) -> Result<FetchedFile, RegistryError> {
    if file.bytes <= blobs::PART {
        let bytes = store.get_blob(file.sha256).await?;
        return Ok(FetchedFile {
            file: NewFile::of_bytes(file.path.clone(), bytes),
            lies_in_store: false,
            _folder: None,
        });
    }
    let key = ObjectKey::Blob(file.sha256);
    if let Some(path) = store.path_on_disk(key) {
        // What is no regular file is refused here: opening it could wait for ever.
        store.look(key).await?;
        let file = NewFile::on_disk(file.clone(), path);
        return Ok(FetchedFile {
            file,
            lies_in_store: true,
            _folder: None,
        });
    }
    let scratch = store
        .transfers()
        .scratch
        .clone()
        .unwrap_or_else(std::env::temp_dir);
    let unmade = |source| RegistryError::File {
        operation: "make a folder in",
        path: scratch.clone(),
        source,
    };
    let folder = std::fs::create_dir_all(&scratch)
        .and_then(|()| tempfile::tempdir_in(&scratch))
        .map_err(unmade)?;
    let path: PathBuf = folder.path().join("blob");
    blobs::download(store, file.sha256, file.bytes, &path).await?;
    Ok(FetchedFile {
        file: NewFile::on_disk(file.clone(), path),
        lies_in_store: false,
        _folder: Some(folder),
    })
}
