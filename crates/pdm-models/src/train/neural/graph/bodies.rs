//! The layers between inputs and head, as operations of burn.

use burn::tensor::activation::{relu, sigmoid, softmax, tanh};
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Bool, Device, Tensor, TensorData};

use super::GraphParameters;
use crate::models::neural::Network;
use crate::models::neural::families::{Block, Cnn, Encoder, RecurrentLayers, Tcn, Transformer};
use crate::models::neural::layers::{Attention, Cell, Conv, Norm, Recurrent};
use crate::train::neural::batch::TrainingBatch;

/// All sequences of a batch at one length.
pub(super) struct Padded {
    /// `[sequences, steps, width]`
    rows: Tensor<3>,
    /// Rows of each sequence.
    lengths: Vec<usize>,
    /// The rows at which there is an output, among `sequences · steps` rows, or among the sequences for windows.
    pub(super) judged: Vec<i32>,
    device: Device,
}

impl Padded {
    pub(super) fn of(batch: &TrainingBatch, network: &Network, device: &Device) -> Self {
        let chunks = || batch.chunks.iter().map(|labelled| &labelled.chunk);
        let lengths: Vec<usize> = chunks().flat_map(|chunk| chunk.lengths.clone()).collect();
        let rows: usize = lengths.iter().sum();
        let values: Vec<f32> = chunks().flat_map(|chunk| &chunk.rows).copied().collect();
        let width = values.len() / rows.max(1);
        let window = network.body.window();
        let steps = window.unwrap_or(lengths.iter().copied().max().unwrap_or(0));
        let window = window.is_some();
        let mut padded = vec![0.0; lengths.len() * steps * width];
        let (mut judged, mut start) = (Vec::new(), 0);
        for (i, length) in lengths.iter().enumerate() {
            let first = i * steps + if window { steps - length } else { 0 };
            padded[first * width..(first + length) * width]
                .copy_from_slice(&values[start * width..(start + length) * width]);
            start += length;
            match (window, batch.chunks[0].chunk.last_only) {
                (true, _) => judged.push(i as i32),
                (false, true) => judged.push((first + length - 1) as i32),
                (false, false) => judged.extend((first..first + length).map(|row| row as i32)),
            }
        }
        let rows = Tensor::from_data(
            TensorData::new(padded, [lengths.len(), steps, width]),
            device,
        );
        Self {
            rows,
            lengths,
            judged,
            device: device.clone(),
        }
    }
}

/// Returns the states of the last layer, `[sequences · steps, hidden]`.
pub(super) fn recurrent(
    body: &RecurrentLayers,
    parameters: &GraphParameters,
    padded: &Padded,
) -> Tensor<2> {
    let rows = body.layers.iter().fold(padded.rows.clone(), |rows, layer| {
        unrolled(layer, parameters, rows)
    });
    flat(rows)
}

fn unrolled(layer: &Recurrent, parameters: &GraphParameters, rows: Tensor<3>) -> Tensor<3> {
    let [sequences, steps, _] = rows.dims();
    let (hidden, gates) = (layer.hidden(), layer.cell.gates() * layer.hidden());
    let inputs = parameters
        .dense(&layer.input, flat(rows.clone()))
        .reshape([sequences, steps, gates]);
    let mut state = Tensor::<2>::zeros([sequences, hidden], &rows.device());
    let mut memory = state.clone();
    let mut states = Vec::with_capacity(steps);
    for step in 0..steps {
        let a = inputs
            .clone()
            .narrow(1, step, 1)
            .reshape([sequences, gates]);
        let b = state.clone().matmul(parameters.matrix(layer.recurrent));
        let b = match layer.recurrent_bias {
            Some(bias) => b + parameters.vector(bias).unsqueeze(),
            None => b,
        };
        (state, memory) = match layer.cell {
            Cell::Gru => (gru(a, b, state, hidden), memory),
            Cell::Lstm => lstm(a, b, memory, hidden),
        };
        states.push(state.clone());
    }
    Tensor::stack(states, 1)
}

fn gru(a: Tensor<2>, b: Tensor<2>, state: Tensor<2>, hidden: usize) -> Tensor<2> {
    let gate = |t: &Tensor<2>, i: usize| t.clone().narrow(1, i * hidden, hidden);
    let reset = sigmoid(gate(&a, 0) + gate(&b, 0));
    let update = sigmoid(gate(&a, 1) + gate(&b, 1));
    let candidate = tanh(gate(&a, 2) + reset * gate(&b, 2));
    candidate.clone() + update * (state - candidate)
}

fn lstm(a: Tensor<2>, b: Tensor<2>, memory: Tensor<2>, hidden: usize) -> (Tensor<2>, Tensor<2>) {
    let sum = a + b;
    let gate = |i: usize| sum.clone().narrow(1, i * hidden, hidden);
    let memory = sigmoid(gate(1)) * memory + sigmoid(gate(0)) * tanh(gate(2));
    (sigmoid(gate(3)) * tanh(memory.clone()), memory)
}

/// Returns the outputs of the last block, `[sequences · steps, channels]`.
pub(super) fn tcn(body: &Tcn, parameters: &GraphParameters, padded: &Padded) -> Tensor<2> {
    flat(body.blocks.iter().fold(padded.rows.clone(), |rows, block| {
        residual(block, parameters, rows)
    }))
}

fn residual(block: &Block, parameters: &GraphParameters, rows: Tensor<3>) -> Tensor<3> {
    let inside = relu(causal(&block.first, parameters, rows.clone()));
    let inside = relu(causal(&block.second, parameters, inside));
    let [sequences, steps, _] = rows.dims();
    let outside = match &block.skip {
        Some(skip) => parameters
            .dense(skip, flat(rows))
            .reshape([sequences, steps, skip.bias.len]),
        None => rows,
    };
    relu(inside + outside)
}

