//! Fetches results from a shared cache and uploads them to it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use object_store::{GetResult, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};

use super::error::RemoteError;
use super::keys::RemoteKey;
use super::manifest::{Piece, ResultManifest};
use super::options::CacheOptions;
use crate::cache::StageKey;
use crate::cache::{CacheEntry, Cost};
use pdm_core::content::{Digest, Hasher};
use pdm_core::domain::EnvLookup;
use pdm_core::events::{Interrupt, Interrupted};
use pdm_store::bucket::BucketAddress;

/// How long a response may take. A store that takes longer is not used again in this run.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The slowest transfer to wait for, in bytes a second.
const SLOWEST: u64 = 64 << 10;
/// How often to check whether to stop.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);
/// The largest manifest that is read.
const LARGEST_MANIFEST: u64 = 16 << 20;
/// The largest output that is uploaded, in one piece, since not every store can create an object from parts conditionally.
const LARGEST_BLOB: u64 = 512 << 20;

/// A result whose outputs were fetched.
#[derive(Debug, Clone, PartialEq)]
pub struct Fetched {
    /// The stage's summary.
    pub summary: Value,
    /// What it cost to run the stage.
    pub cost: Cost,
    /// Number of outputs.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// A store of results that machines share.
#[derive(Debug)]
pub struct RemoteCache {
    objects: Arc<dyn ObjectStore>,
    location: String,
    read_only: bool,
    interrupt: Interrupt,
    runtime: Runtime,
}

impl RemoteCache {
    /// Opens the store that the options name; none where they name none. Nothing is sent yet.
    ///
    /// # Errors
    /// The address or the environment does not say how to reach it.
    pub fn open(
        options: &CacheOptions,
        root: &Path,
        variable: EnvLookup<'_>,
        interrupt: &Interrupt,
    ) -> Result<Option<Self>, RemoteError> {
        if options.url.is_empty() {
            return Ok(None);
        }
        let address = BucketAddress::parse(&options.url)
            .map_err(|error| RemoteError::Address(error.to_string()))?;
        let objects = address
            .objects(root, variable)
            .map_err(RemoteError::Address)?;
        let location = options.url.trim_end_matches('/').to_owned();
        Self::over(objects, location, options.read_only, interrupt).map(Some)
    }

    pub(super) fn over(
        objects: Arc<dyn ObjectStore>,
        location: String,
        read_only: bool,
        interrupt: &Interrupt,
    ) -> Result<Self, RemoteError> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(RemoteError::Runtime)?;
        Ok(Self {
            objects,
            location,
            read_only,
            interrupt: interrupt.clone(),
            runtime,
        })
    }

    /// Returns the address of the store, to be shown.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Fetches the result of a key into an empty folder; none where the store does not have it.
    ///
    /// `locked` are the outputs that the result must have, where the lock has them.
    ///
    /// # Errors
    /// [`RemoteError::Refused`] where an object is not what it should be; the contents of the folder must then be deleted. Also
    /// errors of the store or the file system.
    pub fn fetch(
        &self,
        key: &StageKey,
        locked: Option<&BTreeMap<String, Digest>>,
        folder: &Path,
    ) -> Result<Option<Fetched>, RemoteError> {
        let name = RemoteKey::of(key);
        let refused = |what| RemoteError::Refused {
            key: name.to_string(),
            what,
        };
        let Some(bytes) = self.manifest(&name)? else {
            return Ok(None);
        };
        let manifest = ResultManifest::read(&bytes, key).map_err(refused)?;
        if let Some(what) = locked.and_then(|locked| manifest.differs_from(locked)) {
            return Err(refused(what));
        }
        for piece in &manifest.outputs {
            self.download(piece, folder)?;
        }
        Ok(Some(Fetched {
            files: manifest.outputs.len(),
            bytes: manifest.outputs.iter().map(|piece| piece.bytes).sum(),
            summary: manifest.summary,
            cost: manifest.cost,
        }))
    }

    /// Uploads an entry, unless the store has it or is only read; returns whether it was uploaded.
    ///
    /// # Errors
    /// Errors of the store or the file system.
    pub fn share(&self, entry: &CacheEntry) -> Result<bool, RemoteError> {
        let name = RemoteKey::of(entry.key());
        if self.read_only || self.is_there(&name)? {
            return Ok(false);
        }
        let manifest = ResultManifest::of(entry);
        if manifest
            .outputs
            .iter()
            .any(|piece| piece.bytes > LARGEST_BLOB)
        {
            return Ok(false);
        }
        for piece in &manifest.outputs {
            self.upload(piece, &entry.path(&piece.path))?;
        }
        let json = serde_json::to_vec_pretty(&manifest)
            .expect("texts, numbers and JSON values have a JSON form");
        // Last, so that a reader of the manifest finds all blobs that it names.
        self.create(&name, json.into())?;
        Ok(true)
    }

