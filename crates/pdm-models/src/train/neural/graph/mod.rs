//! The same networks as graphs of burn operations: for the backends of burn, and for tests of the native layers.
//!
//! Sequences of a batch are padded with zeros to one length: after their rows, where a causal network cannot see
//! them, or before the rows of a window, where the maps are set to zero.

mod bodies;

use burn::tensor::activation::{relu, tanh};
use burn::tensor::{Device, Int, Tensor, TensorData};

use self::bodies::Padded;
use super::batch::TrainingBatch;
use super::loss::ScaledLoss;
use crate::models::neural::layers::Dense;
use crate::models::neural::layout::{Vector, WeightMatrix};
use crate::models::neural::{Activation, Network, NetworkBody};

/// All parameters of a network, as one tensor that burn differentiates by.
#[derive(Debug, Clone)]
struct GraphParameters(Tensor<1>);

/// Returns the mean loss over all outputs of a batch, and its gradient by every parameter.
pub(super) fn loss_and_gradient(
    network: &Network,
    parameters: &[f32],
    batch: &TrainingBatch,
    loss: ScaledLoss,
    device: &Device,
) -> (f64, Vec<f32>) {
    let device = device.clone().autodiff();
    let vector = |values: &[f32]| {
        Tensor::<1>::from_data(TensorData::new(values.to_vec(), [values.len()]), &device)
    };
    let parameters = vector(parameters).require_grad();
    let labels: Vec<f32> = batch
        .chunks
        .iter()
        .flat_map(|labelled| &labelled.labels)
        .copied()
        .collect();
    let outputs = outputs(
        network,
        &GraphParameters(parameters.clone()),
        batch,
        &device,
    );
    let mean = losses(loss, outputs, vector(&labels).reshape([-1, 1])).mean();
    let mut gradients = mean.backward();
    let gradient = parameters
        .grad_remove(&mut gradients)
        .expect("the loss depends on the parameters");
    (f64::from(mean.into_scalar::<f32>()), values(gradient))
}

/// Returns the outputs `[judged rows, outputs]` of all chunks, in their order.
fn outputs(
    network: &Network,
    parameters: &GraphParameters,
    batch: &TrainingBatch,
    device: &Device,
) -> Tensor<2> {
    let padded = Padded::of(batch, network, device);
    let rows = match &network.body {
        NetworkBody::Recurrent(body) => bodies::recurrent(body, parameters, &padded),
        NetworkBody::Cnn(body) => bodies::cnn(body, parameters, &padded),
        NetworkBody::Tcn(body) => bodies::tcn(body, parameters, &padded),
        NetworkBody::Transformer(body) => bodies::transformer(body, parameters, &padded),
    };
    let judged = Tensor::<1, Int>::from_data(
        TensorData::new(padded.judged.clone(), [padded.judged.len()]),
        device,
    );
    let hidden = parameters.dense(&network.head, rows.select(0, judged));
    let hidden = match network.activation {
        Activation::Relu => relu(hidden),
        Activation::Tanh => tanh(hidden),
    };
    parameters.dense(&network.output, hidden)
}

/// Returns the loss of each of the outputs `[judged rows, outputs]` for the labels `[judged rows, 1]`.
fn losses(loss: ScaledLoss, outputs: Tensor<2>, labels: Tensor<2>) -> Tensor<2> {
    let d = outputs - labels;
    let squares = d.clone() * d.clone();
    match loss {
        ScaledLoss::Mse => squares,
        ScaledLoss::Huber { delta } => {
            let far = (d.abs().mul_scalar(2.0) - delta).mul_scalar(delta);
            let near = squares.clone().lower_equal_scalar(delta * delta);
            far.mask_where(near, squares)
        }
        ScaledLoss::Asymmetric { late } => {
            let late_squares = squares.clone().mul_scalar(late);
            squares.mask_where(d.greater_scalar(0.0), late_squares)
        }
        ScaledLoss::Quantile { levels } => {
            let levels = Tensor::<2>::from_data([levels], &d.device());
            relu(d.clone()) - d * levels
        }
    }
}

/// Returns the numbers of a tensor, row-major.
pub(super) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor
        .into_data()
        .try_into_vec()
        .expect("the tensors of a network hold f32")
}

impl GraphParameters {
    fn vector(&self, vector: Vector) -> Tensor<1> {
        self.0.clone().narrow(0, vector.start, vector.len)
    }

    fn matrix(&self, matrix: WeightMatrix) -> Tensor<2> {
        let WeightMatrix {
            start,
            inputs,
            outputs,
            ..
        } = matrix;
        self.0
            .clone()
            .narrow(0, start, inputs * outputs)
            .reshape([inputs, outputs])
    }

    /// Returns the outputs `[rows, outputs]` of a layer.
    fn dense(&self, layer: &Dense, inputs: Tensor<2>) -> Tensor<2> {
        inputs.matmul(self.matrix(layer.weight)) + self.vector(layer.bias).unsqueeze()
    }
}
