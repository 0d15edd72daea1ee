use burn::nn::Linear;
use burn::nn::loss::{MseLoss, Reduction};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

use super::batch::Batch;
use super::network::{GruNetwork, values};
use super::recurrence::{ProjectionGradients, Trace};
use crate::models::gru::Dense;

/// Returns the mean squared error over all steps of a batch, and its gradient by every parameter.
///
/// Sequences run side by side; every sum over them is formed in their order, so threads change nothing.
pub(super) fn loss_and_gradients(network: &GruNetwork, batch: &Batch, device: &Device) -> (f32, GradientsParams) {
    let layer = network.layer();
    let width = layer.input.inputs();
    let run = |steps: &std::ops::Range<usize>| Trace::run(&layer, &batch.rows[steps.start * width..steps.end * width]);
    let traces: Vec<Trace> = batch.sequences.par_iter().map(run).collect();

    let (loss, state_gradient, mut gradients) = read_out(network, batch, &traces, device);

    let weight = transposed(&layer.recurrent);
    let hidden = layer.hidden();
    let back = |(trace, steps): (&Trace, &std::ops::Range<usize>)| {
        trace.backward(&weight, &state_gradient[steps.start * hidden..steps.end * hidden])
    };
    let projections: Vec<ProjectionGradients> = traces.par_iter().zip(&batch.sequences).map(back).collect();

    let matrix = |values: Vec<f32>, width| matrix(values, width, device);
    let by_input = matrix(projections.iter().flat_map(|p| &p.input).copied().collect(), 3 * hidden);
    let by_recurrent = matrix(projections.iter().flat_map(|p| &p.recurrent).copied().collect(), 3 * hidden);
    let before = traces.iter().flat_map(Trace::previous_states).collect();
    register(&mut gradients, &network.input, matrix(batch.rows.clone(), width), by_input);
    register(&mut gradients, &network.recurrent, matrix(before, hidden), by_recurrent);
    (loss, gradients)
}

/// Returns the loss, its gradient by the states `[steps, hidden]`, and its gradients by the head's parameters.
fn read_out(
    network: &GruNetwork,
    batch: &Batch,
    traces: &[Trace],
    device: &Device,
) -> (f32, Vec<f32>, GradientsParams) {
    let states: Vec<f32> = traces.iter().flat_map(|trace| &trace.states).copied().collect();
    let hidden = states.len() / batch.steps();
    let states = matrix(states, hidden, device).autodiff().require_grad();
    let labels = matrix(batch.labels.clone(), 1, device).autodiff();
    let loss = MseLoss::new().forward(network.read_out(states.clone()), labels, Reduction::Mean);
    let mut gradients = loss.backward();
    let by_states = states.grad_remove(&mut gradients).expect("the loss depends on the states");
    (loss.into_scalar(), values(by_states), GradientsParams::from_module(&mut gradients, network))
}

/// Registers the gradients of a layer from its inputs `[steps, inputs]` and the gradient by its outputs
/// `[steps, outputs]`.
fn register(gradients: &mut GradientsParams, layer: &Linear, inputs: Tensor<2>, by_outputs: Tensor<2>) {
    gradients.register(layer.weight.id, inputs.transpose().matmul(by_outputs.clone()));
    if let Some(bias) = &layer.bias {
        gradients.register(bias.id, by_outputs.sum_dims_squeeze::<1, _>(&[0]));
    }
}

fn matrix(values: Vec<f32>, width: usize, device: &Device) -> Tensor<2> {
    let rows = values.len() / width;
    Tensor::from_data(TensorData::new(values, [rows, width]), &device.clone().inner())
}

fn transposed(dense: &Dense) -> Vec<f32> {
    let (inputs, outputs) = (dense.inputs(), dense.bias.len());
    (0..outputs).flat_map(|j| (0..inputs).map(move |i| dense.weight[i * outputs + j])).collect()
}

