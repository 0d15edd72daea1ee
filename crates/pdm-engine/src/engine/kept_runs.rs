//! Says which recorded runs must stay: a version was made by them, or a server does not have them yet.

use std::collections::BTreeMap;

use super::{Context, EngineError, Job, catalog};
use pdm_tracking::tracking::{ListedRun, MlflowClient, RunStore};

/// What rests on the runs of a project.
pub struct KeptRuns {
    /// The registered versions, by the run that made them.
    versions: BTreeMap<String, String>,
    /// The pipeline's registry.
    registry: String,
    /// The server that is to have every run.
    server: Option<MlflowClient>,
    /// Whether only versions of this registry are looked at, and no server.
    force: bool,
}

impl KeptRuns {
    /// Looks into the registry of a pipeline; `server` is the one its runs are copied to, where there is one.
    ///
    /// # Errors
    /// The registry cannot be read: then nobody knows what rests on a run.
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

    /// Returns why a run must stay, where it must.
    pub fn forbids(&self, store: &RunStore, run: &ListedRun) -> Option<String> {
        if let Some(version) = self.versions.get(&run.summary.id.to_string()) {
            return Some(format!("it made version {version}"));
        }
        if self.force {
            return None;
        }
        let other = run
            .model
            .registry
            .as_ref()
            .filter(|registry| **registry != self.registry);
        if let (Some(version), Some(registry)) = (&run.model.version, other) {
            return Some(format!(
                "it made version {version} of another registry, {registry}"
            ));
        }
        let server = self.server.as_ref()?;
        let is_there = store
            .sync_state(run.summary.id, server)
            .is_some_and(|state| state.complete);
        if is_there {
            None
        } else {
            Some(format!("{} does not have all of it yet", server.url()))
        }
    }
}
