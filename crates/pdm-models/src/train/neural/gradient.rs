//! The gradient of the native backend.

use rayon::prelude::*;

use super::batch::{Labelled, TrainingBatch};
use super::loss::ScaledLoss;
use crate::models::neural::{Network, Weights};

/// Returns the mean loss over all outputs of a batch, and its gradient by every parameter.
///
/// Chunks run in parallel; sums over them are formed in their order, so the number of threads changes nothing.
pub(super) fn loss_and_gradient(
    network: &Network,
    parameters: &[f32],
    batch: &TrainingBatch,
    loss: ScaledLoss,
) -> (f64, Vec<f32>) {
    let weights = Weights::for_gradients(&network.layout, parameters.to_vec());
    let share = ((batch.judged_rows() * loss.outputs()) as f32).recip();
    let parts: Vec<_> = batch
        .chunks
        .par_iter()
        .map(|labelled| of_chunk(network, &weights, labelled, loss, share))
        .collect();
    let mut parts = parts.into_iter();
    let (mut total, mut gradient) = parts
        .next()
        .unwrap_or_else(|| (0.0, vec![0.0; parameters.len()]));
    for (loss, part) in parts {
        total += loss;
        gradient
            .iter_mut()
            .zip(&part)
            .for_each(|(sum, g)| *sum += g);
    }
    (total, gradient)
}

/// Returns a chunk's part of the mean loss and of its gradient; `share` is one over the number of all outputs.
fn of_chunk(
    network: &Network,
    weights: &Weights,
    labelled: &Labelled,
    loss: ScaledLoss,
    share: f32,
) -> (f64, Vec<f32>) {
    let (mut outputs, way_back) = network.forward(weights, &labelled.chunk);
    let mut total = 0.0;
    for (outputs, label) in outputs
        .chunks_exact_mut(loss.outputs())
        .zip(&labelled.labels)
    {
        for (number, output) in outputs.iter_mut().enumerate() {
            let (value, slope) = loss.of(number, *output, *label);
            total += f64::from(value);
            *output = share * slope;
        }
    }
    let mut gradient = vec![0.0; weights.parameters.len()];
    way_back(&outputs, &mut gradient);
    (total * f64::from(share), gradient)
}
