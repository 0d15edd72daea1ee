//! What a command gives the engine: the surroundings it runs in, and the pipeline it runs.

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

/// The surroundings of a run.
#[derive(Clone)]
pub struct Context {
    /// The project's folder; paths in the pipeline are relative to it.
    pub root: PathBuf,
    /// Gets all events, and says when to stop.
    pub reporter: Reporter,
    /// The person or job that the registry's log names as the actor.
    pub actor: String,
    /// Git commit of the project, where there is one.
    pub commit: Option<String>,
    /// The time to write to the registry's log instead of the clock's; for tests and simulations.
    pub now: Option<Timestamp>,
    /// Looks an environment variable up.
    pub variable: fn(&str) -> Option<String>,
    /// How long to wait for another command that changes the project; none waits without limit.
    pub wait: Option<Duration>,
    /// Whether concerns end a job.
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
    /// Text of the pipeline file, without what was set outside it.
    pub text: String,
    /// The profile that was chosen.
    pub profile: Option<String>,
    /// The pipeline file and all files it extends; none for the embedded one.
    pub files: Vec<PathBuf>,
}

impl Job {
    /// Returns the path of the pipeline's lock, which is next to its file: `pdm.lock` for `pdm.toml` and `pdm.ci.lock` for its
    /// profile `ci`; none for the embedded one.
    pub fn lock_path(&self) -> Option<PathBuf> {
        let file = Path::new(&self.label);
        if self.is_embedded() || file.extension().is_none() {
            return None;
        }
        Some(match &self.profile {
            Some(name) => file.with_extension(format!("{name}.lock")),
            None => file.with_extension("lock"),
        })
    }

    /// Returns whether there is no pipeline file, so that the embedded default is used.
    pub fn is_embedded(&self) -> bool {
        self.files.is_empty()
    }
}

impl Context {
    /// Returns the path of the project's journal of predictions.
    pub fn prediction_journal(&self) -> PathBuf {
        self.state_folder("predictions.ndjson")
    }

    /// Returns the state folder, for what can be made again: the cache and fetched bundles.
    pub fn state_dir(&self) -> PathBuf {
        self.root.join(".pdm-ml")
    }

    /// Returns a path in [`Self::state_dir`], which git ignores.
    pub(super) fn state_folder(&self, name: &str) -> PathBuf {
        let ignore = self.state_dir().join(".gitignore");
        if !ignore.exists() {
            // On a read-only disk there is nothing for git to ignore.
            let _unwritten = atomic_write(&ignore, b"*\n");
        }
        self.state_dir().join(name)
    }

    /// Returns a path of the pipeline file, taken from the project's folder.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.root.join(path)
    }

    /// Returns the options to open a registry with: keys from the environment, trusted signers from the project's policy.
    ///
    /// # Errors
    /// A policy file or a signing key cannot be used.
    pub fn open_options(&self) -> Result<OpenOptions<'_>, EngineError> {
        let trust = Arc::new(policy::read(&self.root)?.trust());
        let signing = Signing {
            signer: Signer::find(&self.variable)?,
            trust,
        };
        Ok(OpenOptions {
            root: &self.root,
            variable: &self.variable,
            state_dir: Some(self.state_dir().join("transfers")),
            signing,
            expected: None,
            reporter: self.reporter.clone(),
        })
    }

    /// Opens the registry of a pipeline; nothing is read or written yet.
    ///
    /// # Errors
    /// As [`Self::open_options`], and an address that is not understood.
    pub fn registry(&self, options: &RegistryOptions) -> Result<Registry, EngineError> {
        let expected = options.expected().map_err(RegistryError::from)?;
        Ok(Registry::open(
            &options.url,
            OpenOptions {
                expected,
                ..self.open_options()?
            },
        )?)
    }

    /// Returns the actor and the time, for the registry's log.
    pub fn stamp(&self) -> Stamp {
        Stamp {
            time: self.now.unwrap_or_else(Timestamp::now),
            actor: self.actor.clone(),
        }
    }
}
