//! Functions of numbers, a vector at a time.

use pulp::Simd;

use super::elementwise::{TANH_EVEN, TANH_LIMIT, TANH_ODD};

/// A function of `N` numbers and of the `M` numbers it replaces, for all lanes of a vector at once.
///
/// A trait, because a closure cannot be marked for inlining, and only inlined code becomes vector instructions.
pub(crate) trait LaneFunction<const N: usize, const M: usize> {
    /// Returns the new numbers. To be marked `#[inline(always)]`.
    fn at<S: Simd>(simd: S, inputs: [S::f32s; N], outputs: [S::f32s; M]) -> [S::f32s; M];
}

/// Computes `outputs` from `inputs`, which are all of one length, a vector at a time.
///
/// All vectors are read before any is written: the compiler does not know that the slices do not overlap, and would process
/// such a loop number by number.
#[inline(always)]
pub(crate) fn lanes<F: LaneFunction<N, M>, S: Simd, const N: usize, const M: usize>(
    simd: S,
    inputs: [&[f32]; N],
    mut outputs: [&mut [f32]; M],
) {
    let length = outputs[0].len();
    let width = S::F32_LANES;
    let whole = length / width * width;
    let (x, y) = (
        whole_lanes::<S, N>(&inputs, whole),
        whole_lanes_mut::<S, M>(&mut outputs, whole),
    );
    for i in 0..whole / width {
        let mut values = [simd.splat_f32s(0.0); N];
        for k in 0..N {
            values[k] = x[k][i];
        }
        let mut results = [simd.splat_f32s(0.0); M];
        for k in 0..M {
            results[k] = y[k][i];
        }
        let results = F::at(simd, values, results);
        for k in 0..M {
            y[k][i] = results[k];
        }
    }
    if whole < length {
        rest::<F, S, N, M>(simd, inputs, outputs, whole);
    }
}

#[inline(always)]
fn whole_lanes<'a, S: Simd, const N: usize>(
    slices: &[&'a [f32]; N],
    whole: usize,
) -> [&'a [S::f32s]; N] {
    let mut found: [&[S::f32s]; N] = [&[]; N];
    for k in 0..N {
        found[k] = &S::as_simd_f32s(&slices[k][..whole]).0[..whole / S::F32_LANES];
    }
    found
}

#[inline(always)]
fn whole_lanes_mut<'a, S: Simd, const M: usize>(
    slices: &'a mut [&mut [f32]; M],
    whole: usize,
) -> [&'a mut [S::f32s]; M] {
    slices
        .each_mut()
        .map(|slice| &mut S::as_mut_simd_f32s(&mut slice[..whole]).0[..whole / S::F32_LANES])
}

/// Computes the last few numbers, fewer than a vector holds.
#[inline(always)]
fn rest<F: LaneFunction<N, M>, S: Simd, const N: usize, const M: usize>(
    simd: S,
    inputs: [&[f32]; N],
    outputs: [&mut [f32]; M],
    from: usize,
) {
    let mut values = [simd.splat_f32s(0.0); N];
    for k in 0..N {
        values[k] = simd.partial_load_f32s(&inputs[k][from..]);
    }
    let mut results = [simd.splat_f32s(0.0); M];
    for k in 0..M {
        results[k] = simd.partial_load_f32s(&outputs[k][from..]);
    }
    let results = F::at(simd, values, results);
    for k in 0..M {
        simd.partial_store_f32s(&mut outputs[k][from..], results[k]);
    }
}

/// Returns the hyperbolic tangent of each lane, as `tanh` does.
#[inline(always)]
pub(crate) fn tanh_lanes<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    // In this order NaN lanes stay NaN.
    let x = simd.min_f32s(
        simd.splat_f32s(TANH_LIMIT),
        simd.max_f32s(simd.splat_f32s(-TANH_LIMIT), x),
    );
    let s = simd.mul_f32s(x, x);
    simd.div_f32s(
        simd.mul_f32s(x, horner(simd, &TANH_ODD, s)),
        horner(simd, &TANH_EVEN, s),
    )
}

#[inline(always)]
fn horner<S: Simd, const N: usize>(simd: S, coefficients: &[f32; N], x: S::f32s) -> S::f32s {
    let mut sum = simd.splat_f32s(coefficients[0]);
    for coefficient in &coefficients[1..] {
        sum = simd.mul_add_f32s(sum, x, simd.splat_f32s(*coefficient));
    }
    sum
}

/// Returns the logistic function of each lane, computed from the hyperbolic tangent.
#[inline(always)]
pub(crate) fn sigmoid_lanes<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let half = simd.splat_f32s(0.5);
    simd.mul_add_f32s(half, tanh_lanes(simd, simd.mul_f32s(half, x)), half)
}

/// Returns the derivative of the logistic function, given its value.
#[inline(always)]
pub(crate) fn sigmoid_slope<S: Simd>(simd: S, value: S::f32s) -> S::f32s {
    simd.mul_f32s(value, simd.sub_f32s(simd.splat_f32s(1.0), value))
}

/// Returns the derivative of the hyperbolic tangent, given its value.
#[inline(always)]
pub(crate) fn tanh_slope<S: Simd>(simd: S, value: S::f32s) -> S::f32s {
    simd.sub_f32s(simd.splat_f32s(1.0), simd.mul_f32s(value, value))
}

#[cfg(test)]
mod tests {
    use pulp::WithSimd;

    use super::*;
    use crate::models::neural::kernel::elementwise::tanh;
    use crate::models::neural::kernel::vectorised;

    struct Both<'a>(&'a [f32], [&'a mut [f32]; 2]);

    impl WithSimd for Both<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            lanes::<Added, S, 1, 2>(simd, [self.0], self.1);
        }
    }

    struct Added;

    impl LaneFunction<1, 2> for Added {
        #[inline(always)]
        fn at<S: Simd>(simd: S, [x]: [S::f32s; 1], [y, z]: [S::f32s; 2]) -> [S::f32s; 2] {
            [
                simd.add_f32s(y, tanh_lanes(simd, x)),
                simd.add_f32s(z, sigmoid_lanes(simd, x)),
            ]
        }
    }

    #[test]
    fn lanes_and_single_numbers_agree_at_every_length() {
        for length in 0..40 {
            let x: Vec<f32> = (0..length).map(|i| 9.0 * (i as f32 * 0.9).sin()).collect();
            let (mut y, mut z) = (vec![1.0; length], vec![2.0; length]);
            vectorised(Both(&x, [&mut y, &mut z]));
            for ((x, y), z) in x.iter().zip(y).zip(z) {
                assert!(
                    (y - 1.0 - tanh(*x)).abs() < 1e-6
                        && (z - 2.0 - (1.0 + (-x).exp()).recip()).abs() < 1e-6,
                    "{x} {y} {z}"
                );
            }
        }
        let mut not = [0.0; 2];
        let (a, b) = not.split_at_mut(1);
        vectorised(Both(&[f32::NAN], [a, b]));
        assert!(not.iter().all(|value| value.is_nan()));
    }
}
