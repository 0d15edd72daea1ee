//! Arithmetic on plain slices, of which the layers are made.
//!
//! Sums have a fixed order with fused multiply-add, so results do not depend on the width of the machine's vectors.

mod elementwise;
mod lanes;
mod matrix;

pub(crate) use elementwise::{add, exp, relu, relu_back, tanh_all, tanh_back};
pub(crate) use lanes::{LaneFunction, lanes, sigmoid_lanes, sigmoid_slope, tanh_lanes, tanh_slope};
pub(crate) use matrix::{Packed, View, multiply_add};
pub(crate) use pulp::{NullaryFnOnce as Work, Simd, WithSimd};

/// Runs code with the widest vector instructions this machine has.
///
/// [`Work`] and [`WithSimd`] are implemented by structs whose method is marked `#[inline(always)]`: only code that is
/// inlined there is compiled with those instructions, and a closure cannot be marked.
#[inline]
pub(crate) fn vectorised<W: WithSimd>(work: W) -> W::Output {
    // Listed here instead of using pulp's feature `x86-v3`, which would rebuild burn's CPU backend with other code.
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        return Simd::vectorize(simd, work);
    }
    pulp::Arch::new().dispatch(work)
}
