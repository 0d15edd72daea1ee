//! Non-negative least squares.

use nalgebra::{DMatrix, DVector};

/// A gradient below this share of the largest one counts as zero.
const TOLERANCE: f64 = 1e-10;

/// Returns the non-negative `x` that minimises `|Ax − b|²`, given `AᵀA` and `Aᵀb`.
///
/// The active-set method of Lawson and Hanson (Solving Least Squares Problems, 1974, chapter 23), on the normal equations,
/// since there are few unknowns. Unknowns with the same column share its weight arbitrarily.
pub(super) fn nnls(gram: &DMatrix<f64>, moment: &DVector<f64>) -> Vec<f64> {
    let count = moment.len();
    let tolerance = TOLERANCE * moment.amax();
    let mut x = vec![0.0; count];
    let mut free = vec![false; count];
    // Each round frees one unknown; more rounds than this are cycles caused by rounding errors.
    for _ in 0..3 * count {
        let gradient = moment - gram * DVector::from_column_slice(&x);
        let bound = (0..count).filter(|i| !free[*i] && gradient[*i] > tolerance);
        let Some(steepest) = bound.max_by(|a, b| gradient[*a].total_cmp(&gradient[*b])) else {
            break;
        };
        free[steepest] = true;
        descend(gram, moment, &mut x, &mut free);
    }
    x
}

/// Moves to the least-squares solution in the free unknowns, and fixes those that reach zero on the way.
fn descend(gram: &DMatrix<f64>, moment: &DVector<f64>, x: &mut [f64], free: &mut [bool]) {
    loop {
        let set: Vec<usize> = (0..x.len()).filter(|i| free[*i]).collect();
        let Some(solution) = solve(gram, moment, &set) else {
            return;
        };
        let crossing = set.iter().zip(solution.iter()).filter(|(_, s)| **s <= 0.0);
        let Some(step) = crossing
            .map(|(i, s)| x[*i] / (x[*i] - s))
            .min_by(f64::total_cmp)
        else {
            for (i, s) in set.iter().zip(solution.iter()) {
                x[*i] = *s;
            }
            return;
        };
        for (i, s) in set.iter().zip(solution.iter()) {
            let meets_zero = *s <= 0.0 && x[*i] / (x[*i] - s) <= step;
            x[*i] = if meets_zero {
                0.0
            } else {
                x[*i] + step * (s - x[*i])
            };
            free[*i] = !meets_zero;
        }
    }
}

fn solve(gram: &DMatrix<f64>, moment: &DVector<f64>, set: &[usize]) -> Option<DVector<f64>> {
    if set.is_empty() {
        return None;
    }
    let ridge = TOLERANCE * gram.diagonal().amax();
    let part = DMatrix::from_fn(set.len(), set.len(), |i, j| {
        gram[(set[i], set[j])] + if i == j { ridge } else { 0.0 }
    });
    Some(
        part.cholesky()?
            .solve(&DVector::from_fn(set.len(), |i, _| moment[set[i]])),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The best non-negative least-squares solution over all subsets of unknowns, by exhaustive search.
    fn by_trying_all(gram: &DMatrix<f64>, moment: &DVector<f64>) -> f64 {
        let count = moment.len();
        let subsets = (0..1_usize << count).map(|bits| {
            (0..count)
                .filter(|i| bits >> i & 1 == 1)
                .collect::<Vec<_>>()
        });
        let costs = subsets.map(|set| match solve(gram, moment, &set) {
            None => 0.0,
            Some(x) if x.iter().any(|x| *x < 0.0) => f64::INFINITY,
            Some(x) => {
                let mut whole = vec![0.0; count];
                set.iter().zip(x.iter()).for_each(|(i, x)| whole[*i] = *x);
                cost(gram, moment, &whole)
            }
        });
        costs.fold(f64::INFINITY, f64::min)
    }

    /// `|Ax − b|² − |b|²`.
    fn cost(gram: &DMatrix<f64>, moment: &DVector<f64>, x: &[f64]) -> f64 {
        let x = DVector::from_column_slice(x);
        (x.transpose() * gram * &x)[0] - 2.0 * moment.dot(&x)
    }

    fn normal_equations(
        columns: usize,
        values: &[f64],
        target: &[f64],
    ) -> (DMatrix<f64>, DVector<f64>) {
        let a = DMatrix::from_row_slice(target.len(), columns, values);
        (
            a.transpose() * &a,
            a.transpose() * DVector::from_column_slice(target),
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn no_subset_of_unknowns_does_better(
            columns in 1..5_usize,
            values in prop::collection::vec(-1.0..1.0, 48),
            target in prop::collection::vec(-1.0..1.0, 12),
        ) {
            let (gram, moment) = normal_equations(columns, &values[..12 * columns], &target);
            let x = nnls(&gram, &moment);
            prop_assert!(x.iter().all(|x| *x >= 0.0 && x.is_finite()), "{:?}", x);
            let (found, best) = (cost(&gram, &moment, &x), by_trying_all(&gram, &moment));
            prop_assert!(found <= best + 1e-8, "{} > {}", found, best);
        }
    }

    #[test]
    fn a_column_that_points_away_gets_nothing_and_equal_ones_share() {
        let (gram, moment) =
            normal_equations(2, &[1.0, -1.0, 2.0, -2.5, 3.0, -3.0], &[1.0, 2.0, 3.0]);
        let x = nnls(&gram, &moment);
        assert!((x[0] - 1.0).abs() < 1e-8 && x[1] == 0.0, "{x:?}");
        let (gram, moment) = normal_equations(2, &[1.0, 1.0, 2.0, 2.0, 3.0, 3.0], &[2.0, 4.0, 6.0]);
        assert!((nnls(&gram, &moment).iter().sum::<f64>() - 2.0).abs() < 1e-6);
        assert_eq!(nnls(&gram, &-moment), [0.0, 0.0]);
    }
}
