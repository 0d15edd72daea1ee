//! Bundles in the forms other programs load: an ONNX graph, and the folder of an MLflow model around it.
//!
//! The graph begins where the features end: what it reads is what [`ModelBundle::input`] gives the model, and what it
//! says is what [`ModelBundle::predict`] says at the last cycle, clipped as there. Nothing here knows a clock, so the
//! same bundle gives the same bytes.
//!
//! ```text
//! tensors    names, types and shapes of what the graph reads and says; the tensors of real units
//! onnx       the graph: one file per kind of model, `proto` the messages of the format
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
