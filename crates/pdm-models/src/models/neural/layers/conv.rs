//! Causal convolutions.

use crate::models::neural::kernel::{Packed, View, add, multiply_add};
use crate::models::neural::layout::{Init, ParameterLayout, Vector, WeightMatrix, Weights};

/// A causal convolution along each sequence: `output[t] = bias + Σₖ input[t − (taps − 1 − k) · dilation] · weight[k]`,
/// with zeros before the first row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Conv {
    /// The oldest first, each `[inputs, outputs]`.
    pub(crate) taps: Vec<WeightMatrix>,
    /// `[outputs]`
    pub(crate) bias: Vector,
    /// Rows from one tap to the next.
    pub(crate) dilation: usize,
}

/// One tap over one sequence: the rows it reads and, later by a shift, the rows it writes.
struct Reach {
    tap: WeightMatrix,
    from: std::ops::Range<usize>,
    to: std::ops::Range<usize>,
}

impl Conv {
    /// Adds the layer to a network.
    pub(crate) fn new(
        layout: &mut ParameterLayout,
        name: &str,
        [inputs, outputs]: [usize; 2],
        taps: usize,
        dilation: usize,
    ) -> Self {
        let fan = inputs * taps;
        let weights = layout.matrices(&format!("{name}.weight"), [taps, inputs, outputs], fan);
        let bias = layout.vector(&format!("{name}.bias"), &[outputs], Init::of_fan(fan));
        Self {
            taps: weights,
            bias,
            dilation,
        }
    }

    /// Returns the outputs `[rows, outputs]` of sequences of these lengths.
    pub(crate) fn apply(&self, weights: &Weights, lengths: &[usize], inputs: &[f32]) -> Vec<f32> {
        let bias = self.bias.of(&weights.parameters);
        let rows: usize = lengths.iter().sum();
        let mut outputs = bias.repeat(rows);
        self.each(lengths, |Reach { tap, from, to }| {
            let part = View::new(
                &inputs[from.start * tap.inputs..from.end * tap.inputs],
                tap.inputs,
            );
            let result = &mut outputs[to.start * tap.outputs..to.end * tap.outputs];
            multiply_add(part, weights.packed(tap), result, tap.outputs);
        });
        outputs
    }

    /// Adds the gradient by the layer's parameters, given the gradient by its outputs.
    pub(crate) fn learn(
        &self,
        lengths: &[usize],
        inputs: &[f32],
        by_outputs: &[f32],
        gradient: &mut [f32],
    ) {
        self.each(lengths, |Reach { tap, from, to }| {
            let part = View::new(
                &inputs[from.start * tap.inputs..from.end * tap.inputs],
                tap.inputs,
            );
            let by_part = View::new(
                &by_outputs[to.start * tap.outputs..to.end * tap.outputs],
                tap.outputs,
            );
            multiply_add(
                part.transposed(),
                &Packed::of(by_part),
                tap.of_mut(gradient),
                tap.outputs,
            );
        });
        let bias = self.bias.of_mut(gradient);
        by_outputs
            .chunks_exact(bias.len())
            .for_each(|row| add(row, bias));
    }

    /// Returns the gradient by the inputs, given the gradient by the outputs.
    pub(crate) fn back(
        &self,
        weights: &Weights,
        lengths: &[usize],
        by_outputs: &[f32],
    ) -> Vec<f32> {
        let rows: usize = lengths.iter().sum();
        let mut by_inputs = vec![0.0; rows * self.taps[0].inputs];
        self.each(lengths, |Reach { tap, from, to }| {
            let by_part = View::new(
                &by_outputs[to.start * tap.outputs..to.end * tap.outputs],
                tap.outputs,
            );
            let result = &mut by_inputs[from.start * tap.inputs..from.end * tap.inputs];
            multiply_add(by_part, weights.transposed(tap), result, tap.inputs);
        });
        by_inputs
    }

    fn each(&self, lengths: &[usize], mut visit: impl FnMut(Reach)) {
        let mut start = 0;
        for length in lengths {
            let end = start + length;
            for (k, tap) in self.taps.iter().enumerate() {
                let shift = (self.taps.len() - 1 - k) * self.dilation;
                if shift < *length {
                    visit(Reach {
                        tap: *tap,
                        from: start..end - shift,
                        to: start + shift..end,
                    });
                }
            }
            start = end;
        }
    }
}
