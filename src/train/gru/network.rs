use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::models::gru::{Dense, GruLayer};
use crate::models::{Gru, GruOptions};

/// Returns the backend that learns: flex, or the older ndarray where the program was built with that feature.
pub(super) fn training_device() -> Device {
    // Deprecated upstream; the feature exists for those who ask for it all the same.
    #[cfg(feature = "ndarray")]
    #[allow(deprecated)]
    let device = Device::ndarray();
    #[cfg(not(feature = "ndarray"))]
    let device = Device::flex();
    device.autodiff()
}

/// The parameters while they are learnt.
#[derive(Module, Debug)]
pub(super) struct GruNetwork {
    /// `[width, 3 · hidden]`
    pub(super) input: Linear,
    /// `[hidden, 3 · hidden]`
    pub(super) recurrent: Linear,
    /// `[hidden, head]`
    pub(super) head: Linear,
    /// `[head, 1]`
    pub(super) output: Linear,
}

impl GruNetwork {
    /// Draws the first weights as PyTorch does: the recurrent layer uniform within `1 / √hidden`, the others within
    /// `1 / √inputs`.
    pub(super) fn draw(width: usize, options: &GruOptions, device: &Device, rng: &mut ChaCha8Rng) -> Self {
        let (hidden, head) = (options.hidden, options.head);
        let mut linear = |inputs, outputs, fan: usize| draw_linear(inputs, outputs, fan, device, rng);
        Self {
            input: linear(width, 3 * hidden, hidden),
            recurrent: linear(hidden, 3 * hidden, hidden),
            head: linear(hidden, head, hidden),
            output: linear(head, 1, head),
        }
    }

    /// Returns the outputs `[steps, 1]` for the states `[steps, hidden]`.
    pub(super) fn read_out(&self, states: Tensor<2>) -> Tensor<2> {
        self.output.forward(relu(self.head.forward(states)))
    }

    /// Returns a copy of the recurrent layer for the plain forward pass.
    pub(super) fn layer(&self) -> GruLayer {
        GruLayer { input: dense(&self.input), recurrent: dense(&self.recurrent) }
    }

    /// Returns a model with a copy of the weights.
    pub(super) fn model(&self, stride: usize, label_scale: f32) -> Gru {
        Gru { layer: self.layer(), head: dense(&self.head), output: dense(&self.output), stride, label_scale }
    }
}

fn draw_linear(inputs: usize, outputs: usize, fan: usize, device: &Device, rng: &mut ChaCha8Rng) -> Linear {
    let bound = (fan as f32).sqrt().recip();
    let mut values = |count| (0..count).map(|_| rng.random_range(-bound..bound)).collect::<Vec<f32>>();
    let weight = Param::from_data(TensorData::new(values(inputs * outputs), [inputs, outputs]), device);
    let bias = Param::from_data(TensorData::new(values(outputs), [outputs]), device);
    Linear { weight, bias: Some(bias) }
}

fn dense(linear: &Linear) -> Dense {
    let bias = linear.bias.as_ref().map(|bias| values(bias.val())).unwrap_or_default();
    Dense { weight: values(linear.weight.val()), bias }
}

/// Returns the numbers of a tensor, row-major.
pub(super) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("the tensors of this network hold f32")
}
