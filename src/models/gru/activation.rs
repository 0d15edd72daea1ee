/// Returns the hyperbolic tangent, within 1e-6.
///
/// The rational minimax approximation of Eigen (`generic_fast_tanh_float`): without a call into the C library a loop
/// over it becomes vector instructions.
#[inline]
pub(super) fn tanh(x: f32) -> f32 {
    let x = x.clamp(-7.998_812, 7.998_812);
    let s = x * x;
    let odd =
        [-2.760_768_5e-16, 2.000_188e-13, -8.604_672e-11, 5.122_297e-8, 1.485_722_4e-5, 6.372_619e-4, 4.893_524_6e-3];
    let even = [1.198_258_4e-6, 1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3];
    x * horner(&odd, s) / horner(&even, s)
}

/// Returns the logistic function, within 1e-6.
#[inline]
pub(super) fn sigmoid(x: f32) -> f32 {
    0.5 + 0.5 * tanh(0.5 * x)
}

#[inline]
fn horner<const N: usize>(coefficients: &[f32; N], x: f32) -> f32 {
    coefficients.iter().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_standard_library() {
        for i in -20_000..=20_000 {
            let x = f64::from(i) * 1e-3;
            assert!((f64::from(tanh(x as f32)) - x.tanh()).abs() < 1e-6, "tanh({x})");
            assert!((f64::from(sigmoid(x as f32)) - 1.0 / (1.0 + (-x).exp())).abs() < 1e-6, "sigmoid({x})");
        }
        assert!(tanh(f32::INFINITY) <= 1.0 && tanh(f32::NAN).is_nan());
    }
}
