//! Linear models as ONNX nodes.

use super::graph::{Graph, Value};
use super::proto::DataType;
use super::source::{GraphInput, cast};
use crate::models::Linear;

/// Adds a linear model, in double precision like the model itself.
pub(super) fn add(graph: &mut Graph, model: &Linear, source: &GraphInput) -> Value {
    let row = source.row(graph);
    let row = cast(graph, &row, DataType::Double);
    let coefficients = graph.doubles(&[model.coefficients.len()], &model.coefficients);
    let intercept = graph.doubles(&[], &[model.intercept]);
    let sum = graph.node("MatMul", &[&row, &coefficients], Vec::new());
    graph.node("Add", &[&sum, &intercept], Vec::new())
}
