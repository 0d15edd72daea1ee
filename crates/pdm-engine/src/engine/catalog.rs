//! The registry as a tracking server shows it: models, versions and aliases.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Context, EngineError, Job};
use pdm_store::registry::{ModelVersion, RegisteredModel, RegistryError, RegistryState};
use pdm_tracking::tracking::{BestEffort, Catalog, CatalogModel, CatalogVersion, RetryPolicy};

/// How long a promotion waits for the tracking server.
const WAIT: Duration = Duration::from_secs(10);

/// Returns the pipeline's registry as a tracking server shows it; none where there is no registry yet.
///
/// # Errors
/// A damaged log, and whatever the store answers.
pub fn catalog(context: &Context, job: &Job) -> Result<Option<Catalog>, EngineError> {
    let registry = context.registry(&job.spec.registry)?;
    match registry.state(None) {
        Ok(state) => Ok(Some(catalog_of(&state))),
        Err(RegistryError::Absent { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Returns a state of a registry as a tracking server shows it.
pub(super) fn catalog_of(state: &RegistryState) -> Catalog {
    let models = state
        .models()
        .map(|(name, model)| catalog_model(name.to_string(), model))
        .collect();
    Catalog { models }
}

fn catalog_model(name: String, model: &RegisteredModel) -> CatalogModel {
    CatalogModel {
        name,
        versions: model
            .versions()
            .iter()
            .map(|version| catalog_version(model, version))
            .collect(),
        aliases: model
            .aliases()
            .map(|(alias, version)| (alias.to_string(), version))
            .collect(),
    }
}

fn catalog_version(model: &RegisteredModel, version: &ModelVersion) -> CatalogVersion {
    let origin = &version.origin;
    let tags = [
        ("kind", origin.kind.clone()),
        ("data", origin.data.to_string()),
        ("pipeline", origin.pipeline.clone()),
        ("scorecard", version.scorecard.to_string()),
        ("retired", model.is_retired(version.version).to_string()),
    ];
    CatalogVersion {
        number: version.version,
        bundle: version.bundle.to_string(),
        run: origin.run.clone(),
        tags: tags
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect::<BTreeMap<_, _>>(),
    }
}

/// Sends what the registry holds now to the tracking server, where one is set. A failure is a warning: the change itself is in
/// the registry.
pub(super) fn update_server(context: &Context, job: &Job) {
    let client = match job
        .spec
        .tracking
        .mlflow(context.variable, RetryPolicy::BACKGROUND)
    {
        Ok(Some(client)) => client,
        Ok(None) => return,
        Err(error) => return warn_not_updated(context, &error.in_one_line()),
    };
    match catalog(context, job) {
        Ok(Some(catalog)) => BestEffort::mirror_models(client, catalog, WAIT, &context.reporter),
        Ok(None) => {}
        Err(error) => warn_not_updated(context, &error.to_string()),
    }
}

fn warn_not_updated(context: &Context, why: &str) {
    context
        .reporter
        .warn(format!("the tracking server was not updated: {why}"));
}
