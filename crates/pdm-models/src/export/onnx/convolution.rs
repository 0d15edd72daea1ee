//! Convolutional networks as ONNX nodes.

use super::graph::{Graph, Value, int, ints};
use super::network::NetworkParameters;
use super::source::{SequenceRows, Window, rows_at, transpose, unsqueeze};
use crate::models::neural::families::{Block, Cnn, Tcn};
use crate::models::neural::layers::{Conv, Dense, MapConv};

/// Adds a network on windows; returns its last map, `[batch, window · features]`.
pub(super) fn window(
    graph: &mut Graph,
    parameters: NetworkParameters<'_>,
    cnn: &Cnn,
    window: &Window,
) -> Value {
    let mask = unsqueeze(graph, &window.mask, 1);
    let mask = unsqueeze(graph, &mask, 3);
    let mut maps = unsqueeze(graph, &window.rows, 1);
    for conv in &cnn.convs {
        let convolved = map_conv(graph, parameters, conv, &maps);
        let bent = graph.node("Tanh", &[&convolved], Vec::new());
        // Steps before the history stay zero, whatever the bias.
        maps = graph.node("Mul", &[&bent, &mask], Vec::new());
    }
    graph.node("Flatten", &[&maps], vec![int("axis", 1)])
}

/// Adds a convolution along time on maps `[batch, maps, window, features]`.
fn map_conv(
    graph: &mut Graph,
    parameters: NetworkParameters<'_>,
    conv: &MapConv,
    maps: &Value,
) -> Value {
    let outputs = conv.bias.len;
    let weight = by_output(
        parameters.vector(conv.weight),
        [conv.taps, conv.inputs, outputs],
    );
    let weight = graph.floats(&[outputs, conv.inputs, conv.taps, 1], &weight);
    let bias = graph.floats(&[outputs], parameters.vector(conv.bias));
    let [before, after] = conv.padding();
    graph.node(
        "Conv",
        &[maps, &weight, &bias],
        vec![ints("pads", [before, 0, after, 0])],
    )
}

/// Adds causal convolutions; returns the output of the last block at the last step of each history, `[batch, channels]`.
pub(super) fn last_output(
    graph: &mut Graph,
    parameters: NetworkParameters<'_>,
    tcn: &Tcn,
    steps: &SequenceRows,
) -> Value {
    let mut signal = transpose(graph, &steps.rows, [0, 2, 1]);
    for part in &tcn.blocks {
        signal = block(graph, parameters, part, &signal);
    }
    let rows = transpose(graph, &signal, [0, 2, 1]);
    let last = last_step(graph, steps);
    rows_at(graph, &rows, &last)
}

/// Returns the index of the last step of each history.
pub(super) fn last_step(graph: &mut Graph, steps: &SequenceRows) -> Value {
    let one = graph.int(1);
    graph.node("Sub", &[&steps.counts, &one], Vec::new())
}

/// Adds a residual block on `[batch, channels, steps]`.
fn block(
    graph: &mut Graph,
    parameters: NetworkParameters<'_>,
    block: &Block,
    input: &Value,
) -> Value {
    let first = causal(graph, parameters, &block.first, input);
    let first = graph.node("Relu", &[&first], Vec::new());
    let second = causal(graph, parameters, &block.second, &first);
    let second = graph.node("Relu", &[&second], Vec::new());
    let shortcut = match block.skip {
        Some(skip) => pointwise(graph, parameters, skip, input),
        None => input.clone(),
    };
    let sum = graph.node("Add", &[&second, &shortcut], Vec::new());
    graph.node("Relu", &[&sum], Vec::new())
}

fn causal(
    graph: &mut Graph,
    parameters: NetworkParameters<'_>,
    conv: &Conv,
    input: &Value,
) -> Value {
    let taps = conv.taps.len();
    let inputs = conv.taps[0].inputs;
    let outputs = conv.bias.len;
    let weight: Vec<f32> = conv
        .taps
        .iter()
        .flat_map(|tap| parameters.matrix(*tap))
        .copied()
        .collect();
    let weight = graph.floats(
        &[outputs, inputs, taps],
        &by_output(&weight, [taps, inputs, outputs]),
    );
    let bias = graph.floats(&[outputs], parameters.vector(conv.bias));
    let before = (taps - 1) * conv.dilation;
    let attributes = vec![
        ints("dilations", [conv.dilation]),
        ints("pads", [before, 0]),
    ];
    graph.node("Conv", &[input, &weight, &bias], attributes)
}

fn pointwise(
    graph: &mut Graph,
    parameters: NetworkParameters<'_>,
    layer: Dense,
    input: &Value,
) -> Value {
    let inputs = layer.weight.inputs;
    let outputs = layer.weight.outputs;
    let weight = by_output(parameters.matrix(layer.weight), [1, inputs, outputs]);
    let weight = graph.floats(&[outputs, inputs, 1], &weight);
    let bias = graph.floats(&[outputs], parameters.vector(layer.bias));
    graph.node("Conv", &[input, &weight, &bias], Vec::new())
}

/// Converts a weight `[taps, inputs, outputs]` to the layout of ONNX, `[outputs, inputs, taps]`.
fn by_output(weight: &[f32], [taps, inputs, outputs]: [usize; 3]) -> Vec<f32> {
    let at = |i: usize| {
        let output = i / (inputs * taps);
        let input = i / taps % inputs;
        let tap = i % taps;
        weight[(tap * inputs + input) * outputs + output]
    };
    (0..weight.len()).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_turned_round() {
        let weight: Vec<f32> = (0..12).map(|i| i as f32).collect();
        let expected = [0.0, 6.0, 2.0, 8.0, 4.0, 10.0, 1.0, 7.0, 3.0, 9.0, 5.0, 11.0];
        assert_eq!(by_output(&weight, [2, 3, 2]), expected);
    }
}
