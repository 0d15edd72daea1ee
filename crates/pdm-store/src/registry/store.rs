//! The store of a registry: a bucket, a folder or memory.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use jiff::Timestamp;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::multipart::MultipartStore;
use object_store::prefix::PrefixStore;
use object_store::{
    MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
};
use tokio::time::sleep;
use uuid::Uuid;

use super::address::OpenOptions;
use super::blobs::Transfers;
use super::collect::Reliance;
use super::entry::Stamp;
use super::error::RegistryError;
use super::identity::RegistryId;
use super::keys::{BLOBS, ObjectKey, SNAPSHOTS};
use super::listing::{ListError, PagedBucket, Until};
use super::log::Log;
use super::probe::{self, Proof};
use super::signing::{Signer, Signing, Trust};
use super::state::RegistryState;
use super::{genesis, limits, marker, shared, verdict};
use crate::bucket::{self, Bucket, BucketAddress, absolute};
use pdm_core::content::Digest;

/// The store of a registry's objects: a bucket, a folder, or memory.
///
/// Clones share the same objects. Opening writes nothing, so a reader leaves no trace.
#[derive(Debug, Clone)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    location: Arc<str>,
    /// Provider, bucket and endpoint: a test with one prefix is valid for the others.
    server: Option<Arc<str>>,
    parts: Option<MultipartBucket>,
    folder: Option<PathBuf>,
    /// Whether it is in the project's own folder, or in memory.
    is_own: bool,
    transfers: Transfers,
    reliance: Reliance,
    signing: Signing,
    /// Id that the registry must have, if known.
    expected: Option<RegistryId>,
    /// Format of the marker.
    readable: Arc<OnceLock<u32>>,
    writable: Arc<OnceLock<()>>,
    /// The log as it was read last.
    log: Arc<Mutex<Option<Log>>>,
}

/// A bucket with uploads in parts, in any order and over several runs.
#[derive(Clone)]
struct MultipartBucket {
    bucket: Arc<dyn MultipartStore>,
    pages: PagedBucket,
    prefix: object_store::path::Path,
}

impl fmt::Debug for MultipartBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// Pauses before retries of a write that met another one in progress.
const CONFLICTS: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_millis(1600),
];

/// The result of a create-only write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Created {
    /// The object was written.
    Written,
    /// The object existed and was not changed.
    Exists,
}

/// An existing object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredObject {
    pub(crate) path: String,
    pub(crate) bytes: u64,
    /// When it was written, by the store's clock.
    pub(crate) modified: Timestamp,
}

impl StoredObject {
    fn of(meta: object_store::ObjectMeta) -> Self {
        let path = meta.location.to_string();
        let bytes = meta.size;
        // A time that is out of range counts as not old.
        let nanoseconds = meta.last_modified.timestamp_nanos_opt().map(i128::from);
        let modified = nanoseconds
            .and_then(|time| Timestamp::from_nanosecond(time).ok())
            .unwrap_or(Timestamp::MAX);
        Self {
            path,
            bytes,
            modified,
        }
    }
}

