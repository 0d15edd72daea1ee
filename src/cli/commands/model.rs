//! Opens the model that a command names: a bundle folder or a registered version.

use std::path::{Path, PathBuf};

use crate::cli::args::{PipelineArgs, RegistryArgs};
use crate::cli::error::CliError;
use crate::cli::outputs::Outputs;
use crate::cli::settings;
use crate::cli::ui::Ui;
use pdm_engine::engine::{self, Context, Job};
use pdm_models::bundle::ModelBundle;
use pdm_store::registry::{ModelRef, ModelVersion};

/// A bundle, and its version if it was opened from a registry.
pub(super) struct OpenedModel {
    pub(super) bundle: ModelBundle,
    pub(super) version: Option<ModelVersion>,
}

/// Returns whether a name is a bundle folder; anything else is a reference to a registered model.
pub(super) fn is_folder(name: &str) -> bool {
    Path::new(name).is_dir()
}

/// A folder is a bundle; anything else refers to a registered model of the pipeline in this folder or above.
///
/// The outputs are checked before the model is read: nothing is written into its folder, or over files that its pipeline
/// reads.
pub(super) fn open(
    name: &str,
    registry: &RegistryArgs,
    outputs: Outputs,
    ui: &Ui,
) -> Result<OpenedModel, CliError> {
    if is_folder(name) {
        outputs
            .reads_folder("the model", Path::new(name))
            .reads_project(ui)
            .check(ui)?;
        return open_folder(name);
    }
    let (context, job) = settings::resolve(&PipelineArgs::default(), ui)?;
    outputs
        .reads_pipeline(&context, &named(registry, &job))
        .check(ui)?;
    open_registered(name, registry, &context, &job)
}

/// Returns a pipeline with the registry of the command line.
pub(super) fn named(registry: &RegistryArgs, job: &Job) -> Job {
    let mut job = job.clone();
    if let Some(url) = &registry.registry {
        job.spec.registry.url.clone_from(url);
    }
    job
}

/// Opens the bundle in a folder.
pub(super) fn open_folder(name: &str) -> Result<OpenedModel, CliError> {
    Ok(OpenedModel {
        bundle: ModelBundle::open(Path::new(name), None)?,
        version: None,
    })
}

/// Opens a registered model of a pipeline.
pub(super) fn open_registered(
    name: &str,
    registry: &RegistryArgs,
    context: &Context,
    job: &Job,
) -> Result<OpenedModel, CliError> {
    let reference = name.parse::<ModelRef>().map_err(|error| {
        let missing = PathBuf::from(name);
        let what = if missing.components().count() > 1 {
            "no such folder, and "
        } else {
            ""
        };
        CliError::new(
            error.code(),
            format!("cannot open model `{name}`: {what}{error}"),
        )
    })?;
    let mut options = job.spec.registry.clone();
    if let Some(url) = &registry.registry
        && *url != options.url
    {
        // The `id` in the pipeline belongs to its own registry.
        options.id.clear();
        options.url.clone_from(url);
    }
    let (version, bundle) = engine::registered_model(context, &options, &reference)?;
    Ok(OpenedModel {
        bundle,
        version: Some(version),
    })
}
