//! Transformers as ONNX nodes.

use super::convolution::last_step;
use super::graph::{Attribute, Graph, Value, attribute, int};
use super::network::{NetworkParameters, dense};
use super::source::{SequenceRows, rows_at, squeeze, transpose, unsqueeze};
use crate::models::neural::families::{Encoder, Transformer};
use crate::models::neural::layers::{Attention, EPSILON, Norm};

/// Adds a causal transformer; returns its output at the last step of each history, `[batch, width]`.
pub(super) fn last_output(
    graph: &mut Graph,
    parameters: NetworkParameters<'_>,
    transformer: &Transformer,
    steps: &SequenceRows,
) -> Value {
    let longest = graph.node(
        "Shape",
        &[&steps.rows],
        vec![int("start", 1), int("end", 2)],
    );
    let longest = squeeze(graph, &longest, 0);
    let zero = graph.int(0);
    let one = graph.int(1);
    let places = graph.node("Range", &[&zero, &longest, &one], Vec::new());
    let embedded = dense(graph, parameters, transformer.input, &steps.rows);
    let positions = positions(graph, transformer, &places);
    let mut x = graph.node("Add", &[&embedded, &positions], Vec::new());
    for part in &transformer.encoders {
        x = encoder(graph, parameters, part, &x, &places);
    }
    let last = last_step(graph, steps);
    let last = rows_at(graph, &x, &last);
    norm(graph, parameters, transformer.norm, &last)
}

/// Returns the position embeddings, which are added to the rows, `[steps, width]`.
fn positions(graph: &mut Graph, transformer: &Transformer, places: &Value) -> Value {
    let width = transformer.width();
    let known = transformer.positions.len() / width;
    let last = graph.int(known as i64 - 1);
    let at = graph.node("Min", &[places, &last], Vec::new());
    let table = graph.floats(&[known, width], &transformer.positions);
    graph.node("Gather", &[&table, &at], Vec::new())
}

fn encoder(
    graph: &mut Graph,
    parameters: NetworkParameters<'_>,
    encoder: &Encoder,
    x: &Value,
    places: &Value,
) -> Value {
    let normed = norm(graph, parameters, encoder.before_attention, x);
    let mixed = attend(graph, parameters, encoder.attention, &normed, places);
    let x = graph.node("Add", &[x, &mixed], Vec::new());
    let normed = norm(graph, parameters, encoder.before_feed_forward, &x);
    let expanded = dense(graph, parameters, encoder.expand, &normed);
    let expanded = graph.node("Relu", &[&expanded], Vec::new());
    let contracted = dense(graph, parameters, encoder.contract, &expanded);
    graph.node("Add", &[&x, &contracted], Vec::new())
}

fn norm(graph: &mut Graph, parameters: NetworkParameters<'_>, norm: Norm, x: &Value) -> Value {
    let scale = graph.floats(&[norm.scale.len], parameters.vector(norm.scale));
    let shift = graph.floats(&[norm.shift.len], parameters.vector(norm.shift));
    let attributes = vec![
        int("axis", -1),
        attribute("epsilon", Attribute::Float(EPSILON)),
    ];
    graph.node("LayerNormalization", &[x, &scale, &shift], attributes)
}

/// Adds attention on `[batch, steps, width]`.
fn attend(
    graph: &mut Graph,
    parameters: NetworkParameters<'_>,
    attention: Attention,
    x: &Value,
    places: &Value,
) -> Value {
    let width = attention.output.weight.inputs;
    let columns = width / attention.heads;
    let projected = dense(graph, parameters, attention.projections, x);
    let sizes = graph.ints(&[width as i64; 3]);
    let parts: [Value; 3] = graph.split("Split", &[&projected, &sizes], vec![int("axis", 2)]);
    let apart = graph.ints(&[0, 0, attention.heads as i64, columns as i64]);
    let [queries, keys, values] =
        parts.map(|part| graph.node("Reshape", &[&part, &apart], Vec::new()));
    let queries = transpose(graph, &queries, [0, 2, 1, 3]);
    let keys = transpose(graph, &keys, [0, 2, 3, 1]);
    let values = transpose(graph, &values, [0, 2, 1, 3]);
    let scores = graph.node("MatMul", &[&queries, &keys], Vec::new());
    let shares = shares(graph, attention, &scores, places);
    let mixed = graph.node("MatMul", &[&shares, &values], Vec::new());
    let mixed = transpose(graph, &mixed, [0, 2, 1, 3]);
    let together = graph.ints(&[0, 0, width as i64]);
    let mixed = graph.node("Reshape", &[&mixed, &together], Vec::new());
    dense(graph, parameters, attention.output, &mixed)
}

/// Returns the attention weights of each step for itself and the earlier steps of the context: `[batch, heads, steps, steps]`.
fn shares(graph: &mut Graph, attention: Attention, scores: &Value, places: &Value) -> Value {
    let columns = attention.output.weight.inputs / attention.heads;
    let scale = graph.floats(&[], &[(columns as f32).sqrt().recip()]);
    let scaled = graph.node("Mul", &[scores, &scale], Vec::new());
    let rows = unsqueeze(graph, places, 1);
    let age = graph.node("Sub", &[&rows, places], Vec::new());
    let zero = graph.int(0);
    let context = graph.int(attention.context as i64);
    let past = graph.node("GreaterOrEqual", &[&age, &zero], Vec::new());
    let near = graph.node("Less", &[&age, &context], Vec::new());
    let seen = graph.node("And", &[&past, &near], Vec::new());
    let nothing = graph.floats(&[], &[f32::NEG_INFINITY]);
    let scores = graph.node("Where", &[&seen, &scaled, &nothing], Vec::new());
    graph.node("Softmax", &[&scores], vec![int("axis", -1)])
}