fn causal(conv: &Conv, parameters: &GraphParameters, rows: Tensor<3>) -> Tensor<3> {
    let [sequences, steps, inputs] = rows.dims();
    let mut sum =
        parameters
            .vector(conv.bias)
            .unsqueeze::<3>()
            .expand([sequences, steps, conv.bias.len]);
    for (k, tap) in conv.taps.iter().enumerate() {
        let shift = ((conv.taps.len() - 1 - k) * conv.dilation).min(steps);
        let zeros = Tensor::<3>::zeros([sequences, shift, inputs], &rows.device());
        let shifted =
            Tensor::cat(vec![zeros, rows.clone().narrow(1, 0, steps)], 1).narrow(1, 0, steps);
        sum = sum
            + flat(shifted).matmul(parameters.matrix(*tap)).reshape([
                sequences,
                steps,
                tap.outputs,
            ]);
    }
    sum
}

/// Returns the outputs `[sequences · steps, width]`.
pub(super) fn transformer(
    body: &Transformer,
    parameters: &GraphParameters,
    padded: &Padded,
) -> Tensor<2> {
    let ([sequences, steps, _], width) = (padded.rows.dims(), body.width());
    let last = body.positions.len() / width - 1;
    let signal =
        |step: usize| &body.positions[step.min(last) * width..(step.min(last) + 1) * width];
    let signal: Vec<f32> = (0..steps).flat_map(signal).copied().collect();
    let signal = Tensor::<3>::from_data(TensorData::new(signal, [1, steps, width]), &padded.device);
    let mut x = parameters
        .dense(&body.input, flat(padded.rows.clone()))
        .reshape([sequences, steps, width])
        + signal;
    for encoder in &body.encoders {
        x = encode(encoder, parameters, x);
    }
    normalised(&body.norm, parameters, flat(x))
}

fn encode(encoder: &Encoder, parameters: &GraphParameters, x: Tensor<3>) -> Tensor<3> {
    let shape = x.dims();
    let normed = normalised(&encoder.before_attention, parameters, flat(x.clone())).reshape(shape);
    let x = x + attend(&encoder.attention, parameters, normed);
    let normed = normalised(&encoder.before_feed_forward, parameters, flat(x.clone()));
    let expanded = relu(parameters.dense(&encoder.expand, normed));
    x + parameters.dense(&encoder.contract, expanded).reshape(shape)
}

fn attend(attention: &Attention, parameters: &GraphParameters, x: Tensor<3>) -> Tensor<3> {
    let [sequences, steps, width] = x.dims();
    let columns = width / attention.heads;
    let device = x.device();
    let projected =
        parameters
            .dense(&attention.projections, flat(x))
            .reshape([sequences, steps, 3 * width]);
    let part = |i: usize| {
        let part = projected.clone().narrow(2, i * width, width);
        part.reshape([sequences, steps, attention.heads, columns])
            .swap_dims(1, 2)
    };
    let scores = part(0)
        .matmul(part(1).swap_dims(2, 3))
        .mul_scalar((columns as f32).sqrt().recip());
    let hidden = |at: usize| {
        let (row, seen) = (at / steps, at % steps);
        seen > row || seen + attention.context <= row
    };
    let hidden: Vec<bool> = (0..steps * steps).map(hidden).collect();
    let hidden =
        Tensor::<4, Bool>::from_data(TensorData::new(hidden, [1, 1, steps, steps]), &device);
    let shares = softmax(
        scores.mask_fill(
            hidden.expand([sequences, attention.heads, steps, steps]),
            -1e9,
        ),
        3,
    );
    let mixed: Tensor<2> = shares
        .matmul(part(2))
        .swap_dims(1, 2)
        .reshape([sequences * steps, width]);
    parameters
        .dense(&attention.output, mixed)
        .reshape([sequences, steps, width])
}

fn normalised(norm: &Norm, parameters: &GraphParameters, rows: Tensor<2>) -> Tensor<2> {
    let centred = rows.clone() - rows.mean_dim(1);
    let variance = (centred.clone() * centred.clone()).mean_dim(1);
    let scale = parameters.vector(norm.scale).unsqueeze();
    centred / (variance + 1e-5).sqrt() * scale + parameters.vector(norm.shift).unsqueeze()
}

/// Returns the last maps, `[windows, window · features]`.
pub(super) fn cnn(body: &Cnn, parameters: &GraphParameters, padded: &Padded) -> Tensor<2> {
    let [windows, steps, features] = padded.rows.dims();
    let present = padded
        .lengths
        .iter()
        .flat_map(|length| (0..steps).map(move |step| f32::from(step + length >= steps)));
    let present = TensorData::new(present.collect::<Vec<f32>>(), [windows, 1, steps, 1]);
    let present = Tensor::<4>::from_data(present, &padded.device);
    let mut maps: Tensor<4> = padded.rows.clone().reshape([windows, 1, steps, features]);
    for conv in &body.convs {
        let weight = parameters
            .vector(conv.weight)
            .reshape([conv.taps, conv.inputs, conv.bias.len, 1])
            .swap_dims(0, 2);
        let [before, after] = conv.padding();
        let options = ConvOptions {
            stride: [1, 1],
            padding: [(before, after), (0, 0)],
            dilation: [1, 1],
            groups: 1,
        };
        maps = tanh(conv2d(
            maps,
            weight,
            Some(parameters.vector(conv.bias)),
            options,
        )) * present.clone();
    }
    maps.reshape([windows, steps * features])
}

fn flat(rows: Tensor<3>) -> Tensor<2> {
    let [sequences, steps, width] = rows.dims();
    rows.reshape([sequences * steps, width])
}
