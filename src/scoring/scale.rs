use serde::{Deserialize, Serialize};

use super::rows::Row;

/// Bins asked for; fewer where rows are scarce.
const BINS: usize = 10;
/// Rows a bin needs for its mean to be worth something.
const ROWS_PER_BIN: usize = 20;
/// Smallest magnitude of a bin, as a share of the mean magnitude of all rows: a lucky bin must not promise certainty.
const FLOOR: f64 = 0.05;

/// How large errors usually are at a prediction: a piecewise-linear curve, constant beyond its ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Scale {
    knots: Vec<Knot>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Knot {
    /// Mean prediction of a bin, in cycles.
    prediction: f64,
    /// Mean absolute error of the bin, in cycles.
    magnitude: f64,
}

impl Scale {
    /// Returns the scale of the plain form: 1 everywhere.
    pub(super) fn constant() -> Self {
        Self { knots: Vec::new() }
    }

    /// Returns the mean magnitude of the errors in bins of about as many rows, joined by straight lines.
    pub(super) fn fit(rows: &[&Row]) -> Self {
        let mut sorted = rows.to_vec();
        sorted.sort_by(|a, b| a.predicted.total_cmp(&b.predicted));
        let floor = FLOOR * magnitude(&sorted);
        if !(floor.is_finite() && floor > 0.0) {
            return Self::constant();
        }
        let knot = |bin: &[&Row]| Knot { prediction: mean_prediction(bin), magnitude: magnitude(bin).max(floor) };
        Self { knots: bins(&sorted).into_iter().map(knot).collect() }
    }

    /// Returns what no fitted scale holds, as a fragment.
    pub(super) fn problem(&self) -> Option<String> {
        let ascends = self.knots.windows(2).all(|pair| pair[0].prediction < pair[1].prediction);
        let positive = self.knots.iter().all(|knot| knot.magnitude > 0.0 && knot.magnitude.is_finite());
        (!ascends || !positive)
            .then(|| "has a scale whose predictions do not ascend or whose errors are not positive".to_owned())
    }

    /// Returns the usual magnitude of the error at a prediction.
    pub(super) fn at(&self, prediction: f64) -> f64 {
        let after = self.knots.partition_point(|knot| knot.prediction < prediction);
        match (after.checked_sub(1).and_then(|i| self.knots.get(i)), self.knots.get(after)) {
            (Some(low), Some(high)) => {
                let share = (prediction - low.prediction) / (high.prediction - low.prediction);
                low.magnitude + share * (high.magnitude - low.magnitude)
            }
            (Some(end), None) | (None, Some(end)) => end.magnitude,
            (None, None) => 1.0,
        }
    }
}

/// Cuts rows in order of prediction into bins; equal predictions stay together.
fn bins<'a, 'r>(sorted: &'a [&'r Row]) -> Vec<&'a [&'r Row]> {
    let wanted = (sorted.len() / BINS).max(ROWS_PER_BIN);
    let (mut bins, mut rest) = (Vec::new(), sorted);
    while !rest.is_empty() {
        let (bin, after) = rest.split_at(end_of_bin(rest, wanted));
        bins.push(bin);
        rest = after;
    }
    bins
}

fn end_of_bin(rest: &[&Row], wanted: usize) -> usize {
    let mut end = wanted.min(rest.len());
    while end < rest.len() && rest[end].predicted == rest[end - 1].predicted {
        end += 1;
    }
    // What is too little for a bin of its own joins the last one.
    if rest.len() - end < ROWS_PER_BIN { rest.len() } else { end }
}

fn magnitude(rows: &[&Row]) -> f64 {
    rows.iter().map(|row| row.error().abs()).sum::<f64>() / rows.len() as f64
}

fn mean_prediction(rows: &[&Row]) -> f64 {
    rows.iter().map(|row| row.predicted).sum::<f64>() / rows.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Cycle, UnitId};

    fn row(predicted: f64, error: f64) -> Row {
        Row { unit: UnitId::from(1), cycle: Cycle(1), predicted, truth: predicted - error, interval: None }
    }

    fn fit(rows: &[Row]) -> Scale {
        Scale::fit(&rows.iter().collect::<Vec<_>>())
    }

    #[test]
    fn follows_the_errors_between_bins_and_stays_constant_beyond_them() {
        let rows: Vec<_> = (0..400).map(|i| f64::from(i) / 4.0).map(|p| row(p, p / 5.0)).collect();
        let scale = fit(&rows);
        assert_eq!(scale.knots.len(), 10);
        assert!([20.0, 33.0, 50.0, 77.0].iter().all(|p| (scale.at(*p) - p / 5.0).abs() < 0.01));
        assert_eq!((scale.at(-10.0), scale.at(1e9)), (scale.knots[0].magnitude, scale.knots[9].magnitude));
    }

    #[test]
    fn equal_predictions_share_a_bin() {
        let rows: Vec<_> = (0..300).map(|i| row(if i < 40 { f64::from(i) } else { 125.0 }, 3.0)).collect();
        let scale = fit(&rows);
        assert!(scale.knots.windows(2).all(|pair| pair[0].prediction < pair[1].prediction));
        assert!(scale.at(125.0).is_finite() && scale.at(80.0).is_finite());
    }

    #[test]
    fn a_lucky_bin_does_not_promise_certainty_and_perfection_does_not_divide_by_zero() {
        let rows: Vec<_> = (0..200).map(|i| row(f64::from(i), if i < 50 { 0.0 } else { 10.0 })).collect();
        assert!(fit(&rows).at(5.0) >= 0.05 * 7.5);
        let perfect: Vec<_> = (0..50).map(|i| row(f64::from(i), 0.0)).collect();
        assert_eq!(fit(&perfect), Scale::constant());
        assert_eq!(Scale::fit(&[]).at(3.0), 1.0);
    }
}
