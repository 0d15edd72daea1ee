//! The registry: registers, verifies and fetches versions.

use std::future::ready;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::address::OpenOptions;
use super::entry::{LogAction, Stamp};
use super::error::RegistryError;
use super::identity::RegistryId;
use super::log::{AppendDecision, Log};
use super::manifest::{FileEntry, ModelVersion, NewFile, VersionOrigin};
use super::name::ModelName;
use super::noted::NotedHead;
use super::state::{RegistryState, until};
use super::store::Store;
use super::verify::{self, VerifyReport};
use super::{blobs, encode, fetch};
use pdm_core::content::Digest;
use pdm_core::domain::Predictions;
use pdm_core::gates::GateReport;
use pdm_core::scoring::Scorecard;

/// Blobs written at the same time.
const WRITERS: usize = 8;

/// The registry over a store.
///
/// Only immutable entries are cached: each call reads the entries written since the last one, so many processes may share a
/// store.
#[derive(Debug, Clone)]
pub struct Registry {
    store: Store,
}

/// A version to be registered.
#[derive(Debug, Clone)]
pub struct NewVersion {
    /// Name of the model.
    pub model: ModelName,
    /// Digest of the bundle.
    pub bundle: Digest,
    /// Files of the bundle.
    pub files: Vec<NewFile>,
    /// Its scorecard.
    pub scorecard: Scorecard,
    /// The predictions the scorecard was computed from.
    pub predictions: Predictions,
    /// The gate report, if it was judged.
    pub report: Option<GateReport>,
    /// Where it comes from.
    pub origin: VersionOrigin,
}

/// A registered version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Registered {
    /// The version.
    pub version: ModelVersion,
    /// Whether it is new.
    pub is_new: bool,
}

