//! The model that a command names: a folder or a reference into the registry.

use std::path::{Path, PathBuf};

use crate::bundle::ModelBundle;
use crate::cli::args::{PipelineArgs, RegistryArgs};
use crate::cli::error::CliError;
use crate::cli::outputs::Outputs;
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
///
/// What the command is to write is checked before the model is read: nothing is written into its folder, or over what its
/// pipeline rests on.
pub(super) fn open(name: &str, registry: &RegistryArgs, outputs: Outputs, ui: &Ui) -> Result<Model, CliError> {
    let folder = Path::new(name);
    if folder.is_dir() {
        outputs.reads_folder("the model", folder).reads_pipeline_file(None).check(ui)?;
        return Ok(Model { bundle: ModelBundle::open(folder, None)?, version: None });
    }
    let (context, mut job) = settings::resolve(&PipelineArgs::default(), ui)?;
    if let Some(url) = &registry.registry {
        job.spec.registry.url.clone_from(url);
    }
    outputs.reads_pipeline(&context, &job).check(ui)?;
    let reference = name.parse::<ModelRef>().map_err(|error| {
        let missing = PathBuf::from(name);
        let what = if missing.components().count() > 1 { "no such folder, and " } else { "" };
        CliError::new(error.code(), format!("cannot open model `{name}`: {what}{error}"))
    })?;
    let (version, bundle) = engine::registered_model(&context, &job.spec.registry.url, &reference)?;
    Ok(Model { bundle, version: Some(version) })
}
