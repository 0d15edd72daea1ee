//! Functions of single numbers.

use super::{Work, vectorised};

/// Returns the hyperbolic tangent, within 1e-6.
///
/// The rational minimax approximation of Eigen (`generic_fast_tanh_float`): without a call to the C library a loop
/// over it becomes vector instructions.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let x = x.clamp(-TANH_LIMIT, TANH_LIMIT);
    let s = x * x;
    x * horner(&TANH_ODD, s) / horner(&TANH_EVEN, s)
}

/// From here on the result is one.
pub(crate) const TANH_LIMIT: f32 = 7.998_812;
pub(crate) const TANH_ODD: [f32; 7] = [
    -2.760_768_5e-16,
    2.000_188e-13,
    -8.604_672e-11,
    5.122_297e-8,
    1.485_722_4e-5,
    6.372_619e-4,
    4.893_524_6e-3,
];
pub(crate) const TANH_EVEN: [f32; 4] =
    [1.198_258_4e-6, 1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3];

/// Returns the exponential of a number that is not positive, within 2e-7 of its size; below −87 almost zero.
///
/// `2ⁿ · exp(r)` with the polynomial of Cephes (`expf`) for the rest r, |r| ≤ ½ ln 2.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Adding this number rounds to a whole one, and leaves it, biased like an exponent, in the lowest bits.
    const ROUND: f32 = 12_582_912.0 + 127.0;
    let x = x.max(-87.0);
    let rounded = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = rounded - ROUND;
    let r = n.mul_add(2.121_944_4e-4, n.mul_add(-0.693_359_4, x));
    let series = [
        1.987_569_1e-4,
        1.398_2e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ];
    let value = (r * r).mul_add(horner(&series, r), r) + 1.0;
    value * f32::from_bits(rounded.to_bits() << 23)
}

#[inline(always)]
fn horner<const N: usize>(coefficients: &[f32; N], x: f32) -> f32 {
    coefficients
        .iter()
        .fold(0.0, |sum: f32, coefficient| sum.mul_add(x, *coefficient))
}

/// Adds `values` to `sums`.
pub(crate) fn add(values: &[f32], sums: &mut [f32]) {
    sums.iter_mut()
        .zip(values)
        .for_each(|(sum, value)| *sum += value);
}

/// Replaces what is below zero by zero.
pub(crate) fn relu(values: &mut [f32]) {
    values.iter_mut().for_each(|value| *value = value.max(0.0));
}

/// Converts a gradient by the outputs of [`relu`] to one by its inputs.
pub(crate) fn relu_back(outputs: &[f32], gradient: &mut [f32]) {
    gradient
        .iter_mut()
        .zip(outputs)
        .for_each(|(g, y)| *g = if *y > 0.0 { *g } else { 0.0 });
}

/// Replaces every value by its hyperbolic tangent.
pub(crate) fn tanh_all(values: &mut [f32]) {
    vectorised(TanhAll(values));
}

struct TanhAll<'a>(&'a mut [f32]);

impl Work for TanhAll<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.0.iter_mut().for_each(|value| *value = tanh(*value));
    }
}

/// Converts a gradient by the outputs of [`tanh_all`] to one by its inputs.
pub(crate) fn tanh_back(outputs: &[f32], gradient: &mut [f32]) {
    gradient
        .iter_mut()
        .zip(outputs)
        .for_each(|(g, y)| *g *= 1.0 - y * y);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_standard_library() {
        for i in -20_000..=20_000 {
            let x = f64::from(i) * 1e-3;
            assert!(
                (f64::from(tanh(x as f32)) - x.tanh()).abs() < 1e-6,
                "tanh({x})"
            );
        }
        for i in 0..=87_000 {
            let x = -1e-3 * f64::from(i);
            assert!(
                (f64::from(exp(x as f32)) / f64::from(x as f32).exp() - 1.0).abs() < 2e-7,
                "exp({x})"
            );
        }
        assert!(exp(-1e9) < 1e-37 && exp(f32::NEG_INFINITY) < 1e-37);
        assert!(tanh(f32::INFINITY) <= 1.0 && tanh(f32::NAN).is_nan());
    }
}
