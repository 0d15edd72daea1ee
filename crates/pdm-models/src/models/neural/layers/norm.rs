//! Layer normalisation.

use crate::models::neural::kernel::{Work, vectorised};
use crate::models::neural::layout::{Init, ParameterLayout, Vector, Weights};

/// Added to the variance.
pub(crate) const EPSILON: f32 = 1e-5;

/// Layer normalisation of every row (Ba, Kiros, Hinton, 2016): `output = scale ⊙ (x − mean) / √(variance + ε) + shift`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Norm {
    /// `[width]`
    pub(crate) scale: Vector,
    /// `[width]`
    pub(crate) shift: Vector,
}

/// Values that the backward pass needs: the standardised rows `[rows, width]` and `1 / √(variance + ε)` of each.
#[derive(Debug, Clone)]
pub(crate) struct NormKept {
    standardised: Vec<f32>,
    factors: Vec<f32>,
}

impl Norm {
    /// Adds the layer to a network.
    pub(crate) fn new(layout: &mut ParameterLayout, name: &str, width: usize) -> Self {
        let scale = layout.vector(&format!("{name}.weight"), &[width], Init::Constant(1.0));
        Self {
            scale,
            shift: layout.vector(&format!("{name}.bias"), &[width], Init::Constant(0.0)),
        }
    }

    /// Returns the normalised rows.
    pub(crate) fn forward(&self, weights: &Weights, inputs: &[f32]) -> (Vec<f32>, NormKept) {
        let (scale, shift) = (
            self.scale.of(&weights.parameters),
            self.shift.of(&weights.parameters),
        );
        let mut outputs = vec![0.0; inputs.len()];
        let mut kept = NormKept {
            standardised: inputs.to_vec(),
            factors: vec![0.0; inputs.len() / scale.len()],
        };
        vectorised(NormForward {
            scale,
            shift,
            kept: &mut kept,
            outputs: &mut outputs,
        });
        (outputs, kept)
    }

    /// Adds the gradient by scale and shift, and returns the gradient by the inputs.
    pub(crate) fn backward(
        &self,
        weights: &Weights,
        kept: &NormKept,
        by_outputs: &[f32],
        gradient: &mut [f32],
    ) -> Vec<f32> {
        let mut by_inputs = by_outputs.to_vec();
        let width = self.scale.len;
        // Scale and shift are adjacent.
        let (by_scale, by_shift) =
            gradient[self.scale.start..self.shift.start + width].split_at_mut(width);
        let scale = self.scale.of(&weights.parameters);
        vectorised(NormBackward {
            scale,
            kept,
            by_inputs: &mut by_inputs,
            by_scale,
            by_shift,
        });
        by_inputs
    }
}

struct NormForward<'a> {
    scale: &'a [f32],
    shift: &'a [f32],
    kept: &'a mut NormKept,
    outputs: &'a mut [f32],
}

impl Work for NormForward<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let width = self.scale.len();
        let rows = self
            .kept
            .standardised
            .chunks_exact_mut(width)
            .zip(&mut self.kept.factors);
        for ((row, factor), output) in rows.zip(self.outputs.chunks_exact_mut(width)) {
            let mean = sum(row, |x, _| x, row) / width as f32;
            row.iter_mut().for_each(|x| *x -= mean);
            *factor = (sum(row, |x, _| x * x, row) / width as f32 + EPSILON)
                .sqrt()
                .recip();
            row.iter_mut().for_each(|x| *x *= *factor);
            for ((out, x), (scale, shift)) in output
                .iter_mut()
                .zip(row)
                .zip(self.scale.iter().zip(self.shift))
            {
                *out = x.mul_add(*scale, *shift);
            }
        }
    }
}

struct NormBackward<'a> {
    scale: &'a [f32],
    kept: &'a NormKept,
    by_inputs: &'a mut [f32],
    by_scale: &'a mut [f32],
    by_shift: &'a mut [f32],
}

impl Work for NormBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let width = self.scale.len();
        let rows = self
            .kept
            .standardised
            .chunks_exact(width)
            .zip(&self.kept.factors);
        for ((x, factor), g) in rows.zip(self.by_inputs.chunks_exact_mut(width)) {
            for ((by_scale, by_shift), (x, g)) in self
                .by_scale
                .iter_mut()
                .zip(&mut *self.by_shift)
                .zip(x.iter().zip(&*g))
            {
                *by_scale = x.mul_add(*g, *by_scale);
                *by_shift += g;
            }
            g.iter_mut()
                .zip(self.scale)
                .for_each(|(g, scale)| *g *= scale);
            let mean = sum(g, |g, _| g, g) / width as f32;
            let along = sum(g, |g, x| g * x, x) / width as f32;
            g.iter_mut()
                .zip(x)
                .for_each(|(g, x)| *g = factor * (*g - mean - x * along));
        }
    }
}

/// Returns the sum of a function over two rows, in eight lanes so that it can be vectorised.
#[inline(always)]
fn sum(a: &[f32], function: impl Fn(f32, f32) -> f32, b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut lanes = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        (0..8).for_each(|i| lanes[i] += function(a[i], b[i]));
    }
    let rest: f32 = a_rest
        .iter()
        .zip(b_rest)
        .map(|(a, b)| function(*a, *b))
        .sum();
    lanes.iter().sum::<f32>() + rest
}
