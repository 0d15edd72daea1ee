//! Model families as ONNX nodes.

use super::graph::{Graph, Value};
use super::source::GraphInput;
use super::{linear, network, trees};
use crate::export::ExportError;
use crate::models::{Ensemble, Family, Predictor, Stack};

/// Adds a model; returns its raw predictions in cycles, `[batch]`, in double precision.
pub(super) fn predictions(
    graph: &mut Graph,
    model: &dyn Predictor,
    source: &GraphInput,
) -> Result<Value, ExportError> {
    match model.family() {
        Some(Family::Linear(model)) => {
            fits(source, model.coefficients.len()).map(|()| linear::add(graph, model, source))
        }
        Some(Family::Gbdt(model)) => {
            fits(source, model.width()).map(|()| trees::add(graph, model, source))
        }
        Some(Family::Neural(model)) => {
            fits(source, model.inputs).map(|()| network::add(graph, model, source))
        }
        Some(Family::Ensemble(model)) => mean(graph, model, source),
        Some(Family::Stack(model)) => weighed(graph, model, source),
        None => Err(ExportError::Family),
    }
}

fn fits(source: &GraphInput, reads: usize) -> Result<(), ExportError> {
    match source.columns {
        columns if columns == reads => Ok(()),
        columns => Err(ExportError::Width { reads, columns }),
    }
}

fn mean(graph: &mut Graph, model: &Ensemble, source: &GraphInput) -> Result<Value, ExportError> {
    let members = model
        .members
        .iter()
        .map(|member| predictions(graph, member.as_ref(), source));
    let members = members.collect::<Result<Vec<_>, _>>()?;
    let count = graph.doubles(&[], &[members.len() as f64]);
    let sum = sum(graph, members);
    Ok(graph.node("Div", &[&sum, &count], Vec::new()))
}

fn weighed(graph: &mut Graph, model: &Stack, source: &GraphInput) -> Result<Value, ExportError> {
    let mut parts = Vec::new();
    for (member, weight) in model.weighed() {
        let part = source.part(graph, model.columns(member, source.columns));
        let value = predictions(graph, member, &part)?;
        let weight = graph.doubles(&[], &[weight]);
        parts.push(graph.node("Mul", &[&value, &weight], Vec::new()));
    }
    Ok(sum(graph, parts))
}

/// Adds in the same order as the model itself, since the sum of doubles depends on it.
fn sum(graph: &mut Graph, values: Vec<Value>) -> Value {
    let sum = values
        .into_iter()
        .reduce(|sum, value| graph.node("Add", &[&sum, &value], Vec::new()));
    sum.unwrap_or_else(|| graph.doubles(&[1], &[0.0]))
}
