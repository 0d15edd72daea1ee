//! Uploads files as blobs.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::multipart::MultipartStore;
use object_store::{Error, MultipartUpload};

use super::buffers::{Buffers, FilePart};
use super::kept::PendingUpload;
use super::{IN_FLIGHT, PART, part_length};
use crate::registry::RegistryError;
use crate::registry::error::is_refusal;
use crate::registry::keys::ObjectKey;
use crate::registry::manifest::{FileBytes, FileEntry, NewFile};
use crate::registry::store::Store;
use pdm_core::content::{Digest, HashingReader};

/// Uploads a file under its digest, unless it is already there.
///
/// # Errors
/// The file was changed since its digest was taken, another object has its key, and errors of disk and store.
pub(in crate::registry) async fn upload(
    store: &Store,
    file: &NewFile,
) -> Result<(), RegistryError> {
    let path = match file.content() {
        FileBytes::Bytes(bytes) => return store.put_blob(bytes.clone()).await.map(drop),
        FileBytes::File(path) => path,
    };
    if file.bytes() <= PART {
        let bytes = std::fs::read(path).map_err(unread(path))?;
        let found = store.put_blob(bytes.into()).await?;
        return if found == file.sha256() {
            Ok(())
        } else {
            Err(changed(path))
        };
    }
    if is_there(store, file.entry()).await? {
        return Ok(());
    }
    match store.parts(ObjectKey::Blob(file.sha256())) {
        Some((bucket, at)) => {
            resumable(store, file, path, &MultipartTarget { store: bucket, at }).await
        }
        None => in_one_go(store, file, path).await,
    }
}

/// Returns whether a file's blob exists, and stays at least as long as its writer needs.
///
/// # Errors
/// It has another length, and errors of the store.
pub(in crate::registry) async fn is_there(
    store: &Store,
    file: &FileEntry,
) -> Result<bool, RegistryError> {
    let key = ObjectKey::Blob(file.sha256);
    match store.stat(key).await? {
        Some(there) if there.bytes != file.bytes => Err(RegistryError::damaged(
            key,
            format!("it has {} bytes instead of {}", there.bytes, file.bytes),
        )),
        Some(there) => Ok(
            store.reliance().is_needed(file.sha256) || store.reliance().is_fresh(there.modified)
        ),
        None => Ok(false),
    }
}

/// The store of an upload in parts, and the path of its object.
struct MultipartTarget {
    store: Arc<dyn MultipartStore>,
    at: object_store::path::Path,
}

/// Uploads in parts, so that a later run can resume.
async fn resumable(
    store: &Store,
    file: &NewFile,
    path: &Path,
    parts: &MultipartTarget,
) -> Result<(), RegistryError> {
    let failed = |error: UploadError| error.into_registry_error(store, file);
    let length = part_length(file.bytes());
    let kept = match PendingUpload::find(store, file.sha256(), length) {
        Some(old) if !old.is_fresh(store) => {
            abort(parts, old).await;
            None
        }
        kept => kept,
    };
    if let Some(kept) = kept {
        match send(store, file, path, parts, kept).await {
            // The server dropped the upload meanwhile, or refuses it: a new one is begun.
            Err(error @ UploadError::Store(_)) if error.is_permanent() => {}
            outcome => return outcome.map_err(failed),
        }
    }
    let upload = parts
        .store
        .create_multipart(&parts.at)
        .await
        .map_err(|source| failed(UploadError::Store(source)))?;
    let kept = PendingUpload::begin(store, file.sha256(), length, upload);
    send(store, file, path, parts, kept).await.map_err(failed)
}

pub(super) enum UploadError {
    Store(Error),
    Other(RegistryError),
}

impl UploadError {
    fn into_registry_error(self, store: &Store, file: &NewFile) -> RegistryError {
        match self {
            Self::Store(source) => store.failed("upload", ObjectKey::Blob(file.sha256()), source),
            Self::Other(error) => error,
        }
    }

    /// Returns whether this upload can never be completed.
    pub(super) fn is_permanent(&self) -> bool {
        match self {
            Self::Store(Error::NotFound { .. }) => true,
            Self::Store(error) => is_refusal(error) && !is_about_the_client(error),
            Self::Other(error) => matches!(error, RegistryError::Changed { .. }),
        }
    }
}

/// Returns whether a server refused the credentials or the speed of a request, and not its content: with new keys or a better
/// connection the same upload can be resumed.
fn is_about_the_client(error: &Error) -> bool {
    const WORDS: [&str; 4] = [
        "ExpiredToken",
        "TokenRefreshRequired",
        "RequestTimeout",
        "status code: 408",
    ];
    let message = error.to_string();
    matches!(
        error,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. }
    ) || WORDS.iter().any(|word| message.contains(word))
}

