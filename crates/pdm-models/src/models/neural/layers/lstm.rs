//! Long short-term memory:
//!
//! `i, f, o = σ(a)`, `g = tanh(a_g)`, `c' = f ⊙ c + i ⊙ g`, `h' = o ⊙ tanh(c')`
//!
//! with `a` the sum of the input and the recurrent projection, and gates in PyTorch's order `i, f, g, o`. PyTorch has a
//! bias in both projections, of which only the sum matters: here only the input projection has one.

use super::recurrent::{CellBackward, CellForward, parts, parts_mut};
use crate::models::neural::kernel::{
    LaneFunction, Simd, WithSimd, lanes, sigmoid_lanes, sigmoid_slope, tanh_lanes, tanh_slope,
    vectorised,
};

/// Kept of a step: `i`, `f`, `g`, `o`, `tanh(c')` and `c'`.
pub(super) const KEPT: usize = 6;

/// Advances the states by one row.
pub(super) fn forward(step: CellForward<'_>) {
    vectorised(LstmForward(step));
}

/// Propagates the gradient back by one row.
pub(super) fn backward(step: CellBackward<'_>) {
    vectorised(LstmBackward(step));
}

struct LstmForward<'a>(CellForward<'a>);

impl WithSimd for LstmForward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let CellForward {
            hidden,
            input,
            kept_before,
            kept,
            state,
            ..
        } = self.0;
        let start = vec![0.0; hidden];
        let results = kept
            .chunks_exact_mut(KEPT * hidden)
            .zip(state.chunks_exact_mut(hidden));
        for (row, (a, (kept, state))) in input.chunks_exact(4 * hidden).zip(results).enumerate() {
            let [a_i, a_f, a_g, a_o] = parts(a, hidden);
            let [input, forget, candidate, output, squashed, memory] = parts_mut(kept, hidden);
            let inputs = [a_i, a_f, a_g, a_o, memory_before(kept_before, row, &start)];
            let outputs = [input, forget, candidate, output, squashed, memory, state];
            lanes::<LstmStep, S, 5, 7>(simd, inputs, outputs);
        }
    }
}

struct LstmStep;

impl LaneFunction<5, 7> for LstmStep {
    #[inline(always)]
    fn at<S: Simd>(
        simd: S,
        [a_i, a_f, a_g, a_o, c]: [S::f32s; 5],
        _: [S::f32s; 7],
    ) -> [S::f32s; 7] {
        let (i, f, o) = (
            sigmoid_lanes(simd, a_i),
            sigmoid_lanes(simd, a_f),
            sigmoid_lanes(simd, a_o),
        );
        let g = tanh_lanes(simd, a_g);
        let c = simd.mul_add_f32s(f, c, simd.mul_f32s(i, g));
        let t = tanh_lanes(simd, c);
        [i, f, g, o, t, c, simd.mul_f32s(o, t)]
    }
}

struct LstmBackward<'a>(CellBackward<'a>);

impl WithSimd for LstmBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let CellBackward {
            hidden,
            kept,
            kept_before,
            by_state,
            by_memory,
            by_input,
            ..
        } = self.0;
        let start = vec![0.0; hidden];
        let carried = by_state
            .chunks_exact_mut(hidden)
            .zip(by_memory.chunks_exact_mut(hidden));
        let rows = kept
            .chunks_exact(KEPT * hidden)
            .zip(carried)
            .zip(by_input.chunks_exact_mut(4 * hidden));
        for (row, ((kept, (by_state, by_memory)), projections)) in rows.enumerate() {
            let [input, forget, candidate, output, squashed, _] = parts(kept, hidden);
            let [by_i, by_f, by_g, by_o] = parts_mut(projections, hidden);
            let inputs = [
                input,
                forget,
                candidate,
                output,
                squashed,
                memory_before(kept_before, row, &start),
            ];
            let outputs = [by_state, by_memory, by_i, by_f, by_g, by_o];
            lanes::<LstmStepBack, S, 6, 6>(simd, inputs, outputs);
        }
    }
}

struct LstmStepBack;

impl LaneFunction<6, 6> for LstmStepBack {
    #[inline(always)]
    fn at<S: Simd>(
        simd: S,
        [i, f, g, o, t, c]: [S::f32s; 6],
        [by_h, by_c, ..]: [S::f32s; 6],
    ) -> [S::f32s; 6] {
        let by_c = simd.mul_add_f32s(simd.mul_f32s(by_h, o), tanh_slope(simd, t), by_c);
        let by_i = simd.mul_f32s(simd.mul_f32s(by_c, g), sigmoid_slope(simd, i));
        let by_f = simd.mul_f32s(simd.mul_f32s(by_c, c), sigmoid_slope(simd, f));
        let by_g = simd.mul_f32s(simd.mul_f32s(by_c, i), tanh_slope(simd, g));
        let by_o = simd.mul_f32s(simd.mul_f32s(by_h, t), sigmoid_slope(simd, o));
        [
            simd.splat_f32s(0.0),
            simd.mul_f32s(by_c, f),
            by_i,
            by_f,
            by_g,
            by_o,
        ]
    }
}

/// Returns the memory before a row, which is the last of what the cell kept of the row before it.
#[inline(always)]
fn memory_before<'a>(kept_before: &'a [f32], row: usize, start: &'a [f32]) -> &'a [f32] {
    let hidden = start.len();
    let end = (row + 1) * KEPT * hidden;
    if kept_before.is_empty() {
        start
    } else {
        &kept_before[end - hidden..end]
    }
}
