//! Exports bundles for other programs: an ONNX graph, and the folder of an MLflow model around it.
//!
//! The graph does not include the features: it reads what [`ModelBundle::input`] returns, and its output is what
//! [`ModelBundle::predict`] returns for the last cycle, clipped in the same way. No time is recorded, so the same bundle
//! gives the same bytes.
//!
//! ```text
//! tensors    names, types and shapes of the inputs and the output of the graph; the tensors of real units
//! onnx       the graph: one file per kind of model, `proto` has the messages of the format
//! mlflow     MLmodel, environments and an example around model.onnx
//! ```
//!
//! [`ModelBundle::input`]: crate::bundle::ModelBundle::input
//! [`ModelBundle::predict`]: crate::bundle::ModelBundle::predict

mod error;
mod mlflow;
mod onnx;
mod tensors;

pub use error::ExportError;
pub use mlflow::{MLFLOW_FILES, MlflowFile, mlflow_model};
pub use onnx::{OPSET, OPSET_TREES, onnx};
pub use tensors::{
    DimensionSize, Dtype, ModelInputs, TensorSpec, input_specs, inputs, output_spec,
};
