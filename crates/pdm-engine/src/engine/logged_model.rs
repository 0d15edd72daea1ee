//! Adds the model as an MLflow model to the files of a run.

use super::registered::fresh_folder;
use super::{Context, EngineError};
use pdm_core::content::atomic_write;
use pdm_core::events::{Event, Reporter};
use pdm_models::bundle::ModelBundle;
use pdm_models::export::mlflow_model;

/// The run's folder for the MLflow model; versions on a tracking server point to it.
const FOLDER: &str = "model";

/// Adds the bundle as an MLflow model to the run's files. The same bundle gives the same bytes.
pub(super) fn log_model(
    context: &Context,
    bundle: &ModelBundle,
    reporter: &Reporter,
) -> Result<(), EngineError> {
    let files = mlflow_model(bundle, &[], None)?;
    let folder = fresh_folder(&context.state_folder("bundles"))?;
    for file in files {
        let path = folder.path().join(file.path);
        atomic_write(&path, &file.bytes).map_err(|source| EngineError::Folder {
            path: path.clone(),
            source,
        })?;
        reporter.emit(Event::Artifact {
            name: format!("{FOLDER}/{}", file.path),
            path,
        });
    }
    Ok(())
}