#[cfg(test)]
mod tests {
    use burn::tensor::activation::{relu, sigmoid, tanh};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::features::Matrix;
    use crate::models::{GruOptions, Predictor};
    use crate::train::gru::network::training_device;

    fn batch(width: usize, lengths: &[usize]) -> Batch {
        let steps: usize = lengths.iter().sum();
        let mut start = 0;
        let sequences = lengths.iter().map(|length| {
            start += length;
            start - length..start
        });
        let sequences = sequences.collect();
        let rows = (0..steps * width).map(|i| (1.3 * i as f32).sin()).collect();
        Batch { rows, labels: (0..steps).map(|i| (0.7 * i as f32).cos()).collect(), sequences }
    }

    /// The same network by the book, one tensor operation after the other.
    fn by_the_book(network: &GruNetwork, batch: &Batch, device: &Device) -> Tensor<2> {
        let width = network.input.weight.val().dims()[0];
        let hidden = network.recurrent.weight.val().dims()[0];
        let mut outputs = Vec::new();
        for steps in &batch.sequences {
            let mut state = Tensor::<2>::zeros([1, hidden], device);
            for step in steps.clone() {
                let row = matrix(batch.rows[step * width..(step + 1) * width].to_vec(), width, device).autodiff();
                let (a, b) = (network.input.forward(row), network.recurrent.forward(state.clone()));
                let gate = |t: &Tensor<2>, i: usize| t.clone().narrow(1, i * hidden, hidden);
                let reset = sigmoid(gate(&a, 0) + gate(&b, 0));
                let update = sigmoid(gate(&a, 1) + gate(&b, 1));
                let candidate = tanh(gate(&a, 2) + reset * gate(&b, 2));
                state = candidate.clone() + update * (state - candidate);
                outputs.push(network.output.forward(relu(network.head.forward(state.clone()))));
            }
        }
        Tensor::cat(outputs, 0)
    }

    #[test]
    fn the_plain_forward_pass_predicts_the_same() {
        let device = training_device();
        let options = GruOptions { hidden: 48, head: 32, ..Default::default() };
        let network = GruNetwork::draw(29, &options, &device, &mut ChaCha8Rng::seed_from_u64(9));
        let batch = batch(29, &[136]);
        let gru = network.model(1, 1.0);
        let plain = gru.predict(&Matrix { width: 29, values: batch.rows.clone() });
        let book = values(by_the_book(&network, &batch, &device));
        assert!(plain.iter().zip(&book).all(|(a, b)| (a - f64::from(*b)).abs() < 1e-5));
        assert_eq!(plain.len(), book.len());
    }

    #[test]
    fn agrees_with_automatic_differentiation() {
        let device = training_device();
        let options = GruOptions { hidden: 5, head: 4, ..Default::default() };
        let network = GruNetwork::draw(3, &options, &device, &mut ChaCha8Rng::seed_from_u64(3));
        let batch = batch(3, &[6, 1, 9]);
        let (loss, ours) = loss_and_gradients(&network, &batch, &device);
        let labels = matrix(batch.labels.clone(), 1, &device).autodiff();
        let expected = (by_the_book(&network, &batch, &device) - labels).powi_scalar(2).mean();
        let book = GradientsParams::from_grads(expected.backward(), &network);
        assert!((loss - expected.into_scalar::<f32>()).abs() < 1e-6);
        for layer in [&network.input, &network.recurrent, &network.head, &network.output] {
            let (weight, bias) = (layer.weight.id, layer.bias.as_ref().unwrap().id);
            let pair = |grads: &GradientsParams| {
                [values(grads.get::<2>(weight).unwrap()), values(grads.get::<1>(bias).unwrap())].concat()
            };
            let (ours, book) = (pair(&ours), pair(&book));
            assert!(ours.iter().zip(&book).all(|(a, b)| (a - b).abs() < 1e-6), "{ours:?} {book:?}");
            assert!(book.iter().any(|g| g.abs() > 1e-3));
        }
    }
}
