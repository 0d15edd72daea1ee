//! The model that a command names: a folder or a reference into the registry.

use std::path::{Path, PathBuf};

use crate::bundle::ModelBundle;
use crate::cli::args::{PipelineArgs, RegistryArgs};
use crate::cli::error::CliError;
use crate::cli::settings;
use crate::cli::ui::Ui;
use crate::engine;
use crate::registry::{ModelRef, ModelVersion};

/// A bundle, and the version it is registered as where it was opened as one.
pub(super) struct Model {
    pub(super) bundle: ModelBundle,
    pub(super) version: Option<ModelVersion>,
}

/// A folder is a bundle; anything else names a registered model.
pub(super) fn open(name: &str, registry: &RegistryArgs, ui: &Ui) -> Result<Model, CliError> {
    let folder = Path::new(name);
    if folder.is_dir() {
        return Ok(Model { bundle: ModelBundle::open(folder, None)?, version: None });
    }
    let (context, mut job) = settings::resolve(&PipelineArgs::default(), ui)?;
    if let Some(url) = &registry.registry
        && *url != job.spec.registry.url
    {
        // The identity in the pipeline is that of its own registry.
        job.spec.registry.id.clear();
        job.spec.registry.url.clone_from(url);
    }
    let reference = name.parse::<ModelRef>().map_err(|error| {
        let missing = PathBuf::from(name);
        let what = if missing.components().count() > 1 { "no such folder, and " } else { "" };
        CliError::new(error.code(), format!("cannot open model `{name}`: {what}{error}"))
    })?;
    let (version, bundle) = engine::registered_model(&context, &job.spec.registry, &reference)?;
    Ok(Model { bundle, version: Some(version) })
}
