//! How the distribution of a column differs between two data sets.

use serde::Serialize;

use super::statistics::mean;
use pdm_core::statistics::{largest_distance, quantile, smirnov};

/// Bins of the population stability index, with equal shares of the first data set.
const BINS: usize = 10;
/// Rows of each bin that are added, so that an empty bin gives a finite index.
const ADDED: f64 = 0.5;

/// The fewest units on either side of a test.
const FEWEST: usize = 5;
/// The most steps of one test: the product of the numbers of units.
const MOST_STEPS: usize = 100_000_000;

/// The shift of a column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnShift {
    /// The column.
    pub column: String,
    /// Population stability index; below 0.1 is usually called small, above 0.25 large.
    pub psi: f64,
    /// The largest distance between the two distributions of rows, from 0 to 1 (Kolmogorov and Smirnov).
    pub distance: f64,
    /// Mean of the first data set.
    pub mean_before: f64,
    /// Mean of the second data set.
    pub mean_after: f64,
    /// Probability of so different means of units by chance, by the test of Kolmogorov and Smirnov; absent with too few units.
    /// Rows of one unit resemble each other, so a test over rows would find a shift everywhere.
    pub p: Option<f64>,
}

/// Values of a column on both sides.
pub(super) struct BothSides {
    pub(super) before: Vec<f64>,
    pub(super) after: Vec<f64>,
    /// Mean of each unit in the first data set.
    pub(super) units_before: Vec<f64>,
    /// Mean of each unit in the second data set.
    pub(super) units_after: Vec<f64>,
}

impl BothSides {
    /// Returns the shift; `None` if one side has no values.
    pub(super) fn shift(mut self, column: &str) -> Option<ColumnShift> {
        if self.before.is_empty() || self.after.is_empty() {
            return None;
        }
        self.before.sort_by(f64::total_cmp);
        self.after.sort_by(f64::total_cmp);
        Some(ColumnShift {
            column: column.to_owned(),
            psi: stability(&self.before, &self.after),
            distance: largest_distance(&self.before, &self.after),
            mean_before: mean(&self.before),
            mean_after: mean(&self.after),
            p: self.p_over_units(),
        })
    }

    fn p_over_units(&self) -> Option<f64> {
        let before = self.units_before.len();
        let after = self.units_after.len();
        let is_testable = before.min(after) >= FEWEST && before.saturating_mul(after) <= MOST_STEPS;
        if !is_testable {
            return None;
        }
        smirnov(&self.units_before, &self.units_after).map(|found| found.p)
    }
}

/// Returns Σ (aᵢ − bᵢ) ln(aᵢ / bᵢ) over bins with equal shares of the first values (Karakoulas, RMA Journal 2004); both are in
/// rising order. Values that repeat often share one bin.
fn stability(before: &[f64], after: &[f64]) -> f64 {
    let mut edges: Vec<f64> = (1..BINS)
        .map(|bin| quantile(before, bin as f64 / BINS as f64))
        .collect();
    edges.dedup();
    let shares = |values: &[f64]| -> Vec<f64> {
        let mut begin = 0;
        let mut shares = Vec::with_capacity(edges.len() + 1);
        for edge in edges.iter().copied().chain([f64::INFINITY]) {
            let end = values.partition_point(|value| *value <= edge);
            shares.push(
                ((end - begin) as f64 + ADDED)
                    / (values.len() as f64 + ADDED * (edges.len() + 1) as f64),
            );
            begin = end;
        }
        shares
    };
    let pairs = shares(before).into_iter().zip(shares(after));
    pairs.map(|(a, b)| (a - b) * (a / b).ln()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shift(before: Vec<f64>, after: Vec<f64>) -> ColumnShift {
        BothSides {
            units_before: before.clone(),
            units_after: after.clone(),
            before,
            after,
        }
        .shift("x")
        .unwrap()
    }

    #[test]
    fn units_are_tested_if_there_are_enough() {
        let low: Vec<f64> = (0..8).map(f64::from).collect();
        let high: Vec<f64> = low.iter().map(|value| value + 100.0).collect();
        assert!(shift(low.clone(), high).p.is_some_and(|p| p < 0.01));
        assert_eq!(shift(low.clone(), low.clone()).p, Some(1.0));
        assert_eq!(shift(low, vec![1.0; 4]).p, None);
    }

    #[test]
    fn equal_values_have_no_shift_and_others_a_large_one() {
        let values: Vec<f64> = (0..1000).map(f64::from).collect();
        let same = shift(values.clone(), values.clone());
        assert_eq!((same.psi, same.distance), (0.0, 0.0));
        let moved = shift(
            values.clone(),
            values.iter().map(|value| value + 500.0).collect(),
        );
        assert!(
            moved.psi > 1.0 && (moved.distance - 0.5).abs() < 1e-9,
            "{moved:?}"
        );
        let constant = shift(vec![1.0; 50], vec![1.0; 70]);
        assert!(
            constant.psi.abs() < 1e-3 && constant.distance == 0.0,
            "{constant:?}"
        );
        assert!(
            BothSides {
                before: Vec::new(),
                after: vec![1.0],
                units_before: Vec::new(),
                units_after: vec![1.0],
            }
            .shift("x")
            .is_none()
        );
    }

    /// Two bins of a half each against 0.25 and 0.75: (0.5 − 0.25) ln 2 + (0.5 − 0.75) ln (2/3) = 0.2747.
    #[test]
    fn the_index_is_that_of_the_formula() {
        let before: Vec<f64> = [vec![0.0; 5000], vec![1.0; 5000]].concat();
        let after: Vec<f64> = [vec![0.0; 2500], vec![1.0; 7500]].concat();
        let found = shift(before, after);
        assert!((found.psi - 0.274_65).abs() < 1e-3, "{found:?}");
    }
}
