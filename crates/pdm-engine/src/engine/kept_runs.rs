//! Says which recorded runs must be kept: those that made a version, and those that a server does not have yet.

use std::collections::BTreeMap;

use super::{Context, EngineError, Job, catalog};
use pdm_tracking::tracking::{ListedRun, MlflowClient, RunStore};

/// What depends on the runs of a project.
pub struct KeptRuns {
    /// The registered versions, by the run that made them.
    versions: BTreeMap<String, String>,
    /// The pipeline's registry.
    registry: String,
    /// The server that the runs are copied to.
    server: Option<MlflowClient>,
    /// Whether only versions of this registry keep a run, and no server does.
    force: bool,
}

impl KeptRuns {
    /// Reads the registry of a pipeline; `server` is the one its runs are copied to, where there is one.
    ///
    /// # Errors
    /// The registry cannot be read, so it is not known which versions depend on a run.
    pub fn of(
        context: &Context,
        job: &Job,
        server: Option<MlflowClient>,
        force: bool,
    ) -> Result<Self, EngineError> {
        let mut versions = BTreeMap::new();
        for model in catalog(context, job)?
            .into_iter()
            .flat_map(|catalog| catalog.models)
        {
            for version in model.versions {
                versions.insert(version.run, format!("{}/{}", model.name, version.number));
            }
        }
        Ok(Self {
            versions,
            registry: job.spec.registry.url.clone(),
            server,
            force,
        })
    }

    /// Returns why a run must be kept, where it must.
    pub fn forbids(&self, store: &RunStore, run: &ListedRun) -> Option<String> {
        if let Some(version) = self.versions.get(&run.summary.id.to_string()) {
            return Some(format!("it made version {version}"));
        }
        if self.force {
            return None;
        }
        if let (Some(version), Some(registry)) = (&run.model.version, &run.model.registry)
            && *registry != self.registry
        {
            return Some(format!(
                "it made version {version} of another registry, {registry}"
            ));
        }
        let server = self.server.as_ref()?;
        let is_copied = store
            .sync_state(run.summary.id, server)
            .is_some_and(|state| state.complete);
        if is_copied {
            return None;
        }
        Some(format!("{} does not have all of it yet", server.url()))
    }
}
