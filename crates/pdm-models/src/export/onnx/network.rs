//! Neural networks as ONNX nodes.

use super::graph::{Graph, Value, int};
use super::proto::DataType;
use super::source::{GraphInput, cast, squeeze};
use super::{attention, convolution, recurrent};
use crate::models::Neural;
use crate::models::neural::layers::Dense;
use crate::models::neural::layout::{Vector, WeightMatrix};
use crate::models::neural::{Activation, HistoryReading, NetworkBody};

/// The parameters of a network, from which its layers are read.
#[derive(Clone, Copy)]
pub(super) struct NetworkParameters<'a>(pub(super) &'a [f32]);

impl<'a> NetworkParameters<'a> {
    pub(super) fn matrix(self, matrix: WeightMatrix) -> &'a [f32] {
        matrix.of(self.0)
    }

    pub(super) fn vector(self, vector: Vector) -> &'a [f32] {
        vector.of(self.0)
    }
}

/// Adds a network of any family; with quantiles, its output is the middle one.
pub(super) fn add(graph: &mut Graph, model: &Neural, source: &GraphInput) -> Value {
    let network = &model.network;
    let parameters = NetworkParameters(&model.weights.parameters);
    let body = body(graph, model, parameters, source);
    let hidden = dense(graph, parameters, network.head, &body);
    let bend = match network.activation {
        Activation::Relu => "Relu",
        Activation::Tanh => "Tanh",
    };
    let hidden = graph.node(bend, &[&hidden], Vec::new());
    let outputs = dense(graph, parameters, network.output, &hidden);
    let output = if network.outputs() == 1 {
        outputs
    } else {
        middle(graph, &outputs)
    };
    let output = cast(graph, &output, DataType::Double);
    let scale = graph.doubles(&[], &[f64::from(model.label_scale)]);
    let cycles = graph.node("Mul", &[&output, &scale], Vec::new());
    squeeze(graph, &cycles, 1)
}

/// Returns the input of the head at the last row, `[batch, width]`.
fn body(
    graph: &mut Graph,
    model: &Neural,
    parameters: NetworkParameters<'_>,
    source: &GraphInput,
) -> Value {
    let stride = match model.reading {
        HistoryReading::Sequence { stride, .. } | HistoryReading::Window { stride, .. } => stride,
    };
    match &model.network.body {
        NetworkBody::Cnn(cnn) => {
            let window = source.window(graph, stride, cnn.window);
            convolution::window(graph, parameters, cnn, &window)
        }
        NetworkBody::Recurrent(layers) => {
            let steps = source.steps(graph, stride);
            recurrent::last_state(graph, parameters, layers, &steps)
        }
        NetworkBody::Tcn(tcn) => {
            let steps = source.steps(graph, stride);
            convolution::last_output(graph, parameters, tcn, &steps)
        }
        NetworkBody::Transformer(transformer) => {
            let steps = source.steps(graph, stride);
            attention::last_output(graph, parameters, transformer, &steps)
        }
    }
}

/// Adds a layer on the last dimension.
pub(super) fn dense(
    graph: &mut Graph,
    parameters: NetworkParameters<'_>,
    layer: Dense,
    input: &Value,
) -> Value {
    let weight = graph.floats(
        &[layer.weight.inputs, layer.weight.outputs],
        parameters.matrix(layer.weight),
    );
    let bias = graph.floats(&[layer.bias.len], parameters.vector(layer.bias));
    let product = graph.node("MatMul", &[input, &weight], Vec::new());
    graph.node("Add", &[&product, &bias], Vec::new())
}

/// Returns the middle of three outputs `[batch, 3]` in any order: `[batch, 1]`.
fn middle(graph: &mut Graph, outputs: &Value) -> Value {
    let sizes = graph.ints(&[1, 1, 1]);
    let [a, b, c] = graph.split("Split", &[outputs, &sizes], vec![int("axis", 1)]);
    let low = graph.node("Min", &[&a, &b], Vec::new());
    let high = graph.node("Max", &[&a, &b], Vec::new());
    let high = graph.node("Min", &[&high, &c], Vec::new());
    graph.node("Max", &[&low, &high], Vec::new())
}
