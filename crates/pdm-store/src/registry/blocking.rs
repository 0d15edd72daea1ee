//! The registry for callers without an async runtime: the same methods, but blocking.

use std::path::Path;
use std::pin::pin;
use std::sync::OnceLock;
use std::time::Duration;

use futures_util::future::{Either, select};
use jiff::Timestamp;
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

use super::address::OpenOptions;
use super::copy::Copied;
use super::entry::Stamp;
use super::error::RegistryError;
use super::identity::RegistryId;
use super::manifest::ModelVersion;
use super::name::{Alias, ModelName};
use super::noted::NotedHead;
use super::probe::Proof;
use super::promote::{Moved, Promotion};
use super::read::{HistoryRow, ModelSummary, VersionDetail};
use super::reference::ModelRef;
use super::registry::{NewVersion, Registered};
use super::remark::RecordedRemark;
use super::state::{ClockSetBack, RegistryState};
use super::store::Store;
use super::verify::VerifyReport;
use pdm_core::content::Digest;
use pdm_core::domain::Predictions;
use pdm_core::events::{Interrupted, Reporter};
use pdm_core::gates::{GateOptions, GateReport};
use pdm_core::scoring::Scorecard;

/// How often a stop request is polled.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// How long work may take to end on its own after a stop request.
const STOP_GRACE: Duration = Duration::from_millis(300);

/// The blocking registry over a store. Must not be called from async code.
#[derive(Debug)]
pub struct Registry {
    pub(super) inner: super::Registry,
    runtime: &'static Runtime,
}

/// Returns the one runtime of this program's registries. A bucket's connections live in the runtime they were opened in, so
/// registries over the same store must share one; its single thread drives the network while callers hash and write.
fn runtime() -> Result<&'static Runtime, RegistryError> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let threads = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("registry")
        .enable_all()
        .build();
    let made = threads.map_err(RegistryError::Runtime)?;
    Ok(RUNTIME.get_or_init(|| made))
}

impl Registry {
    /// Returns the registry over a store; nothing is read or written yet.
    ///
    /// # Errors
    /// [`RegistryError::Runtime`] if the system lacks the resources.
    pub fn new(store: Store) -> Result<Self, RegistryError> {
        Ok(Self {
            inner: super::Registry::new(store),
            runtime: runtime()?,
        })
    }