impl From<Error> for UploadError {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<RegistryError> for UploadError {
    fn from(error: RegistryError) -> Self {
        Self::Other(error)
    }
}

/// Sends the missing parts, and completes the upload.
async fn send(
    store: &Store,
    file: &NewFile,
    path: &Path,
    parts: &MultipartTarget,
    mut kept: PendingUpload,
) -> Result<(), UploadError> {
    let sent = send_parts(store, file, path, parts, &mut kept).await;
    let whole = match sent {
        Ok(digest) if digest == file.sha256() => complete(store, file, parts, &kept)
            .await
            .map_err(UploadError::Store),
        Ok(_) => Err(changed(path).into()),
        Err(error) => Err(error),
    };
    match whole {
        Err(error) if kept.is_kept() && !error.is_permanent() => Err(error),
        Err(error) => {
            abort(parts, kept).await;
            Err(error)
        }
        Ok(_) => {
            kept.forget();
            Ok(())
        }
    }
}

async fn abort(parts: &MultipartTarget, kept: PendingUpload) {
    kept.forget();
    // If that fails, the bucket's lifecycle rule for unfinished uploads cleans up.
    let _ = parts.store.abort_multipart(&parts.at, &kept.upload).await;
}

/// Completes the upload. If the response is lost, or another process was first, the object exists anyway.
async fn complete(
    store: &Store,
    file: &NewFile,
    parts: &MultipartTarget,
    kept: &PendingUpload,
) -> Result<(), Error> {
    match parts
        .store
        .complete_multipart(&parts.at, &kept.upload, kept.ids())
        .await
    {
        Ok(_) => Ok(()),
        Err(error) => match store.length(ObjectKey::Blob(file.sha256())).await {
            Ok(Some(length)) if length == file.bytes() => Ok(()),
            _ => Err(error),
        },
    }
}

/// Reads the whole file, sends the missing parts, and returns the digest of the bytes read.
async fn send_parts(
    store: &Store,
    file: &NewFile,
    path: &Path,
    parts: &MultipartTarget,
    kept: &mut PendingUpload,
) -> Result<Digest, UploadError> {
    let length = part_length(file.bytes());
    let before = kept.clone();
    let upload = kept.upload.clone();
    let mut reader = HashingReader::new(File::open(path).map_err(unread(path))?);
    let task = format!("upload {}", file.path());
    let total = file.bytes();
    let buffers = Buffers::default();
    let sends = stream::iter(0..total.div_ceil(length)).map(|number| {
        let read = buffers
            .read(&mut reader, length as usize)
            .map_err(|error| UploadError::Other(unread(path)(error)));
        let before = &before;
        let upload = &upload;
        async move {
            let FilePart { bytes, crc32 } = read?;
            let count = bytes.len() as u64;
            if before.has(number, crc32) {
                return Ok((number, count, None));
            }
            // Signed and sent on the runtime's own thread while this one reads and hashes the next parts.
            let bucket = Arc::clone(&parts.store);
            let at = parts.at.clone();
            let upload = upload.clone();
            let put = async move {
                bucket
                    .put_part(&at, &upload, number as usize, bytes.into())
                    .await
            };
            let id = tokio::spawn(put)
                .await
                .expect("nothing ends a part before it is sent")?;
            Ok::<_, UploadError>((number, count, Some((crc32, id))))
        }
    });
    let mut sends = sends.buffer_unordered(IN_FLIGHT);
    let mut done = 0;
    while let Some((number, count, part)) = sends.try_next().await? {
        if let Some((crc32, id)) = part {
            kept.add(number, crc32, id);
        }
        done += count;
        store.transfers().report(&task, done, total)?;
    }
    drop(sends);
    Ok(reader.digest())
}

/// Writes to a store without resumable uploads: a disk, or memory.
async fn in_one_go(store: &Store, file: &NewFile, path: &Path) -> Result<(), RegistryError> {
    let mut upload = store.begin(ObjectKey::Blob(file.sha256())).await?;
    let written = write_parts(store, file, path, upload.as_mut()).await;
    let outcome = match written {
        Ok(digest) if digest == file.sha256() => upload
            .complete()
            .await
            .map(drop)
            .map_err(UploadError::Store),
        Ok(_) => Err(changed(path).into()),
        Err(error) => Err(error),
    };
    let Err(error) = outcome else {
        return store.set_permissions(ObjectKey::Blob(file.sha256()));
    };
    // If it fails, the remaining parts are not visible under any key.
    let _ = upload.abort().await;
    Err(error.into_registry_error(store, file))
}

async fn write_parts(
    store: &Store,
    file: &NewFile,
    path: &Path,
    upload: &mut dyn MultipartUpload,
) -> Result<Digest, UploadError> {
    let mut reader = HashingReader::new(File::open(path).map_err(unread(path))?);
    let task = format!("store {}", file.path());
    let total = file.bytes();
    let mut done = 0;
    let buffers = Buffers::default();
    while done < total {
        let FilePart { bytes, .. } = buffers
            .read(&mut reader, PART as usize)
            .map_err(unread(path))?;
        if bytes.is_empty() {
            break;
        }
        done += bytes.len() as u64;
        upload.put_part(bytes.into()).await?;
        store.transfers().report(&task, done, total)?;
    }
    Ok(reader.digest())
}

fn unread(path: &Path) -> impl Fn(std::io::Error) -> RegistryError + use<> {
    let path = path.to_owned();
    move |source| RegistryError::File {
        operation: "read",
        path: path.clone(),
        source,
    }
}

fn changed(path: &Path) -> RegistryError {
    RegistryError::Changed {
        path: path.to_owned(),
    }
}
