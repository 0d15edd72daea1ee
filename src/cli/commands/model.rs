//! The model that a command names: a folder or a reference into the registry.

use std::path::{Path, PathBuf};

use crate::bundle::ModelBundle;
use crate::cli::args::{PipelineArgs, RegistryArgs};
use crate::cli::error::CliError;
use crate::cli::settings;
use crate::cli::ui::Ui;
use crate::engine::{self, Context, Job};
use crate::registry::{ModelRef, ModelVersion};

/// A bundle, and the version it is registered as where it was opened as one.
pub(super) struct Model {
    pub(super) bundle: ModelBundle,
    pub(super) version: Option<ModelVersion>,
}

/// Returns whether a name is that of a folder, which is a bundle; anything else names a registered model.
pub(super) fn is_folder(name: &str) -> bool {
    Path::new(name).is_dir()
}

/// A folder is a bundle; anything else names a registered model of the pipeline here or above.
pub(super) fn open(name: &str, registry: &RegistryArgs, ui: &Ui) -> Result<Model, CliError> {
    if is_folder(name) {
        return open_folder(name);
    }
    let (context, job) = settings::resolve(&PipelineArgs::default(), ui)?;
    open_registered(name, registry, &context, &job)
}

/// Opens the bundle in a folder.
pub(super) fn open_folder(name: &str) -> Result<Model, CliError> {
    Ok(Model { bundle: ModelBundle::open(Path::new(name), None)?, version: None })
}

/// Opens a registered model of a pipeline.
pub(super) fn open_registered(
    name: &str,
    registry: &RegistryArgs,
    context: &Context,
    job: &Job,
) -> Result<Model, CliError> {
    let reference = name.parse::<ModelRef>().map_err(|error| {
        let missing = PathBuf::from(name);
        let what = if missing.components().count() > 1 { "no such folder, and " } else { "" };
        CliError::new(error.code(), format!("cannot open model `{name}`: {what}{error}"))
    })?;
    let mut options = job.spec.registry.clone();
    if let Some(url) = &registry.registry
        && *url != options.url
    {
        // The identity in the pipeline is that of its own registry.
        options.id.clear();
        options.url.clone_from(url);
    }
    let (version, bundle) = engine::registered_model(context, &options, &reference)?;
    Ok(Model { bundle, version: Some(version) })
}
