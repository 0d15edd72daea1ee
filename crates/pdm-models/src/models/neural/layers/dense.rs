//! Fully connected layers.

use crate::models::neural::kernel::{Packed, View, add, multiply_add};
use crate::models::neural::layout::{Init, ParameterLayout, Vector, WeightMatrix, Weights};

/// A fully connected layer on every row: `output = bias + input · weight`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Dense {
    /// `[inputs, outputs]`
    pub(crate) weight: WeightMatrix,
    /// `[outputs]`
    pub(crate) bias: Vector,
}

impl Dense {
    /// Adds the layer to a network, initialised as in PyTorch: uniform within `1 / √fan`.
    pub(crate) fn new(
        layout: &mut ParameterLayout,
        name: &str,
        [inputs, outputs]: [usize; 2],
        fan: usize,
    ) -> Self {
        let weight = layout.matrix(&format!("{name}.weight"), [inputs, outputs], fan);
        let bias = layout.vector(&format!("{name}.bias"), &[outputs], Init::of_fan(fan));
        Self { weight, bias }
    }

    /// Returns the outputs `[rows, outputs]` of the inputs `[rows, inputs]`.
    pub(crate) fn apply(&self, weights: &Weights, inputs: &[f32]) -> Vec<f32> {
        let rows = inputs.len() / self.weight.inputs;
        let bias = self.bias.of(&weights.parameters);
        let mut outputs = bias.repeat(rows);
        multiply_add(
            View::new(inputs, self.weight.inputs),
            weights.packed(self.weight),
            &mut outputs,
            bias.len(),
        );
        outputs
    }

    /// Adds the gradient by the layer's parameters, given the gradient by its outputs.
    pub(crate) fn learn(&self, inputs: &[f32], by_outputs: &[f32], gradient: &mut [f32]) {
        self.learn_packed(
            inputs,
            by_outputs,
            &Packed::of(View::new(by_outputs, self.weight.outputs)),
            gradient,
        );
    }

    /// The same, given also the packed gradient by the outputs.
    pub(crate) fn learn_packed(
        &self,
        inputs: &[f32],
        by_outputs: &[f32],
        packed: &Packed,
        gradient: &mut [f32],
    ) {
        let outputs = self.weight.outputs;
        let columns = View::new(inputs, self.weight.inputs).transposed();
        multiply_add(columns, packed, self.weight.of_mut(gradient), outputs);
        let bias = self.bias.of_mut(gradient);
        by_outputs
            .chunks_exact(outputs)
            .for_each(|row| add(row, bias));
    }

    /// Returns the gradient by the inputs `[rows, inputs]`, given the gradient by the outputs.
    pub(crate) fn back(&self, weights: &Weights, by_outputs: &[f32]) -> Vec<f32> {
        let (inputs, outputs) = (self.weight.inputs, self.weight.outputs);
        let mut by_inputs = vec![0.0; by_outputs.len() / outputs * inputs];
        multiply_add(
            View::new(by_outputs, outputs),
            weights.transposed(self.weight),
            &mut by_inputs,
            inputs,
        );
        by_inputs
    }
}
