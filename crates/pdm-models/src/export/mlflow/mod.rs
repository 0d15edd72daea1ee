//! The folder of an MLflow model, which `mlflow.pyfunc.load_model` and `mlflow models serve` read.
//!
//! ```text
//! MLmodel                       flavors python_function and onnx, signature, origin
//! model.onnx                    the graph
//! input_example.json            the model input for a few units; serving_input_example.json as a request
//! requirements.txt              Python packages; conda.yaml and python_env.yaml are the same for conda and virtualenv
//! ```

mod environment;
mod example;
mod mlmodel;

use super::tensors::inputs;
use super::{ExportError, onnx};
use crate::bundle::ModelBundle;
use crate::data::Trajectory;

/// One file of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MlflowFile {
    /// Its path within the folder.
    pub path: &'static str,
    /// Its contents.
    pub bytes: Vec<u8>,
}

const EXAMPLE: &str = "input_example.json";
const SERVING_EXAMPLE: &str = "serving_input_example.json";
const ONNX: &str = "model.onnx";
const DESCRIPTION: &str = "MLmodel";

/// Names of the files that [`mlflow_model`] returns, in its order.
pub const MLFLOW_FILES: [&str; 7] = [
    ONNX,
    EXAMPLE,
    SERVING_EXAMPLE,
    environment::REQUIREMENTS,
    environment::CONDA,
    environment::VIRTUALENV,
    DESCRIPTION,
];

/// Returns the files of an MLflow model of a bundle. `MLmodel` is last, since the folder is not a model without it.
///
/// `units` are the input example; without any, it is a unit whose channels have the medians of the training data. `created`
/// is recorded as the creation time of the model, such as `2026-11-23 12:00:00.000000` in UTC; the bundle itself has none.
///
/// # Errors
/// Those of [`onnx`], or units are given but none has a row.
pub fn mlflow_model(
    bundle: &ModelBundle,
    units: &[Trajectory],
    created: Option<&str>,
) -> Result<Vec<MlflowFile>, ExportError> {
    let example = match units {
        [] => inputs(bundle, &[example::typical(bundle)])?,
        units => inputs(bundle, units)?,
    };
    let file = |path, bytes| MlflowFile { path, bytes };
    let text = |path, text: String| file(path, text.into_bytes());
    Ok(vec![
        file(ONNX, onnx(bundle)?),
        file(EXAMPLE, example.to_json()),
        file(SERVING_EXAMPLE, example.to_request()),
        text(environment::REQUIREMENTS, environment::requirements()),
        text(environment::CONDA, environment::conda()),
        text(environment::VIRTUALENV, environment::virtualenv()),
        text(DESCRIPTION, mlmodel::text(bundle, created)),
    ])
}
