//! The `MLmodel` file.

use serde_json::{Value, json};

use super::environment::{CONDA, MLFLOW, ONNX as ONNX_VERSION, PYTHON, VIRTUALENV};
use super::{EXAMPLE, ONNX, SERVING_EXAMPLE};
use crate::bundle::ModelBundle;
use crate::export::{DimensionSize, TensorSpec, input_specs, output_spec};

/// Number of digits of the digest that serve as the UUID that MLflow expects.
const UUID_LENGTH: usize = 32;

/// Returns the description of the model in YAML; ambiguous strings are quoted.
pub(super) fn text(bundle: &ModelBundle, created: Option<&str>) -> String {
    let digest = bundle.digest().to_string();
    let inputs = schema(&input_specs(bundle));
    let outputs = schema(&[output_spec()]);
    let created = created
        .map(|time| format!("utc_time_created: '{time}'\n"))
        .unwrap_or_default();
    format!(
        "flavors:
  onnx:
    code: null
    data: {ONNX}
    onnx_session_options: null
    onnx_version: {ONNX_VERSION}
    providers:
    - CPUExecutionProvider
  python_function:
    data: {ONNX}
    env:
      conda: {CONDA}
      virtualenv: {VIRTUALENV}
    loader_module: mlflow.onnx
    python_version: '{PYTHON}'
metadata:
  pdm_ml.bundle: '{digest}'
  pdm_ml.kind: {kind}
  pdm_ml.version: '{version}'
mlflow_version: {MLFLOW}
model_uuid: '{uuid}'
saved_input_example_info:
  artifact_path: {EXAMPLE}
  serving_input_path: {SERVING_EXAMPLE}
  type: ndarray
signature:
  inputs: '{inputs}'
  outputs: '{outputs}'
  params: null
{created}",
        kind = bundle.manifest().model.kind(),
        version = env!("CARGO_PKG_VERSION"),
        uuid = &digest[..UUID_LENGTH],
    )
}

/// Returns MLflow's description of tensors, as the JSON text it expects.
fn schema(tensors: &[TensorSpec]) -> String {
    let size = |extent: &DimensionSize| match *extent {
        DimensionSize::Free(_) => -1,
        DimensionSize::Fixed(size) => size as i64,
    };
    let tensor = |spec: &TensorSpec| {
        let shape: Vec<_> = spec.shape.iter().map(size).collect();
        json!({ "name": spec.name, "type": "tensor", "tensor-spec": { "dtype": spec.dtype.name(), "shape": shape } })
    };
    Value::from(tensors.iter().map(tensor).collect::<Vec<_>>()).to_string()
}