    fn manifest(&self, name: &RemoteKey) -> Result<Option<Bytes>, RemoteError> {
        let read = async {
            let found = self.objects.get(&name.path()).await?;
            if found.meta.size > LARGEST_MANIFEST {
                Ok(Bytes::new())
            } else {
                found.bytes().await
            }
        };
        self.found(self.wait("read", name, TIMEOUT, read))
    }

    fn is_there(&self, name: &RemoteKey) -> Result<bool, RemoteError> {
        let path = name.path();
        Ok(self
            .found(self.wait("look for", name, TIMEOUT, self.objects.head(&path)))?
            .is_some())
    }

    /// Streams a blob into a file, and checks its size and digest.
    fn download(&self, piece: &Piece, folder: &Path) -> Result<(), RemoteError> {
        let name = RemoteKey::Blob(piece.sha256);
        let path = folder.join(&piece.path);
        let refused = |what| RemoteError::Refused {
            key: name.to_string(),
            what,
        };
        let file_error = |source| RemoteError::File {
            path: path.clone(),
            source,
        };
        fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(file_error)?;
        let mut file = File::create_new(&path).map_err(file_error)?;
        let most = TIMEOUT + Duration::from_secs(piece.bytes / SLOWEST);
        let location = name.path();
        let found = self.found(self.wait("read", &name, TIMEOUT, self.objects.get(&location)))?;
        let found = found.ok_or_else(|| refused("is missing".to_owned()))?;
        if found.meta.size != piece.bytes {
            return Err(refused(format!(
                "has {} bytes instead of {}",
                found.meta.size, piece.bytes
            )));
        }
        let written = self.wait("read", &name, most, write(found, &mut file))?;
        let digest = written.map_err(file_error)?;
        if digest != piece.sha256 {
            return Err(refused(format!(
                "holds bytes of SHA-256 {}…",
                digest.short()
            )));
        }
        Ok(())
    }

    fn upload(&self, piece: &Piece, path: &Path) -> Result<(), RemoteError> {
        let name = RemoteKey::Blob(piece.sha256);
        if self.is_there(&name)? {
            return Ok(());
        }
        let bytes = fs::read(path).map_err(|source| RemoteError::File {
            path: path.to_owned(),
            source,
        })?;
        if Digest::of(&bytes) != piece.sha256 {
            let source = std::io::Error::other("its bytes are not those of the cache entry");
            return Err(RemoteError::File {
                path: path.to_owned(),
                source,
            });
        }
        self.create(&name, bytes.into())
    }

    /// Creates an object; one that exists is left as it is.
    fn create(&self, name: &RemoteKey, payload: PutPayload) -> Result<(), RemoteError> {
        let most = TIMEOUT + Duration::from_secs(payload.content_length() as u64 / SLOWEST);
        let options = PutOptions {
            mode: PutMode::Create,
            ..PutOptions::default()
        };
        let path = name.path();
        match self.wait(
            "create",
            name,
            most,
            self.objects.put_opts(&path, payload, options),
        ) {
            Ok(_) => Ok(()),
            Err(RemoteError::Store { source, .. })
                if matches!(
                    *source,
                    object_store::Error::AlreadyExists { .. }
                        | object_store::Error::Precondition { .. }
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn found<T>(&self, answer: Result<T, RemoteError>) -> Result<Option<T>, RemoteError> {
        match answer {
            Ok(found) => Ok(Some(found)),
            Err(RemoteError::Store { source, .. })
                if matches!(*source, object_store::Error::NotFound { .. }) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Waits for a response, at most for `most`, and only until the run is interrupted.
    fn wait<T>(
        &self,
        doing: &'static str,
        name: &RemoteKey,
        most: Duration,
        answer: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T, RemoteError> {
        let stopped = stopped(&self.interrupt);
        let answered = self.runtime.block_on(async {
            match select(pin!(timeout(most, answer)), pin!(stopped)).await {
                Either::Left((answer, _)) => Ok(answer),
                Either::Right((interrupted, _)) => Err(interrupted),
            }
        })?;
        let answer = answered.map_err(|_| RemoteError::Silent(most))?;
        answer.map_err(|source| RemoteError::Store {
            doing,
            key: name.to_string(),
            source: Box::new(source),
        })
    }
}

/// Writes a body to a file, and returns its digest; the inner error is the file's.
async fn write(found: GetResult, file: &mut File) -> object_store::Result<std::io::Result<Digest>> {
    let mut body = found.into_stream();
    let mut hasher = Hasher::new();
    while let Some(bytes) = body.next().await {
        let bytes = bytes?;
        hasher.update(&bytes);
        if let Err(error) = file.write_all(&bytes) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(hasher.digest()))
}

async fn stopped(interrupt: &Interrupt) -> Interrupted {
    loop {
        sleep(CHECK_INTERVAL).await;
        if let Err(interrupted) = interrupt.check() {
            return interrupted;
        }
    }
}
