//! Means of prediction errors.

/// Returns the root mean squared error of `errors`, in cycles; `NaN` without errors.
///
/// The mean of the RMSE of single units is not the RMSE of all: with one error per unit it is the mean absolute error.
///
/// ```
/// assert_eq!(pdm_core::scoring::rmse(&[3.0, -4.0]), 12.5_f64.sqrt());
/// ```
pub fn rmse(errors: &[f64]) -> f64 {
    mean(errors, |d| d * d).sqrt()
}

/// Returns the mean absolute error of `errors`, in cycles; `NaN` without errors.
pub fn mae(errors: &[f64]) -> f64 {
    mean(errors, f64::abs)
}

/// Returns the mean of `errors`, in cycles: positive if predictions are late; `NaN` without errors.
pub fn bias(errors: &[f64]) -> f64 {
    mean(errors, |d| d)
}

fn mean(errors: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    errors.iter().map(|d| term(*d)).sum::<f64>() / errors.len() as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn bias_is_at_most_mae_is_at_most_rmse(errors in prop::collection::vec(-200.0..200.0, 1..50)) {
            let slack = 1e-9;
            prop_assert!(bias(&errors).abs() <= mae(&errors) + slack);
            prop_assert!(mae(&errors) <= rmse(&errors) + slack);
        }
    }

    #[test]
    fn no_errors_have_no_score() {
        assert!(rmse(&[]).is_nan() && mae(&[]).is_nan() && bias(&[]).is_nan());
    }
}
