//! The folder of an MLflow model, which `mlflow.pyfunc.load_model` and `mlflow models serve` read.
//!
//! ```text
//! MLmodel                       flavors python_function and onnx, signature, where it comes from
//! model.onnx                    the graph
//! input_example.json            what the model reads of a few units; serving_input_example.json as a request
//! requirements.txt              what Python needs; conda.yaml and python_env.yaml say the same to conda and virtualenv
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

/// Returns the files of an MLflow model made of a bundle, `MLmodel` last: without it the folder is no model.
///
/// `units` are the example of an input; where there are none, it is a unit whose channels stand at the medians of the
/// training data. `created` is told as the time the model was made, such as `2026-11-23 12:00:00.000000` in UTC; the
/// bundle itself knows none.
///
/// # Errors
/// Those of [`onnx`]; or units are given and none has a row.
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
