//! Tests whether the units of two data sets differ in a column.

use crate::data::{ColumnShift, DataComparison};
use pdm_core::scoring::smirnov;

/// The fewest units on either side.
const FEWEST: usize = 5;
/// The most steps of one test: the product of the numbers of units.
const MOST_STEPS: usize = 100_000_000;

/// Fills in the p-value of each shift: the two-sample test of Kolmogorov and Smirnov over the means of units. Rows of one unit
/// resemble each other, so a test over rows would find a shift everywhere.
pub fn test_shifts(comparison: &mut DataComparison) {
    for shift in &mut comparison.shifts {
        shift.p = p_over_units(shift);
    }
}

fn p_over_units(shift: &ColumnShift) -> Option<f64> {
    let (before, after) = (&shift.units_before, &shift.units_after);
    let is_testable = before.len().min(after.len()) >= FEWEST
        && before.len().saturating_mul(after.len()) <= MOST_STEPS;
    is_testable
        .then(|| smirnov(before, after))
        .flatten()
        .map(|found| found.p)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shift(before: Vec<f64>, after: Vec<f64>) -> ColumnShift {
        ColumnShift {
            column: "x".to_owned(),
            psi: 0.0,
            distance: 0.0,
            mean_before: 0.0,
            mean_after: 0.0,
            p: None,
            units_before: before,
            units_after: after,
        }
    }

    #[test]
    fn units_are_tested_if_there_are_enough() {
        let low: Vec<f64> = (0..8).map(f64::from).collect();
        let high: Vec<f64> = low.iter().map(|value| value + 100.0).collect();
        assert!(p_over_units(&shift(low.clone(), high)).is_some_and(|p| p < 0.01));
        assert_eq!(p_over_units(&shift(low.clone(), low.clone())), Some(1.0));
        assert_eq!(p_over_units(&shift(low, vec![1.0; 4])), None);
    }
}
