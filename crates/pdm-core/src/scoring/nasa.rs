//! The NASA score.

/// Growth constant of the penalty for early predictions, in cycles (Saxena et al., PHM 2008).
const EARLY_CYCLES: f64 = 13.0;
/// Growth constant of the penalty for late predictions, in cycles (Saxena et al., PHM 2008).
const LATE_CYCLES: f64 = 10.0;

/// Returns the score of the PHM 2008 challenge, `Σ exp(−d/13) − 1` for early and `Σ exp(d/10) − 1` for late errors.
///
/// Lower is better, 0 is perfect, and late errors cost more. Saxena, Goebel, Simon, Eklund: *Damage propagation
/// modeling for aircraft engine run-to-failure simulation*, PHM 2008. The sum grows with the number of errors, so it
/// compares models on the same units only.
///
/// ```
/// let one_of_each = pdm_core::scoring::nasa_score(&[-13.0, 10.0]);
/// assert!((one_of_each - 2.0 * (std::f64::consts::E - 1.0)).abs() < 1e-12);
/// ```
pub fn nasa_score(errors: &[f64]) -> f64 {
    errors.iter().map(|d| penalty(*d)).sum()
}

pub(super) fn penalty(d: f64) -> f64 {
    if d < 0.0 {
        (-d / EARLY_CYCLES).exp_m1()
    } else {
        (d / LATE_CYCLES).exp_m1()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // e^(26/13) − 1 = 6.389056..., e^(5/10) − 1 = 0.648721..., e^0 − 1 = 0.
        assert!((penalty(-26.0) - 6.389_056_098_930_65).abs() < 1e-12);
        assert!((penalty(5.0) - 0.648_721_270_700_128_1).abs() < 1e-12);
        assert_eq!(penalty(0.0), 0.0);
        assert!((nasa_score(&[-26.0, 5.0, 0.0]) - 7.037_777_369_630_778).abs() < 1e-12);
    }

    #[test]
    fn late_costs_more_than_early() {
        assert!(
            [0.5, 3.0, 40.0]
                .into_iter()
                .all(|d| penalty(d) > penalty(-d))
        );
    }
}