    /// Returns the registry at an address; see [`Store::open`].
    ///
    /// # Errors
    /// As [`Store::open`] and [`Self::new`].
    pub fn open<'a>(url: &str, options: impl Into<OpenOptions<'a>>) -> Result<Self, RegistryError> {
        Self::new(Store::open(url, options)?)
    }

    /// Returns the store.
    pub fn store(&self) -> &Store {
        self.inner.store()
    }

    /// Tests whether the store is safe for a registry; see [`Store::examine`].
    ///
    /// # Errors
    /// As there.
    pub fn examine(&self) -> Result<Proof, RegistryError> {
        self.wait(self.store().examine())
    }

    /// Registers a version; see [`super::Registry::register`].
    ///
    /// # Errors
    /// As there.
    pub fn register(&self, new: &NewVersion, stamp: &Stamp) -> Result<Registered, RegistryError> {
        self.wait(self.inner.register(new, stamp))
    }

    /// Copies a version into another registry; see [`super::Registry::copy`].
    ///
    /// # Errors
    /// As there.
    pub fn copy(
        &self,
        reference: &ModelRef,
        to: &Self,
        stamp: &Stamp,
    ) -> Result<Copied, RegistryError> {
        self.wait(self.inner.copy(reference, &to.inner, stamp))
    }

    /// Judges a registered version against the version an alias points to; see [`super::Registry::judge_version`].
    ///
    /// # Errors
    /// As there.
    pub fn judge_version(
        &self,
        gates: &[GateOptions],
        reference: &ModelRef,
        alias: &Alias,
    ) -> Result<GateReport, RegistryError> {
        self.wait(self.inner.judge_version(gates, reference, alias))
    }

    /// Points an alias to a version; see [`super::Registry::promote`].
    ///
    /// # Errors
    /// As there.
    pub fn promote(&self, promotion: &Promotion, stamp: &Stamp) -> Result<Moved, RegistryError> {
        self.wait(self.inner.promote(promotion, stamp))
    }

    /// Adds a note about a version; see [`super::Registry::annotate`].
    ///
    /// # Errors
    /// As there.
    pub fn annotate(
        &self,
        reference: &ModelRef,
        text: &str,
        stamp: &Stamp,
    ) -> Result<RecordedRemark, RegistryError> {
        self.wait(self.inner.annotate(reference, text, stamp))
    }

    /// Approves a version for an alias; see [`super::Registry::approve`].
    ///
    /// # Errors
    /// As there.
    pub fn approve(
        &self,
        reference: &ModelRef,
        alias: &Alias,
        text: &str,
        stamp: &Stamp,
    ) -> Result<RecordedRemark, RegistryError> {
        self.wait(self.inner.approve(reference, alias, text, stamp))
    }

    /// Takes a version out of use; see [`super::Registry::retire`].
    ///
    /// # Errors
    /// As there.
    pub fn retire(
        &self,
        reference: &ModelRef,
        text: &str,
        stamp: &Stamp,
    ) -> Result<RecordedRemark, RegistryError> {
        self.wait(self.inner.retire(reference, text, stamp))
    }

    /// Points an alias back to the version before; see [`super::Registry::roll_back`].
    ///
    /// # Errors
    /// As there.
    pub fn roll_back(
        &self,
        model: &ModelName,
        alias: &Alias,
        reason: &str,
        stamp: &Stamp,
    ) -> Result<Moved, RegistryError> {
        self.wait(self.inner.roll_back(model, alias, reason, stamp))
    }

    /// Returns versions and aliases, now or at a time; see [`super::Registry::state`].
    ///
    /// # Errors
    /// As there.
    pub fn state(&self, at: Option<Timestamp>) -> Result<RegistryState, RegistryError> {
        self.wait(self.inner.state(at))
    }

    /// Lists models and versions, now or at a time; see [`super::Registry::list`].
    ///
    /// # Errors
    /// As there.
    pub fn list(&self, at: Option<Timestamp>) -> Result<Vec<ModelSummary>, RegistryError> {
        self.wait(self.inner.list(at))
    }

    /// Returns the version a reference points to; see [`super::Registry::resolve`].
    ///
    /// # Errors
    /// As there.
    pub fn resolve(
        &self,
        reference: &ModelRef,
        at: Option<Timestamp>,
    ) -> Result<ModelVersion, RegistryError> {
        self.wait(self.inner.resolve(reference, at))
    }

    /// Shows one version with its scores and history; see [`super::Registry::show`].
    ///
    /// # Errors
    /// As there.
    pub fn show(&self, reference: &ModelRef) -> Result<VersionDetail, RegistryError> {
        self.wait(self.inner.show(reference))
    }

    /// Returns what happened to a model; see [`super::Registry::history`].
    ///
    /// # Errors
    /// As there.
    pub fn history(
        &self,
        model: &ModelName,
        alias: Option<&Alias>,
        at: Option<Timestamp>,
    ) -> Result<Vec<HistoryRow>, RegistryError> {
        self.wait(self.inner.history(model, alias, at))
    }

    /// Returns the entries whose clock was behind; see [`super::Registry::clocks_set_back`].
    ///
    /// # Errors
    /// As there.
    pub fn clocks_set_back(&self) -> Result<Vec<ClockSetBack>, RegistryError> {
        self.wait(self.inner.clocks_set_back())
    }

    /// Returns the scorecard and the predictions of a version; see [`super::Registry::evidence`].
    ///
    /// # Errors
    /// As there.
    pub fn evidence(
        &self,
        version: &ModelVersion,
    ) -> Result<(Scorecard, Predictions), RegistryError> {
        self.wait(self.inner.evidence(version))
    }

    /// Returns a gate report kept under its digest; see [`super::Registry::report`].
    ///
    /// # Errors
    /// As there.
    pub fn report(&self, digest: Digest) -> Result<GateReport, RegistryError> {
        self.wait(self.inner.report(digest))
    }

    /// Writes the files of a version into a folder; see [`super::Registry::fetch_bundle`].
    ///
    /// # Errors
    /// As there.
    pub fn fetch_bundle(&self, version: &ModelVersion, into: &Path) -> Result<(), RegistryError> {
        self.wait(self.inner.fetch_bundle(version, into))
    }

    /// Walks the whole log and all blobs; see [`super::Registry::verify`].
    ///
    /// # Errors
    /// As there.
    pub fn verify(&self) -> Result<VerifyReport, RegistryError> {
        self.wait(self.inner.verify())
    }

    /// As [`Self::verify`], with a head that was noted earlier; see [`super::Registry::verify_head`].
    ///
    /// # Errors
    /// As there.
    pub fn verify_head(&self, noted: NotedHead) -> Result<VerifyReport, RegistryError> {
        self.wait(self.inner.verify_head(noted))
    }

    /// Returns which registry this is; see [`super::Registry::id`].
    ///
    /// # Errors
    /// As there.
    pub fn id(&self) -> Result<Option<RegistryId>, RegistryError> {
        self.wait(self.inner.id())
    }

    /// Verifies every object a version needs; see [`super::Registry::check`].
    ///
    /// # Errors
    /// As there.
    pub fn check(&self, version: &ModelVersion) -> Result<(), RegistryError> {
        self.wait(self.inner.check(version))
    }

    /// Verifies what a version needs apart from its bundle; see [`super::Registry::check_evidence`].
    ///
    /// # Errors
    /// As there.
    pub fn check_evidence(&self, version: &ModelVersion) -> Result<(), RegistryError> {
        self.wait(self.inner.check_evidence(version))
    }

    /// Waits for an answer until the user asks to stop, so that a store that hangs does not block the interrupt.
    pub(super) fn wait<T>(
        &self,
        answer: impl Future<Output = Result<T, RegistryError>>,
    ) -> Result<T, RegistryError> {
        let stopped = stopped(&self.store().transfers().reporter);
        self.runtime.block_on(async {
            match select(pin!(answer), pin!(stopped)).await {
                Either::Left((answer, _)) => answer,
                Either::Right((interrupted, _)) => Err(interrupted.into()),
            }
        })
    }
}

/// Waits for a stop request and then a moment longer, so that work can end on its own.
async fn stopped(reporter: &Reporter) -> Interrupted {
    loop {
        sleep(POLL_INTERVAL).await;
        if let Err(interrupted) = reporter.check() {
            sleep(STOP_GRACE).await;
            return interrupted;
        }
    }
}

/// Waits for an answer in a test.
#[cfg(test)]
pub(crate) fn wait<F: Future>(answer: F) -> F::Output {
    runtime().unwrap().block_on(answer)
}
