use super::graph::{Graph, Value, int};
use super::proto::DataType;
use super::source::{Source, cast, squeeze};
use super::{attention, convolution, recurrent};
use crate::models::Neural;
use crate::models::neural::layers::Dense;
use crate::models::neural::layout::{Matrix, Vector};
use crate::models::neural::{Activation, Body, Reading};

/// The parameters of a network, which its layers are read from.
#[derive(Clone, Copy)]
pub(super) struct Parameters<'a>(pub(super) &'a [f32]);

impl<'a> Parameters<'a> {
    pub(super) fn matrix(self, matrix: Matrix) -> &'a [f32] {
        matrix.of(self.0)
    }

    pub(super) fn vector(self, vector: Vector) -> &'a [f32] {
        vector.of(self.0)
    }
}

/// Adds a network of any family; of one that learns quantiles, the middle.
pub(super) fn add(graph: &mut Graph, model: &Neural, source: &Source) -> Value {
    let (network, parameters) = (&model.network, Parameters(&model.weights.parameters));
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

/// Returns what the head reads at the last row, `[batch, width]`.
fn body(graph: &mut Graph, model: &Neural, parameters: Parameters<'_>, source: &Source) -> Value {
    let stride = match model.reading {
        Reading::Sequence { stride, .. } | Reading::Window { stride, .. } => stride,
    };
    match &model.network.body {
        Body::Cnn(cnn) => {
            let window = source.window(graph, stride, cnn.window);
            convolution::window(graph, parameters, cnn, &window)
        }
        Body::Recurrent(layers) => {
            let steps = source.steps(graph, stride);
            recurrent::last_state(graph, parameters, layers, &steps)
        }
        Body::Tcn(tcn) => {
            let steps = source.steps(graph, stride);
            convolution::last_output(graph, parameters, tcn, &steps)
        }
        Body::Transformer(transformer) => {
            let steps = source.steps(graph, stride);
            attention::last_output(graph, parameters, transformer, &steps)
        }
    }
}

/// Adds a layer on the last dimension.
pub(super) fn dense(
    graph: &mut Graph,
    parameters: Parameters<'_>,
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

/// Returns the middle of three outputs `[batch, 3]`, in whichever order they came: `[batch, 1]`.
fn middle(graph: &mut Graph, outputs: &Value) -> Value {
    let sizes = graph.ints(&[1, 1, 1]);
    let [a, b, c] = graph.split("Split", &[outputs, &sizes], vec![int("axis", 1)]);
    let (low, high) = (
        graph.node("Min", &[&a, &b], Vec::new()),
        graph.node("Max", &[&a, &b], Vec::new()),
    );
    let high = graph.node("Min", &[&high, &c], Vec::new());
    graph.node("Max", &[&low, &high], Vec::new())
}
