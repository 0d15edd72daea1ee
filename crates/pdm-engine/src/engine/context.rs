use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{EngineError, policy};
use crate::config::{Origins, PipelineSpec};
use pdm_core::content::atomic_write;
use pdm_core::events::Reporter;
use pdm_store::registry::blocking::Registry;
use pdm_store::registry::{OpenOptions, RegistryError, RegistryOptions, Signer, Signing, Stamp};

/// What the outside world lends to a run.
#[derive(Clone)]
pub struct Context {
    /// The project's folder; paths in the pipeline are relative to it.
    pub root: PathBuf,
    /// Listeners, and the wish to stop.
    pub reporter: Reporter,
    /// Person or job that acts, for the registry's log.
    pub actor: String,
    /// Git commit of the project, where there is one.
    pub commit: Option<String>,
    /// What to write as the time in the registry's log instead of the clock's; for tests and simulations.
    pub now: Option<Timestamp>,
    /// Looks an environment variable up.
    pub variable: fn(&str) -> Option<String>,
    /// How long to wait for another command that changes the project; none waits as long as it takes.
    pub wait: Option<Duration>,
    /// Whether what changes the meaning of a job ends it.
    pub strict: bool,
}

/// A pipeline, resolved and ready.
#[derive(Debug, Clone)]
pub struct Job {
    /// The pipeline, all defaults filled in.
    pub spec: PipelineSpec,
    /// Where each value comes from.
    pub origins: Origins,
    /// The pipeline file as the user named it, or `(embedded)`.
    pub label: String,
    /// Text of the pipeline file, without what was set beside it.
    pub text: String,
    /// The profile that was chosen.
    pub profile: Option<String>,
    /// The pipeline file and all that it extends; none for the embedded one.
    pub files: Vec<PathBuf>,
}

impl Job {
    /// Returns where the pipeline's lock stands: beside its file, `pdm.lock` for `pdm.toml` and `pdm.ci.lock` for its
    /// profile `ci`; none for the embedded one.
    pub fn lock_path(&self) -> Option<PathBuf> {
        let file = Path::new(&self.label);
        let of_profile = |name: &String| file.with_extension(format!("{name}.lock"));
        let path = || {
            self.profile
                .as_ref()
                .map_or_else(|| file.with_extension("lock"), of_profile)
        };
        file.extension()
            .filter(|_| !self.label.starts_with('('))
            .map(|_| path())
    }
}

impl Job {
    /// Returns whether there is no pipeline file, and the embedded default serves.
    pub fn is_embedded(&self) -> bool {
        self.label.starts_with('(')
    }
}

impl Context {
    /// Returns where the project keeps what it predicted.
    pub fn prediction_journal(&self) -> PathBuf {
        self.state_folder("predictions.ndjson")
    }

    /// Returns the folder for what can be made again: cache and fetched bundles.
    pub fn state_dir(&self) -> PathBuf {
        self.root.join(".pdm-ml")
    }

    /// Returns a folder below [`Self::state_dir`], which tells git to look away.
    pub(super) fn state_folder(&self, name: &str) -> PathBuf {
        let ignore = self.state_dir().join(".gitignore");
        if !ignore.exists() {
            // On a read-only disk there is nothing to ignore.
            let _unwritten = atomic_write(&ignore, b"*\n");
        }
        self.state_dir().join(name)
    }

    /// Returns a path of the pipeline file, taken from the project's folder.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.root.join(path)
    }

    /// Returns what the address of a registry is read in: keys by the environment, whom to trust by the project's policy.
    ///
    /// # Errors
    /// A policy file or a signing key cannot be used.
    pub fn surroundings(&self) -> Result<OpenOptions<'_>, EngineError> {
        let state_dir = Some(self.state_dir().join("transfers"));
        let trust = Arc::new(policy::read(&self.root)?.trust());
        let signing = Signing {
            signer: Signer::find(&self.variable)?,
            trust,
        };
        let reporter = self.reporter.clone();
        let expected = None;
        Ok(OpenOptions {
            root: &self.root,
            variable: &self.variable,
            state_dir,
            signing,
            expected,
            reporter,
        })
    }

    /// Opens the registry of a pipeline; nothing is read or written yet.
    ///
    /// # Errors
    /// As [`Self::surroundings`], and an address that is not understood.
    pub fn registry(&self, options: &RegistryOptions) -> Result<Registry, EngineError> {
        let expected = options.expected().map_err(RegistryError::from)?;
        Ok(Registry::open(
            &options.url,
            OpenOptions {
                expected,
                ..self.surroundings()?
            },
        )?)
    }

    /// Returns who acts, now.
    pub fn stamp(&self) -> Stamp {
        Stamp {
            time: self.now.unwrap_or_else(Timestamp::now),
            actor: self.actor.clone(),
        }
    }
}
