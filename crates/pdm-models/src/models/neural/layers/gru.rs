//! The gated recurrent unit, its reset gate after the recurrent product:
//!
//! `r = σ(aᵣ + bᵣ)`, `z = σ(a_z + b_z)`, `n = tanh(aₙ + r ⊙ bₙ)`, `h' = n + z ⊙ (h − n)`
//!
//! with `a` the input and `b` the recurrent projection. PyTorch, ONNX (`linear_before_reset = 1`) and cuDNN compute
//! the same, with gates in the order `r, z, n`.

use super::recurrent::{CellBackward, CellForward, parts, parts_mut};
use crate::models::neural::kernel::{
    LaneFunction, Simd, WithSimd, lanes, sigmoid_lanes, sigmoid_slope, tanh_lanes, tanh_slope,
    vectorised,
};

/// Kept of a step: `r`, `z`, `n` and `bₙ`.
pub(super) const KEPT: usize = 4;

/// Advances the states by one row.
pub(super) fn forward(step: CellForward<'_>) {
    vectorised(GruForward(step));
}

/// Propagates the gradient back by one row.
pub(super) fn backward(step: CellBackward<'_>) {
    vectorised(GruBackward(step));
}

struct GruForward<'a>(CellForward<'a>);

impl WithSimd for GruForward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let CellForward {
            hidden,
            input,
            recurrent,
            before,
            kept,
            state,
            ..
        } = self.0;
        let projections = input
            .chunks_exact(3 * hidden)
            .zip(recurrent.chunks_exact(3 * hidden));
        let states = before
            .chunks_exact(hidden)
            .zip(state.chunks_exact_mut(hidden));
        for (((a, b), (before, state)), kept) in projections
            .zip(states)
            .zip(kept.chunks_exact_mut(KEPT * hidden))
        {
            let ([a_r, a_z, a_n], [b_r, b_z, b_n]) = (parts(a, hidden), parts(b, hidden));
            let [reset, update, candidate, kept_b] = parts_mut(kept, hidden);
            let inputs = [a_r, a_z, a_n, b_r, b_z, b_n, before];
            lanes::<GruStep, S, 7, 5>(simd, inputs, [reset, update, candidate, kept_b, state]);
        }
    }
}

struct GruStep;

impl LaneFunction<7, 5> for GruStep {
    #[inline(always)]
    fn at<S: Simd>(simd: S, inputs: [S::f32s; 7], _: [S::f32s; 5]) -> [S::f32s; 5] {
        let [a_r, a_z, a_n, b_r, b_z, b_n, h] = inputs;
        let r = sigmoid_lanes(simd, simd.add_f32s(a_r, b_r));
        let z = sigmoid_lanes(simd, simd.add_f32s(a_z, b_z));
        let n = tanh_lanes(simd, simd.mul_add_f32s(r, b_n, a_n));
        [r, z, n, b_n, simd.mul_add_f32s(z, simd.sub_f32s(h, n), n)]
    }
}

struct GruBackward<'a>(CellBackward<'a>);

impl WithSimd for GruBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let CellBackward {
            hidden,
            before,
            kept,
            by_state,
            by_input,
            by_recurrent,
            ..
        } = self.0;
        let known = before
            .chunks_exact(hidden)
            .zip(kept.chunks_exact(KEPT * hidden));
        let projections = by_input
            .chunks_exact_mut(3 * hidden)
            .zip(by_recurrent.chunks_exact_mut(3 * hidden));
        for (((before, kept), by_state), (a, b)) in known
            .zip(by_state.chunks_exact_mut(hidden))
            .zip(projections)
        {
            let [reset, update, candidate, kept_b] = parts(kept, hidden);
            let ([a_r, a_z, a_n], [b_r, b_z, b_n]) = (parts_mut(a, hidden), parts_mut(b, hidden));
            let inputs = [reset, update, candidate, kept_b, before];
            lanes::<GruStepBack, S, 5, 7>(simd, inputs, [by_state, a_r, a_z, a_n, b_r, b_z, b_n]);
        }
    }
}

struct GruStepBack;

impl LaneFunction<5, 7> for GruStepBack {
    #[inline(always)]
    fn at<S: Simd>(
        simd: S,
        [r, z, n, b_n, h]: [S::f32s; 5],
        [g, ..]: [S::f32s; 7],
    ) -> [S::f32s; 7] {
        let by_h = simd.mul_f32s(g, z);
        let by_n = simd.mul_f32s(simd.sub_f32s(g, by_h), tanh_slope(simd, n));
        let by_r = simd.mul_f32s(simd.mul_f32s(by_n, b_n), sigmoid_slope(simd, r));
        let by_z = simd.mul_f32s(
            simd.mul_f32s(g, simd.sub_f32s(h, n)),
            sigmoid_slope(simd, z),
        );
        [by_h, by_r, by_z, by_n, by_r, by_z, simd.mul_f32s(by_n, r)]
    }
}