impl Store {
    /// Opens the store at `url`: `s3://bucket/prefix`, `gs://…`, `az://…`, `file:///folder`, a plain path (relative to
    /// the root), or `memory://`. Nothing is sent or read yet.
    ///
    /// # Errors
    /// [`RegistryError::UnknownScheme`] for any other address, [`RegistryError::Address`] for a path that is not
    /// Unicode, or if the settings of a bucket in the environment are incomplete or wrong.
    pub fn open<'a>(url: &str, options: impl Into<OpenOptions<'a>>) -> Result<Self, RegistryError> {
        let OpenOptions {
            root,
            variable,
            state_dir,
            signing,
            expected,
            reporter,
        } = options.into();
        let bad = |what| RegistryError::Address {
            url: url.to_owned(),
            what,
        };
        let store = match BucketAddress::parse(url)? {
            BucketAddress::Memory => Self::memory(),
            BucketAddress::Folder(folder) => Self::folder(url, &absolute(root, &folder)?)?,
            BucketAddress::Bucket {
                provider,
                bucket,
                prefix,
            } => {
                let Bucket {
                    objects,
                    parts,
                    pages,
                } = bucket::open(provider, &bucket, variable).map_err(bad)?;
                let location = url.trim_end_matches('/').to_owned();
                let endpoint = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]
                    .into_iter()
                    .find_map(variable);
                let server =
                    Some(format!("{provider:?} {bucket} {}", endpoint.unwrap_or_default()).into());
                let pages = PagedBucket::new(pages, prefix.clone());
                let parts = Some(MultipartBucket {
                    bucket: parts,
                    pages,
                    prefix: prefix.clone(),
                });
                Self {
                    parts,
                    server,
                    ..Self::over(Arc::new(PrefixStore::new(objects, prefix)), location)
                }
            }
        };
        let is_own = store.parts.is_none()
            && store
                .folder
                .as_ref()
                .is_none_or(|folder| folder.starts_with(root));
        Ok(Self {
            is_own,
            transfers: Transfers {
                state_dir,
                reporter,
            },
            signing,
            expected,
            ..store
        })
    }

    /// Returns an empty store in memory.
    pub fn memory() -> Self {
        Self::over(Arc::new(InMemory::new()), "memory://".into())
    }

    /// Returns the same store without any cached state.
    #[cfg(test)]
    pub(super) fn as_opened(&self) -> Self {
        Self {
            readable: Arc::default(),
            writable: Arc::default(),
            log: Arc::default(),
            ..self.clone()
        }
    }

    /// Returns a store that must hold this registry.
    #[cfg(test)]
    pub(super) fn expecting(self, id: RegistryId) -> Self {
        Self {
            expected: Some(id),
            ..self
        }
    }

    /// Returns a store with a folder for its local state.
    #[cfg(test)]
    pub(super) fn with_state_dir(self, folder: &Path) -> Self {
        let transfers = Transfers {
            state_dir: Some(folder.to_owned()),
            ..self.transfers.clone()
        };
        Self { transfers, ..self }
    }

    /// Returns the location of the store, for display.
    pub fn location(&self) -> &str {
        &self.location
    }

    pub(crate) fn over(objects: Arc<dyn ObjectStore>, location: String) -> Self {
        Self {
            objects,
            location: location.into(),
            server: None,
            parts: None,
            folder: None,
            is_own: true,
            transfers: Transfers::default(),
            reliance: Reliance::default(),
            signing: Signing::default(),
            expected: None,
            readable: Arc::default(),
            writable: Arc::default(),
            log: Arc::default(),
        }
    }

    fn folder(url: &str, folder: &Path) -> Result<Self, RegistryError> {
        let bad = |what: String| RegistryError::Address {
            url: url.to_owned(),
            what,
        };
        let folder = object_store::path::Path::from_absolute_path(folder)
            .map_err(|error| bad(error.to_string()))?;
        // `LocalFileSystem::new_with_prefix` would fail for a folder that does not exist yet.
        let disk = LocalFileSystem::new().with_fsync(true);
        let location = disk
            .path_to_filesystem(&folder)
            .map_err(|error| bad(error.to_string()))?;
        let shown = location.display().to_string();
        Ok(Self {
            folder: Some(location),
            ..Self::over(Arc::new(PrefixStore::new(disk, folder)), shown)
        })
    }

    /// Reads an object; `None` if there is none.
    ///
    /// # Errors
    /// [`RegistryError::Integrity`] for an object that is longer than any this program writes; it is not read.
    pub(crate) async fn get(&self, key: ObjectKey) -> Result<Option<Bytes>, RegistryError> {
        let most = limits::most_bytes(key);
        self.require_regular(key)?;
        match limits::read(self.objects.as_ref(), &key.path(), most).await {
            Ok(Ok(bytes)) => Ok(Some(bytes)),
            Ok(Err(length)) => {
                let what =
                    format!("it has at least {length} bytes, but such objects have at most {most}");
                Err(RegistryError::damaged(key, what))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(self.failed("read", key, source)),
        }
    }

    /// Refuses an object that would be too long to be read.
    pub(super) fn require_short(
        &self,
        key: ObjectKey,
        what: &'static str,
        bytes: u64,
    ) -> Result<(), RegistryError> {
        let most = limits::most_bytes(key);
        if bytes > most {
            Err(RegistryError::TooLong { what, bytes, most })
        } else {
            Ok(())
        }
    }

    /// In a folder, refuses anything but a regular file: opening a pipe would block forever.
    pub(super) fn require_regular(&self, key: ObjectKey) -> Result<(), RegistryError> {
        let Some(path) = self.path_on_disk(key) else {
            return Ok(());
        };
        match path.metadata() {
            Ok(found) if !found.is_file() => {
                Err(RegistryError::damaged(key, "it is not a regular file"))
            }
            Err(_) if path.is_symlink() => {
                Err(RegistryError::damaged(key, "it is a broken symbolic link"))
            }
            // The store itself reports missing or unreadable objects.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Writes an object if there is none. Readers see all of it or nothing, even if the writer is killed.
    pub(crate) async fn create(
        &self,
        key: ObjectKey,
        bytes: impl Into<PutPayload>,
    ) -> Result<Created, RegistryError> {
        let bytes: PutPayload = bytes.into();
        if let Some(root) = &self.folder {
            return self.create_file(root.clone(), key, bytes).await;
        }
        let mut pauses = CONFLICTS.into_iter();
        loop {
            let options = PutOptions {
                mode: PutMode::Create,
                ..PutOptions::default()
            };
            let error = match self
                .objects
                .put_opts(&key.path(), bytes.clone(), options)
                .await
            {
                Ok(_) => return Ok(Created::Written),
                Err(error) => error,
            };
            if bucket::is_conflict(&error) {
                // Another request for the object was in progress; the server neither wrote nor refused.
                let Some(pause) = pauses.next() else {
                    let source = object_store::Error::Generic {
                        store: "S3",
                        source: error.into(),
                    };
                    return Err(self.failed("create", key, source));
                };
                sleep(pause).await;
                continue;
            }
            return match error {
                object_store::Error::AlreadyExists { .. }
                | object_store::Error::Precondition { .. } => Ok(Created::Exists),
                source => Err(self.failed("create", key, source)),
            };
        }
    }

    /// Creates a file in a thread for blocking calls.
    async fn create_file(
        &self,
        root: PathBuf,
        key: ObjectKey,
        bytes: PutPayload,
    ) -> Result<Created, RegistryError> {
        let path = root.join(key.to_string());
        let create = move || shared::create(&root, &path, &bytes);
        let created = tokio::task::spawn_blocking(create)
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)));
        created.map_err(|error| self.failed_on_disk("create", key, error))
    }

    fn failed_on_disk(
        &self,
        operation: &'static str,
        key: ObjectKey,
        error: io::Error,
    ) -> RegistryError {
        let source = match error.kind() {
            io::ErrorKind::PermissionDenied => object_store::Error::PermissionDenied {
                path: key.to_string(),
                source: error.into(),
            },
            _ => object_store::Error::Generic {
                store: "LocalFileSystem",
                source: error.into(),
            },
        };
        self.failed(operation, key, source)
    }

    /// Makes the folder of an object before the disk store writes it.
    fn prepare(&self, operation: &'static str, key: ObjectKey) -> Result<(), RegistryError> {
        let (Some(root), Some(path)) = (&self.folder, self.path_on_disk(key)) else {
            return Ok(());
        };
        let made = shared::make_folders(root, path.parent().unwrap_or(root));
        made.map_err(|error| self.failed_on_disk(operation, key, error))
    }

    /// Gives an object written by the disk store the permissions of the store's folder.
    pub(super) fn set_permissions(&self, key: ObjectKey) -> Result<(), RegistryError> {
        let (Some(root), Some(path)) = (&self.folder, self.path_on_disk(key)) else {
            return Ok(());
        };
        shared::copy_permissions(root, &path)
            .map_err(|error| self.failed_on_disk("write", key, error))
    }

    /// Deletes a test object or an unneeded blob; nothing else is ever deleted.
    pub(crate) async fn delete(&self, key: ObjectKey) -> Result<(), RegistryError> {
        match self.objects.delete(&key.path()).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(self.failed("delete", key, source)),
        }
    }

    /// Returns the time by the store's clock.
    pub(crate) async fn clock(&self) -> Result<Timestamp, RegistryError> {
        let key = ObjectKey::Probe(Uuid::now_v7());
        self.create(key, "what time is it?").await?;
        let there = self.stat(key).await;
        // Without permission to delete, it stays.
        let _ = self.delete(key).await;
        there?
            .map(|there| there.modified)
            .ok_or_else(|| RegistryError::damaged(key, "it is missing"))
    }

    /// Lists the paths under a folder, in order.
    pub(crate) async fn list(&self, folder: &'static str) -> Result<Vec<String>, RegistryError> {
        Ok(self
            .list_lengths(folder)
            .await?
            .into_iter()
            .map(|(path, _)| path)
            .collect())
    }

    /// Lists the paths under a folder with the bytes of the objects, in order.
    pub(crate) async fn list_lengths(
        &self,
        folder: &'static str,
    ) -> Result<Vec<(String, u64)>, RegistryError> {
        Ok(self
            .list_objects(folder)
            .await?
            .into_iter()
            .map(|object| (object.path, object.bytes))
            .collect())
    }

    /// Lists the objects under a folder, in order of path.
    pub(crate) async fn list_objects(
        &self,
        folder: &'static str,
    ) -> Result<Vec<StoredObject>, RegistryError> {
        let listed = self.list_found(folder, None, Until::End).await?;
        let mut objects: Vec<_> = listed.into_iter().map(StoredObject::of).collect();
        objects.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(objects)
    }

    /// Lists the paths under a folder that come after a key, in order.
    pub(crate) async fn list_after(
        &self,
        folder: &'static str,
        key: ObjectKey,
    ) -> Result<Vec<String>, RegistryError> {
        let listed = self.list_found(folder, Some(key), Until::End).await?;
        let mut paths: Vec<_> = listed
            .into_iter()
            .map(|object| object.location.to_string())
            .collect();
        paths.sort();
        Ok(paths)
    }

    /// Lists a folder in any order: all objects, or those after a key.
    async fn list_found(
        &self,
        folder: &'static str,
        after: Option<ObjectKey>,
        until: Until,
    ) -> Result<Vec<ObjectMeta>, RegistryError> {
        let after = after.map(ObjectKey::path);
        if let Some(MultipartBucket { pages, .. }) = &self.parts {
            return pages
                .list(folder, after.as_ref(), until)
                .await
                .map_err(|why| self.list_failed(folder, why));
        }
        let mut listed = match &after {
            Some(after) => self.objects.list_with_offset(Some(&folder.into()), after),
            None => self.objects.list(Some(&folder.into())),
        };
        let listed: Result<Vec<_>, _> = match until {
            Until::End => listed.try_collect().await,
            Until::Any => listed
                .try_next()
                .await
                .map(|first| first.into_iter().collect()),
        };
        listed.map_err(|source| self.failed("list", folder, source))
    }

    fn list_failed(&self, folder: &str, why: ListError) -> RegistryError {
        match why {
            ListError::Failed(source) => self.failed("list", folder, source),
            ListError::Endless(what) => {
                let location = self.location.to_string();
                let folder = folder.to_owned();
                RegistryError::EndlessList {
                    location,
                    folder,
                    what,
                }
            }
        }
    }

    /// Returns the log as it was read last.
    pub(super) fn cached_log(&self) -> Option<Log> {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn cache_log(&self, log: &Log) {
        *self.log.lock().unwrap_or_else(PoisonError::into_inner) = Some(log.clone());
    }

    /// Returns the length of an object; `None` if there is none.
    pub(crate) async fn length(&self, key: ObjectKey) -> Result<Option<u64>, RegistryError> {
        Ok(self.stat(key).await?.map(|object| object.bytes))
    }

    /// Returns length and time of an object; `None` if there is none.
    pub(crate) async fn stat(&self, key: ObjectKey) -> Result<Option<StoredObject>, RegistryError> {
        self.require_regular(key)?;
        match self.objects.head(&key.path()).await {
            Ok(object) => Ok(Some(StoredObject::of(object))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(self.failed("inspect", key, source)),
        }
    }

    /// Reads a part of an object, which must exist.
    pub(crate) async fn get_part(
        &self,
        key: ObjectKey,
        range: Range<u64>,
    ) -> Result<Bytes, RegistryError> {
        self.require_regular(key)?;
        let source = match self.objects.get_range(&key.path(), range.clone()).await {
            Ok(bytes) => return Ok(bytes),
            Err(object_store::Error::NotFound { .. }) => {
                return Err(RegistryError::damaged(key, "it is missing"));
            }
            Err(source) => source,
        };
        match self.length(key).await {
            Ok(Some(length)) if length < range.end => Err(RegistryError::damaged(
                key,
                format!(
                    "it has {length} bytes, and at least {} are missing",
                    range.end - length
                ),
            )),
            _ => Err(self.failed("read", key, source)),
        }
    }

    /// Begins to write an object in consecutive parts. It becomes visible once it is complete.
    pub(super) async fn begin(
        &self,
        key: ObjectKey,
    ) -> Result<Box<dyn MultipartUpload>, RegistryError> {
        self.prepare("write", key)?;
        self.objects
            .put_multipart(&key.path())
            .await
            .map_err(|source| self.failed("write", key, source))
    }

    /// Returns the store for uploads in parts over several runs, with the path of a key; `None` if it has none.
    pub(super) fn parts(
        &self,
        key: ObjectKey,
    ) -> Option<(Arc<dyn MultipartStore>, object_store::path::Path)> {
        let MultipartBucket { bucket, prefix, .. } = self.parts.as_ref()?;
        Some((
            Arc::clone(bucket),
            prefix.parts().chain(key.path().parts()).collect(),
        ))
    }

    /// Returns whether the store is a folder on this machine, or memory.
    pub fn is_near(&self) -> bool {
        self.parts.is_none()
    }

    /// Returns the file of an object, if the store is a folder.
    pub(super) fn path_on_disk(&self, key: ObjectKey) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(key.to_string()))
    }

    /// Returns the folder of the objects, if the store is one.
    pub(super) fn folder_on_disk(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Returns the key under which test results of this store are kept.
    pub(super) fn identity(&self) -> &str {
        self.server.as_deref().unwrap_or(&self.location)
    }

    pub(super) fn transfers(&self) -> &Transfers {
        &self.transfers
    }

    /// Returns the store for a writer that has just read the log: blobs that may be collected are written again.
    pub(crate) fn relying(&self, state: &Arc<RegistryState>, stamp: &Stamp) -> Self {
        Self {
            reliance: Reliance::of(Arc::clone(state), stamp.time),
            ..self.clone()
        }
    }

    /// Returns which existing blobs need not be written again.
    pub(crate) fn reliance(&self) -> &Reliance {
        &self.reliance
    }

    /// Returns the signer of new entries.
    pub(super) fn signer(&self) -> Option<&Signer> {
        self.signing.signer.as_ref()
    }

    /// Returns the trusted keys.
    pub(super) fn trust(&self) -> &Trust {
        &self.signing.trust
    }

    /// Fails if entries by this actor would be refused when they are read. Checked before long uploads; each entry is checked
    /// again.
    pub(super) fn require_key(&self, stamp: &Stamp) -> Result<(), RegistryError> {
        let key = self.signer().map(Signer::public);
        let next = self
            .cached_log()
            .map_or(1, |log| log.entries().len() as u64 + 1);
        self.trust()
            .next(next, &stamp.actor, key)
            .map_err(|what| RegistryError::Unsigned { what })
    }

    /// Writes bytes under their digest, unless they are already there.
    pub(crate) async fn put_blob(&self, bytes: Bytes) -> Result<Digest, RegistryError> {
        let digest = Digest::of(&bytes);
        self.require_short(
            ObjectKey::Blob(digest),
            "a scorecard, predictions or a gate report",
            bytes.len() as u64,
        )?;
        if self.create(ObjectKey::Blob(digest), bytes.clone()).await? == Created::Exists
            && !self.stays(digest).await?
        {
            self.write_again(digest, bytes).await?;
        }
        Ok(digest)
    }

    /// Checks an existing blob, and returns whether it stays at least as long as its writer needs.
    async fn stays(&self, digest: Digest) -> Result<bool, RegistryError> {
        let there = self.stat(ObjectKey::Blob(digest)).await?;
        if there.is_some() {
            self.get_blob(digest).await?;
        }
        Ok(there.is_some_and(|there| {
            self.reliance.is_needed(digest) || self.reliance.is_fresh(there.modified)
        }))
    }

    async fn write_again(&self, digest: Digest, bytes: Bytes) -> Result<(), RegistryError> {
        let key = ObjectKey::Blob(digest);
        self.prepare("write", key)?;
        match self.objects.put(&key.path(), bytes.into()).await {
            Ok(_) => self.set_permissions(key),
            // Some writers may create blobs but not overwrite them; they check again after their entry is written.
            Err(object_store::Error::PermissionDenied { .. }) => Ok(()),
            Err(source) => Err(self.failed("write", key, source)),
        }
    }

    /// Reads the bytes with this digest.
    pub(crate) async fn get_blob(&self, digest: Digest) -> Result<Bytes, RegistryError> {
        let key = ObjectKey::Blob(digest);
        let bytes = self
            .get(key)
            .await?
            .ok_or_else(|| RegistryError::damaged(key, "it is missing"))?;
        match Digest::of(&bytes) {
            found if found == digest => Ok(bytes),
            found => Err(RegistryError::other_digest(key, found)),
        }
    }

    /// Makes sure that this program can read the format of the store; reads the marker once.
    pub(crate) async fn check_format(&self) -> Result<(), RegistryError> {
        if self.readable.get().is_none()
            && let Some(format) = marker::check(self).await?
        {
            self.readable.get_or_init(|| format);
        }
        Ok(())
    }

    /// Describes the objects in a store without a log that belong to one; `None` if there are none.
    pub(super) async fn orphans_without_log(&self) -> Result<Option<String>, RegistryError> {
        if self.stat(ObjectKey::Marker).await?.is_some() {
            return Ok(Some(format!("`{}` exists", ObjectKey::Marker)));
        }
        for folder in [BLOBS, SNAPSHOTS] {
            if !self.list_found(folder, None, Until::Any).await?.is_empty() {
                return Ok(Some(format!("there are objects in `{folder}/`")));
            }
        }
        Ok(None)
    }

    /// Refuses another registry than the expected one.
    pub(super) fn require_expected(&self, found: Option<RegistryId>) -> Result<(), RegistryError> {
        match self.expected {
            Some(expected) if found != Some(expected) => Err(RegistryError::OtherRegistry {
                location: self.location.to_string(),
                expected,
                found,
            }),
            Some(_) | None => Ok(()),
        }
    }

    /// Makes sure that the store is safe for a registry, and creates the log if there is none; the test runs once.
    ///
    /// A store that passed before, according to its marker or to this project, gets the short test only: some servers take a
    /// second for each contested write.
    ///
    /// # Errors
    /// [`RegistryError::Unsafe`] if two writers could both believe that they created the same object.
    pub async fn prove(&self) -> Result<(), RegistryError> {
        if self.writable.get().is_some() {
            return Ok(());
        }
        verdict::recall_refusal(self)?;
        let log = Log::read(self).await?;
        let is_proven = match self.readable.get() {
            None => false,
            // The test of format 1 was a weaker one.
            Some(1) => false,
            Some(_) => true,
        };
        let is_proven = is_proven || verdict::was_proven(self);
        if is_proven {
            probe::run_short(self).await?
        } else {
            _ = probe::run(self).await?
        }
        if log.id().is_none() {
            genesis::write(self).await?;
            self.announce_new_registry().await?;
        }
        marker::write(self, if log.has_genesis() { marker::FORMAT } else { 1 }).await?;
        self.writable.get_or_init(|| ());
        Ok(())
    }

    /// Reports a new registry, because the user may have expected an existing one.
    async fn announce_new_registry(&self) -> Result<(), RegistryError> {
        if self.is_own && self.folder.is_none() {
            return Ok(());
        }
        if let Some(Ok(genesis)) = genesis::read(self).await? {
            self.transfers.reporter.note(format!(
                "created a new registry in {}; set `[registry] id = \"{}\"` to require it",
                self.location, genesis.id
            ));
        }
        Ok(())
    }

    /// Runs the test of [`Self::prove`] again, and leaves nothing behind. Its result replaces earlier ones.
    ///
    /// # Errors
    /// As there.
    pub async fn examine(&self) -> Result<Proof, RegistryError> {
        self.check_format().await?;
        verdict::forget(self);
        probe::run(self).await
    }

    /// Returns the error for a store that contradicts itself, which may be transient.
    pub(super) fn contradicted(
        &self,
        operation: &'static str,
        key: ObjectKey,
        what: &'static str,
    ) -> RegistryError {
        self.failed(
            operation,
            key,
            object_store::Error::Generic {
                store: "registry",
                source: what.into(),
            },
        )
    }

    pub(super) fn failed(
        &self,
        operation: &'static str,
        key: impl ToString,
        source: object_store::Error,
    ) -> RegistryError {
        let key = key.to_string();
        let location = self.location.to_string();
        RegistryError::Store {
            operation,
            key,
            location,
            source: Box::new(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::blocking::wait;

    #[test]
    fn addresses_are_understood_or_refused() {
        let root = tempfile::tempdir().unwrap();
        let open = |url: &str| Store::open(url, root.path());
        let folder = root.path().join("a b#1%41~é");
        for url in ["a b#1%41~é", "./x/../a b#1%41~é", folder.to_str().unwrap()] {
            assert_eq!(
                open(url).unwrap().location(),
                folder.to_str().unwrap(),
                "{url}"
            );
        }
        assert_eq!(open("file:///srv/a%20b").unwrap().location(), "/srv/a b");
        assert_eq!(open("memory://").unwrap().location(), "memory://");
        assert_eq!(open("s3://bucket/x/").unwrap().location(), "s3://bucket/x");
        assert!(matches!(
            open("file://relative"),
            Err(RegistryError::Address { .. })
        ));
        assert!(matches!(open(""), Err(RegistryError::Address { .. })));
    }

    #[test]
    fn opening_and_reading_leave_no_trace() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open("registry/store", root.path()).unwrap();
        assert_eq!(wait(store.get(ObjectKey::Log(1))).unwrap(), None);
        assert_eq!(wait(store.list("log")).unwrap(), Vec::<String>::new());
        assert_eq!(root.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn odd_folders_hold_objects() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open("a b#1%41~é/[x]", root.path()).unwrap();
        let digest = wait(store.put_blob(Bytes::from_static(b"abc"))).unwrap();
        assert_eq!(wait(store.get_blob(digest)).unwrap(), "abc");
        assert_eq!(
            wait(store.list("blobs")).unwrap(),
            [ObjectKey::Blob(digest).to_string()]
        );
        assert!(
            root.path()
                .join("a b#1%41~é/[x]/blobs/sha256")
                .join(digest.to_string())
                .is_file()
        );
    }

    #[test]
    fn a_blob_is_written_once_and_checked_again() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(".", root.path()).unwrap();
        let bytes = Bytes::from_static(b"weights");
        let digest = wait(store.put_blob(bytes.clone())).unwrap();
        assert_eq!(wait(store.put_blob(bytes.clone())).unwrap(), digest);
        std::fs::write(
            root.path().join(ObjectKey::Blob(digest).to_string()),
            b"weighty",
        )
        .unwrap();
        assert!(matches!(
            wait(store.put_blob(bytes)),
            Err(RegistryError::Integrity { .. })
        ));
        assert!(matches!(
            wait(store.get_blob(digest)),
            Err(RegistryError::Integrity { .. })
        ));
    }

    #[test]
    fn what_a_killed_writer_leaves_is_never_seen() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(".", root.path()).unwrap();
        std::fs::create_dir(root.path().join("log")).unwrap();
        // The disk store stages under this name and links the finished file to its key.
        std::fs::write(
            root.path().join(format!("{}#1", ObjectKey::Log(1))),
            b"{\"half",
        )
        .unwrap();
        assert_eq!(wait(store.list("log")).unwrap(), Vec::<String>::new());
        assert_eq!(wait(store.get(ObjectKey::Log(1))).unwrap(), None);
        assert_eq!(
            wait(store.create(ObjectKey::Log(1), "whole")).unwrap(),
            Created::Written
        );
        assert_eq!(
            wait(store.create(ObjectKey::Log(1), "other")).unwrap(),
            Created::Exists
        );
        assert_eq!(
            wait(store.get(ObjectKey::Log(1))).unwrap().unwrap(),
            "whole"
        );
    }
}
