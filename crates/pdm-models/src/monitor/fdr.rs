//! The false discovery rate of many tests.

/// Returns p-values adjusted for their number: rejecting those at most `q` keeps the expected share of false rejections at
/// most `q`.
///
/// The step-up procedure of Benjamini and Hochberg ("Controlling the false discovery rate", J. R. Statist. Soc. B 57, 1995),
/// which also holds for tests that depend on each other positively, as sensors of one unit do (Benjamini and Yekutieli,
/// Annals of Statistics 29, 2001): the adjusted value of the i-th smallest of m is the least `p(j)·m/j` over j ≥ i.
pub fn adjusted(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut adjusted = vec![1.0; p.len()];
    let mut least = 1.0_f64;
    for (rank, at) in order.into_iter().enumerate().rev() {
        least = least.min(p[at] * p.len() as f64 / (rank + 1) as f64);
        adjusted[at] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn agrees_with_r() {
        // R: p.adjust(c(0.01, 0.04, 0.03, 0.005, 0.8), "BH")
        let found = adjusted(&[0.01, 0.04, 0.03, 0.005, 0.8]);
        for (found, expected) in found.iter().zip([0.025, 0.05, 0.05, 0.025, 0.8]) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        assert_eq!(adjusted(&[]), [0.0; 0]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn adjusting_keeps_the_order_and_never_lowers(p in prop::collection::vec(0.0..1.0_f64, 1..40)) {
            let q = adjusted(&p);
            for i in 0..p.len() {
                prop_assert!(p[i] <= q[i] + 1e-12 && q[i] <= 1.0);
                for j in 0..p.len() {
                    prop_assert!(p[i] > p[j] || q[i] <= q[j]);
                }
            }
        }
    }
}
