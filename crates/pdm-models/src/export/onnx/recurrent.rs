//! Recurrent networks as ONNX nodes.

use super::graph::{Graph, Value, int};
use super::network::NetworkParameters;
use super::proto::DataType;
use super::source::{SequenceRows, cast, squeeze, transpose};
use crate::models::neural::families::RecurrentLayers;
use crate::models::neural::layers::{Cell, Recurrent};

/// Adds the layers; returns the state of the last one after the last step of each history, `[batch, hidden]`.
pub(super) fn last_state(
    graph: &mut Graph,
    parameters: NetworkParameters<'_>,
    layers: &RecurrentLayers,
    steps: &SequenceRows,
) -> Value {
    let counts = cast(graph, &steps.counts, DataType::Int32);
    let mut input = transpose(graph, &steps.rows, [1, 0, 2]);
    let mut last = input.clone();
    for recurrent in &layers.layers {
        let [states, ended] = layer(graph, parameters, recurrent, &input, &counts);
        input = squeeze(graph, &states, 1);
        last = ended;
    }
    squeeze(graph, &last, 0)
}

/// Adds one layer on rows `[steps, batch, inputs]`; returns all its states `[steps, 1, batch, hidden]`, and the last of each
/// history `[1, batch, hidden]`.
fn layer(
    graph: &mut Graph,
    parameters: NetworkParameters<'_>,
    layer: &Recurrent,
    input: &Value,
    counts: &Value,
) -> [Value; 2] {
    let hidden = layer.hidden();
    let inputs = layer.input.weight.inputs;
    let gates = order(layer.cell);
    let width = gates.len() * hidden;
    let by_input = by_gate(
        parameters.matrix(layer.input.weight),
        [inputs, hidden],
        gates,
    );
    let by_state = by_gate(parameters.matrix(layer.recurrent), [hidden, hidden], gates);
    let mut biases = by_gate(parameters.vector(layer.input.bias), [1, hidden], gates);
    match layer.recurrent_bias {
        Some(bias) => biases.extend(by_gate(parameters.vector(bias), [1, hidden], gates)),
        None => biases.resize(2 * width, 0.0),
    }
    let by_input = graph.floats(&[1, width, inputs], &by_input);
    let by_state = graph.floats(&[1, width, hidden], &by_state);
    let biases = graph.floats(&[1, 2 * width], &biases);
    let values = [input, &by_input, &by_state, &biases, counts];
    let hidden = int("hidden_size", hidden as i64);
    match layer.cell {
        Cell::Gru => graph.split("GRU", &values, vec![hidden, int("linear_before_reset", 1)]),
        Cell::Lstm => graph.split("LSTM", &values, vec![hidden]),
    }
}

/// Returns the index in our layout of each gate of ONNX.
fn order(cell: Cell) -> &'static [usize] {
    match cell {
        // `z, r, h` among `r, z, n`.
        Cell::Gru => &[1, 0, 2],
        // `i, o, f, c` among `i, f, g, o`.
        Cell::Lstm => &[0, 3, 1, 2],
    }
}

/// Returns a weight `[rows, gates · hidden]` transposed, gate by gate: `[gates · hidden, rows]`.
fn by_gate(weight: &[f32], [rows, hidden]: [usize; 2], gates: &[usize]) -> Vec<f32> {
    let width = gates.len() * hidden;
    let columns = gates
        .iter()
        .flat_map(|gate| gate * hidden..(gate + 1) * hidden);
    columns
        .flat_map(|column| (0..rows).map(move |row| weight[row * width + column]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_are_put_in_order_and_transposed() {
        let weight = [
            10.0, 11.0, 20.0, 21.0, 30.0, 31.0, 12.0, 13.0, 22.0, 23.0, 32.0, 33.0,
        ];
        let expected = [
            20.0, 22.0, 21.0, 23.0, 10.0, 12.0, 11.0, 13.0, 30.0, 32.0, 31.0, 33.0,
        ];
        assert_eq!(by_gate(&weight, [2, 2], order(Cell::Gru)), expected);
        assert_eq!(
            by_gate(&[1.0, 2.0, 3.0, 4.0], [1, 1], order(Cell::Lstm)),
            [1.0, 4.0, 2.0, 3.0]
        );
    }
}
