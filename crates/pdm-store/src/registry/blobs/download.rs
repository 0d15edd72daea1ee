//! Downloads blobs to files and verifies them.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use uuid::Uuid;

use super::{IN_FLIGHT, PART};
use crate::registry::RegistryError;
use crate::registry::keys::ObjectKey;
use crate::registry::store::Store;
use pdm_core::content::{Digest, Hasher, try_lock};

/// Downloads a blob to a file, which gets its final name only after verification.
///
/// # Errors
/// [`RegistryError::Integrity`] if the blob is missing or has other bytes, and errors of disk and store.
pub(in crate::registry) async fn download(
    store: &Store,
    blob: Digest,
    bytes: u64,
    into: &Path,
) -> Result<(), RegistryError> {
    let folder = into.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(unwritten(into))?;
    let mut staged = Staged::open(store, blob, bytes, folder).map_err(unwritten(into))?;
    let resumed = staged.length > 0;
    let mut found = staged.fill(store, blob, bytes).await?;
    if found != blob && resumed {
        // The bytes of an earlier run may be wrong.
        staged.empty().map_err(unwritten(into))?;
        found = staged.fill(store, blob, bytes).await?;
    }
    if found != blob {
        staged.discard();
        return Err(RegistryError::other_digest(ObjectKey::Blob(blob), found));
    }
    staged.name(into).map_err(unwritten(into))
}

/// Reads and verifies a whole blob, and returns its length.
///
/// # Errors
/// [`RegistryError::Integrity`] if it is missing or has other bytes, and errors of the store.
pub(in crate::registry) async fn verify(
    store: &Store,
    blob: Digest,
    bytes: u64,
) -> Result<u64, RegistryError> {
    if bytes <= PART {
        return Ok(store.get_blob(blob).await?.len() as u64);
    }
    let mut hasher = Hasher::new();
    let mut parts = parts(store, blob, 0, bytes);
    while let Some(part) = parts.try_next().await? {
        hasher.update(&part);
    }
    match hasher.digest() {
        found if found == blob => Ok(bytes),
        found => Err(RegistryError::other_digest(ObjectKey::Blob(blob), found)),
    }
}

/// Returns the parts of a blob from an offset on, in order; some are fetched ahead.
fn parts(
    store: &Store,
    blob: Digest,
    from: u64,
    bytes: u64,
) -> impl futures_util::Stream<Item = Result<Bytes, RegistryError>> + Unpin {
    let ranges = (from..bytes)
        .step_by(PART as usize)
        .map(move |start| start..bytes.min(start + PART));
    let get = move |range: Range<u64>| Box::pin(store.get_part(ObjectKey::Blob(blob), range));
    stream::iter(ranges).map(get).buffered(IN_FLIGHT)
}

/// A file that holds the first parts of a blob.
struct Staged {
    file: File,
    path: PathBuf,
    length: u64,
    /// Whether a later run may resume it.
    is_kept: bool,
}

impl Staged {
    /// Opens the partial file of an earlier run for a long blob, else an empty file.
    fn open(store: &Store, blob: Digest, bytes: u64, folder: &Path) -> io::Result<Self> {
        if bytes > PART
            && let Some(state_dir) = &store.transfers().state_dir
            && let Some(kept) = Self::resume(state_dir, blob, bytes)
        {
            return Ok(kept);
        }
        let path = folder.join(format!(".{}.part", Uuid::now_v7()));
        let file = File::options()
            .create_new(true)
            .read(true)
            .write(true)
            .open(&path)?;
        Ok(Self {
            file,
            path,
            length: 0,
            is_kept: false,
        })
    }

    /// Opens the partial file of a blob in a folder; `None` if another process uses it or it cannot be opened.
    fn resume(state_dir: &Path, blob: Digest, bytes: u64) -> Option<Self> {
        fs::create_dir_all(state_dir).ok()?;
        let path = state_dir.join(format!("{blob}.part"));
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .ok()?;
        // Before the lock was taken, another process may have completed and renamed the file.
        if !try_lock(&file).ok()? || !is_same_file(&file, &path) {
            return None;
        }
        let length = file.metadata().ok()?.len().min(bytes) / PART * PART;
        file.set_len(length).ok()?;
        Some(Self {
            file,
            path,
            length,
            is_kept: true,
        })
    }

    fn empty(&mut self) -> io::Result<()> {
        self.length = 0;
        self.file.set_len(0)
    }

    /// Fetches the missing bytes, and returns the digest of the whole file.
    async fn fill(
        &mut self,
        store: &Store,
        blob: Digest,
        bytes: u64,
    ) -> Result<Digest, RegistryError> {
        let failed = unwritten(&self.path);
        let mut hasher = Hasher::new();
        self.hash_kept(&mut hasher).map_err(&failed)?;
        let task = format!("fetch {}", blob.short());
        if bytes <= PART {
            let whole = store.get_blob(blob).await?;
            hasher.update(&whole);
            self.file.write_all(&whole).map_err(&failed)?;
            return Ok(hasher.digest());
        }
        let mut parts = parts(store, blob, self.length, bytes);
        while let Some(part) = parts.try_next().await? {
            hasher.update(&part);
            self.file.write_all(&part).map_err(&failed)?;
            self.length += part.len() as u64;
            store.transfers().report(&task, self.length, bytes)?;
        }
        Ok(hasher.digest())
    }

    fn hash_kept(&mut self, hasher: &mut Hasher) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        io::copy(&mut (&mut self.file).take(self.length), hasher)?;
        self.file.seek(SeekFrom::Start(self.length)).map(drop)
    }

    /// Moves the file to its final name, by a copy if that is on another disk.
    fn name(mut self, into: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        if fs::rename(&self.path, into).is_err() {
            let source = &mut File::open(&self.path)?;
            pdm_core::content::atomic_replace(into, |mut file| {
                io::copy(source, &mut file).map(drop)
            })?;
            fs::remove_file(&self.path)?;
        }
        // It was moved: there is nothing to remove.
        self.is_kept = true;
        Ok(())
    }

    fn discard(mut self) {
        self.is_kept = false;
    }
}

#[cfg(unix)]
fn is_same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    fs::metadata(path).is_ok_and(|there| {
        file.metadata()
            .is_ok_and(|own| identity(own) == identity(there))
    })
}

/// On other systems an open file cannot be renamed.
#[cfg(not(unix))]
fn is_same_file(_file: &File, _path: &Path) -> bool {
    true
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn unwritten(path: &Path) -> impl Fn(io::Error) -> RegistryError + use<> {
    let path = path.to_owned();
    move |source| RegistryError::File {
        operation: "write",
        path: path.clone(),
        source,
    }
}
