//! Removes leftovers of killed jobs on this machine.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::LEAST_GRACE;
use crate::registry::blobs::{LOCK, PendingUpload};
use crate::registry::error::RegistryError;
use crate::registry::keys::{BLOBS, LOG, ObjectKey, SNAPSHOTS};
use crate::registry::registry::Registry;
use crate::registry::store::Store;
use pdm_core::content::try_lock;

/// A leftover of a killed job on this machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Leftover {
    /// Its path.
    pub path: PathBuf,
    /// What it is.
    pub kind: LeftoverKind,
    /// Its length in bytes.
    pub bytes: u64,
}

/// The kinds of leftovers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftoverKind {
    /// The record of an upload in parts; the parts are in the bucket.
    Upload,
    /// The first bytes of a download.
    Download,
    /// A temporary folder or file.
    Temporary,
}

/// The result of removing leftovers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// What was removed.
    pub removed: Vec<Leftover>,
    /// Leftovers in use by another process or that could not be removed, and why.
    pub kept: Vec<(PathBuf, String)>,
}

impl Registry {
    /// Returns the leftovers of killed jobs that are older than the grace, in order of path: in the folder for
    /// interrupted transfers, and next to the objects of a registry on disk.
    ///
    /// # Errors
    /// [`RegistryError::Grace`] if the grace is too short, [`RegistryError::File`] if a folder cannot be read.
    pub fn leftovers(
        &self,
        grace: SignedDuration,
        now: Timestamp,
    ) -> Result<Vec<Leftover>, RegistryError> {
        if grace < LEAST_GRACE {
            return Err(RegistryError::Grace {
                grace,
                least: LEAST_GRACE,
            });
        }
        let before = now.checked_sub(grace).unwrap_or(Timestamp::MIN);
        let state_dir = self.store().transfers().state_dir.as_deref();
        let mut found = state_dir.map_or(Ok(Vec::new()), |folder| {
            old(folder, before, |path| self.in_state_dir(path))
        })?;
        if let Some(folder) = self.store().folder_on_disk() {
            for name in [BLOBS, "blobs/sha256", LOG, SNAPSHOTS] {
                found.extend(old(&folder.join(name), before, staged)?);
            }
        }
        found.sort();
        Ok(found)
    }

    /// Removes leftovers, except those in use by another process. Unfinished uploads are also aborted in the bucket.
    ///
    /// # Errors
    /// [`RegistryError::Interrupted`].
    pub async fn sweep(&self, leftovers: &[Leftover]) -> Result<Swept, RegistryError> {
        let mut swept = Swept {
            removed: Vec::new(),
            kept: Vec::new(),
        };
        for leftover in leftovers {
            self.store().transfers().reporter.check()?;
            match self.remove_leftover(leftover).await {
                Ok(()) => swept.removed.push(leftover.clone()),
                Err(why) => swept.kept.push((leftover.path.clone(), why)),
            }
        }
        Ok(swept)
    }

    async fn remove_leftover(&self, leftover: &Leftover) -> Result<(), String> {
        let path = &leftover.path;
        match leftover.kind {
            LeftoverKind::Upload => return abort_upload(self.store(), path).await,
            LeftoverKind::Download => _ = lock_unused(path)?,
            LeftoverKind::Temporary if path.is_dir() => {
                return fs::remove_dir_all(path).map_err(|e| e.to_string());
            }
            LeftoverKind::Temporary => {}
        }
        fs::remove_file(path).map_err(|error| error.to_string())
    }

    /// Returns the kind of a file or folder in the transfer folder; `None` if it is in use or belongs to another registry.
    fn in_state_dir(&self, path: &Path) -> Option<LeftoverKind> {
        let name = path.file_name()?.to_str()?;
        if name.ends_with(".upload.json") {
            let own = record(path).is_none_or(|kept| kept.location == self.store().location());
            return own.then_some(LeftoverKind::Upload);
        }
        match name {
            LOCK => None,
            _ if name.ends_with(".part") => Some(LeftoverKind::Download),
            _ if name.ends_with(".upload.new") || name.starts_with(".tmp") => {
                Some(LeftoverKind::Temporary)
            }
            _ => None,
        }
    }
}

/// Returns whether a file next to the objects was staged by a killed writer: the disk store names it after its object.
fn staged(path: &Path) -> Option<LeftoverKind> {
    let (object, number) = path.file_name()?.to_str()?.rsplit_once('#')?;
    let of_ours = |folder: &str| ObjectKey::parse(&format!("{folder}/{object}")).is_some();
    let is_ours = ["blobs/sha256", LOG, SNAPSHOTS].into_iter().any(of_ours);
    let staged = number.bytes().all(|digit| digit.is_ascii_digit()) && is_ours;
    staged.then_some(LeftoverKind::Temporary)
}

/// Returns the leftovers in a folder that were not touched since a time.
fn old(
    folder: &Path,
    before: Timestamp,
    kind: impl Fn(&Path) -> Option<LeftoverKind>,
) -> Result<Vec<Leftover>, RegistryError> {
    let failed = |source| RegistryError::File {
        operation: "read",
        path: folder.to_owned(),
        source,
    };
    let entries = match folder.read_dir() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let Some(kind) = kind(&path) else { continue };
        // A file that cannot be read was removed meanwhile.
        if let Ok((bytes, touched)) = measure(&path)
            && touched < before
        {
            found.push(Leftover { path, kind, bytes });
        }
    }
    Ok(found)
}

/// Returns the length of a file or folder, and when any of it was last modified.
fn measure(path: &Path) -> io::Result<(u64, Timestamp)> {
    let metadata = fs::symlink_metadata(path)?;
    let own = if metadata.is_dir() { 0 } else { metadata.len() };
    let mut sum = (
        own,
        Timestamp::try_from(metadata.modified()?).map_err(io::Error::other)?,
    );
    if metadata.is_dir() {
        for entry in path.read_dir()? {
            let (bytes, touched) = measure(&entry?.path())?;
            sum = (sum.0 + bytes, sum.1.max(touched));
        }
    }
    Ok(sum)
}

fn record(path: &Path) -> Option<PendingUpload> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Opens and locks a file that no other process uses.
fn lock_unused(path: &Path) -> Result<File, String> {
    let file = File::options()
        .write(true)
        .open(path)
        .map_err(|error| error.to_string())?;
    match try_lock(&file) {
        Ok(true) => Ok(file),
        Ok(false) | Err(_) => Err("in use by another process".to_owned()),
    }
}

/// Aborts an upload in the bucket, then removes its record.
async fn abort_upload(store: &Store, path: &Path) -> Result<(), String> {
    // Held by a process that uploads from this folder.
    let lock = path
        .parent()
        .map(|folder| folder.join(LOCK))
        .filter(|lock| lock.exists());
    let _held = lock.map(|lock| lock_unused(&lock)).transpose()?;
    if let Some(kept) = record(path)
        && let Some((bucket, at)) = store.parts(ObjectKey::Blob(kept.blob))
    {
        match bucket.abort_multipart(&at, &kept.upload).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    fs::remove_file(path).map_err(|error| error.to_string())
}