impl Registry {
    /// Returns the registry over a store; nothing is read or written yet.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Returns the registry at an address; see [`Store::open`].
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open<'a>(url: &str, options: impl Into<OpenOptions<'a>>) -> Result<Self, RegistryError> {
        Store::open(url, options).map(Self::new)
    }

    /// Returns the store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Registers a version. The same bundle with the same scorecard under the same name is the same version.
    ///
    /// Blobs are written before the entry that names them: a writer killed in between leaves blobs that nothing
    /// names, and registering again completes the work.
    ///
    /// # Errors
    /// Two files with one path, predictions other than those that were scored, and errors of the store.
    pub async fn register(
        &self,
        new: &NewVersion,
        stamp: &Stamp,
    ) -> Result<Registered, RegistryError> {
        let (scorecard, predictions) = new.evidence()?;
        let files = new.file_entries()?;
        let report = new.report.as_ref().map(encode::report).transpose()?;
        let version = new.version(files, [&scorecard, &predictions], report.as_ref());
        let state = Arc::new(self.state(None).await?);
        if let Some(known) = state.same(&version.model, version.bundle, version.scorecard) {
            return Ok(Registered {
                version: known.clone(),
                is_new: false,
            });
        }
        self.store.require_key(stamp)?;
        self.store.prove().await?;
        let blobs: Vec<_> = [scorecard, predictions].into_iter().chain(report).collect();
        Self::new(self.store.relying(&state, stamp))
            .deliver(blobs.clone(), &new.files)
            .await?;
        let (version, is_new) = self.enter(version, stamp).await?;
        // Existing blobs may have been collected meanwhile.
        if !self.store.absent(version.blobs()).await?.is_empty() {
            self.deliver(blobs, &new.files).await?;
        }
        Ok(Registered { version, is_new })
    }

    async fn deliver(&self, blobs: Vec<Bytes>, files: &[NewFile]) -> Result<(), RegistryError> {
        self.put_blobs(blobs).await?;
        self.upload(files).await
    }

    /// Appends a version with its model's next number, unless it is there already; returns whether it was appended.
    pub(super) async fn enter(
        &self,
        version: ModelVersion,
        stamp: &Stamp,
    ) -> Result<(ModelVersion, bool), RegistryError> {
        let decide = |state: Arc<RegistryState>| {
            ready(Ok(
                match state.same(&version.model, version.bundle, version.scorecard) {
                    Some(known) => AppendDecision::Leave((known.clone(), false)),
                    None => {
                        let number = state.next_version(&version.model);
                        let mut numbered = ModelVersion {
                            version: number,
                            ..version.clone()
                        };
                        if let Some(signer) = self.store.signer() {
                            signer.sign_version(&mut numbered);
                        }
                        AppendDecision::Append(
                            LogAction::Register(Box::new(numbered.clone())),
                            (numbered, true),
                        )
                    }
                },
            ))
        };
        Ok(Log::append(&self.store, stamp, decide).await?.0)
    }

    /// Returns versions and aliases, now or at a time.
    ///
    /// # Errors
    /// A damaged log, and errors of the store.
    pub async fn state(&self, at: Option<Timestamp>) -> Result<RegistryState, RegistryError> {
        let log = Log::read(&self.store).await?;
        let Some(at) = at else {
            return Ok(log.state().clone());
        };
        RegistryState::fold(until(log.entries(), at))
            .map_err(|error| RegistryError::damaged("log", error.to_string()))
    }

    /// Returns the scorecard and the predictions of a version.
    ///
    /// # Errors
    /// Missing or damaged blobs, and errors of the store.
    pub async fn evidence(
        &self,
        version: &ModelVersion,
    ) -> Result<(Scorecard, Predictions), RegistryError> {
        let scorecard = self
            .explained(
                version,
                self.read_json("a scorecard", version.scorecard).await,
            )
            .await?;
        let predictions = self.read_json("predictions", version.predictions).await;
        Ok((scorecard, self.explained(version, predictions).await?))
    }

    /// Returns the gate report with this digest.
    ///
    /// # Errors
    /// A missing or damaged blob, and errors of the store.
    pub async fn report(&self, digest: Digest) -> Result<GateReport, RegistryError> {
        self.read_json("a gate report", digest).await
    }

    /// Writes the files of a version into a folder; existing files with the right bytes are kept, those of other versions of
    /// the model are replaced.
    ///
    /// Bytes are verified before they get their final name, and nothing is ever written outside the folder.
    ///
    /// # Errors
    /// Missing or damaged blobs, a symbolic link or an unrelated file in the way, and errors of the store or the disk.
    pub async fn fetch_bundle(
        &self,
        version: &ModelVersion,
        into: &Path,
    ) -> Result<(), RegistryError> {
        let state = self.state(None).await?;
        let versions = state.model(&version.model)?.versions();
        self.explained(
            version,
            fetch::bundle(&self.store, version, versions, into).await,
        )
        .await
    }

    /// Checks the whole log and all blobs, and reports all damage.
    ///
    /// # Errors
    /// [`RegistryError::Absent`] if there is nothing to verify, [`RegistryError::OtherRegistry`] if another registry is
    /// expected, [`RegistryError::Format`] if a newer program wrote it, and errors of the store. Damage is not an error
    /// here: the report lists it.
    pub async fn verify(&self) -> Result<VerifyReport, RegistryError> {
        verify::verify(&self.store, None).await
    }

    /// As [`Self::verify`]; a head noted earlier must still be part of the log.
    ///
    /// # Errors
    /// As there.
    pub async fn verify_head(&self, noted: NotedHead) -> Result<VerifyReport, RegistryError> {
        verify::verify(&self.store, Some(noted)).await
    }

    /// Returns the id of the registry; `None` if there is none yet.
    ///
    /// # Errors
    /// A damaged log, and errors of the store.
    pub async fn id(&self) -> Result<Option<RegistryId>, RegistryError> {
        Ok(Log::read(&self.store).await?.id())
    }

    /// Reads and verifies every object a version needs: bundle, scorecard, predictions, and its gate reports.
    ///
    /// # Errors
    /// [`RegistryError::Integrity`] for the first object that is missing or changed, [`RegistryError::Collected`] if the
    /// version's files are no longer kept.
    pub async fn check(&self, version: &ModelVersion) -> Result<(), RegistryError> {
        version.require_distinct_files()?;
        for file in &version.files {
            let verified = blobs::verify(&self.store, file.sha256, file.bytes).await;
            self.explained(version, verified).await?;
        }
        self.check_evidence(version).await
    }

    /// Reads and verifies what a version needs apart from its bundle: scorecard, predictions, and its gate reports.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub async fn check_evidence(&self, version: &ModelVersion) -> Result<(), RegistryError> {
        let history = self.history(&version.model, None, None).await?;
        let reports = history
            .iter()
            .filter(|row| row.version == version.version)
            .filter_map(|row| row.report);
        for digest in version.evidence().chain(reports) {
            self.explained(version, self.store.get_blob(digest).await)
                .await?;
        }
        Ok(())
    }

    /// Uploads the short files concurrently, then the long ones one by one, each with concurrent parts.
    async fn upload(&self, files: &[NewFile]) -> Result<(), RegistryError> {
        let (short, long): (Vec<_>, Vec<_>) =
            files.iter().partition(|file| file.bytes() <= blobs::PART);
        let uploads: Vec<_> = short
            .into_iter()
            .map(|file| blobs::upload(&self.store, file))
            .collect();
        stream::iter(uploads)
            .buffer_unordered(WRITERS)
            .try_for_each(|()| async { Ok(()) })
            .await?;
        for file in long {
            blobs::upload(&self.store, file).await?;
        }
        Ok(())
    }

    async fn put_blobs(&self, blobs: Vec<Bytes>) -> Result<(), RegistryError> {
        let writes = stream::iter(blobs).map(|bytes| self.store.put_blob(bytes));
        writes
            .buffer_unordered(WRITERS)
            .try_for_each(|_| async { Ok(()) })
            .await
    }

    async fn read_json<T: DeserializeOwned>(
        &self,
        what: &str,
        digest: Digest,
    ) -> Result<T, RegistryError> {
        encode::read(what, &self.store.get_blob(digest).await?)
    }
}

impl NewVersion {
    /// Returns the bytes of the scorecard and of the predictions.
    fn evidence(&self) -> Result<(Bytes, Bytes), RegistryError> {
        let predictions = encode::predictions(&self.predictions)?;
        if Digest::of(&predictions) != self.scorecard.predictions_digest {
            return Err(RegistryError::OtherPredictions {
                model: self.model.clone(),
            });
        }
        Ok((encode::scorecard(&self.scorecard)?, predictions))
    }

    /// Returns the version to register; it gets its number when it is appended to the log.
    fn version(
        &self,
        files: Vec<FileEntry>,
        [scorecard, predictions]: [&Bytes; 2],
        report: Option<&Bytes>,
    ) -> ModelVersion {
        ModelVersion {
            model: self.model.clone(),
            version: 0,
            bundle: self.bundle,
            files,
            scorecard: Digest::of(scorecard),
            predictions: Digest::of(predictions),
            report: report.map(Digest::of),
            origin: self.origin.clone(),
            copied: None,
            signatures: Vec::new(),
        }
    }

    fn file_entries(&self) -> Result<Vec<FileEntry>, RegistryError> {
        let mut entries: Vec<_> = self.files.iter().map(|file| file.entry().clone()).collect();
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        match entries.windows(2).find(|pair| pair[0].path == pair[1].path) {
            Some(pair) => Err(RegistryError::SameFile {
                path: pair[0].path.to_string(),
            }),
            None => Ok(entries),
        }
    }
}
