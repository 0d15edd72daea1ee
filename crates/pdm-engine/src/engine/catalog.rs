use std::collections::BTreeMap;
use std::time::Duration;

use super::{Context, EngineError, Job};
use pdm_store::registry::{ModelVersion, RegisteredModel, RegistryError, RegistryState};
use pdm_tracking::tracking::{BestEffort, Catalog, CatalogModel, CatalogVersion, RetryPolicy};

/// How long a promotion waits for a tracking server that is told of it.
const WAIT: Duration = Duration::from_secs(10);

/// Returns what a tracking server is to show of the pipeline's registry; none where there is no registry yet.
///
/// # Errors
/// A damaged log, and whatever the store answers.
pub fn catalog(context: &Context, job: &Job) -> Result<Option<Catalog>, EngineError> {
    let registry = context.registry(&job.spec.registry)?;
    match registry.state(None) {
        Ok(state) => Ok(Some(of(&state))),
        Err(RegistryError::Absent { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Returns what a state of a registry is shown as.
pub(super) fn of(state: &RegistryState) -> Catalog {
    let model = |name: String, model: &RegisteredModel| CatalogModel {
        name,
        versions: model
            .versions()
            .iter()
            .map(|version| shown(model, version))
            .collect(),
        aliases: model
            .aliases()
            .map(|(alias, version)| (alias.to_string(), version))
            .collect(),
    };
    Catalog {
        models: state
            .models()
            .map(|(name, known)| model(name.to_string(), known))
            .collect(),
    }
}

fn shown(model: &RegisteredModel, version: &ModelVersion) -> CatalogVersion {
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

/// Tells the tracking server, if one is named, what the registry holds now. Trouble is a warning: the registry has it.
pub(super) fn tell_server(context: &Context, job: &Job) {
    let told = job
        .spec
        .tracking
        .mlflow(context.variable, RetryPolicy::BACKGROUND);
    match told {
        Ok(None) => {}
        Ok(Some(client)) => match catalog(context, job) {
            Ok(Some(catalog)) => {
                BestEffort::mirror_models(client, catalog, WAIT, &context.reporter)
            }
            Ok(None) => {}
            Err(error) => context
                .reporter
                .warn(format!("the tracking server was not told: {error}")),
        },
        Err(error) => context.reporter.warn(format!(
            "the tracking server was not told: {}",
            error.in_one_line()
        )),
    }
}
