//! The usual magnitude of errors by prediction.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::rows::ScoredRow;

/// Number of bins; fewer if there are few rows.
const BINS: usize = 10;
/// Minimum number of rows of a bin for a reliable mean.
const ROWS_PER_BIN: usize = 20;
/// Smallest magnitude of a bin, as a share of the mean magnitude of all rows, since a bin may have small errors by chance.
const FLOOR: f64 = 0.05;

/// The usual magnitude of errors at a prediction: a piecewise-linear curve, constant beyond its ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct ErrorScale {
    knots: Vec<Knot>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Knot {
    /// Mean prediction of a bin, in cycles.
    prediction: f64,
    /// Mean absolute error of the bin, in cycles.
    magnitude: f64,
}

impl ErrorScale {
    /// Returns the scale of the plain form: 1 everywhere.
    pub(super) fn constant() -> Self {
        Self { knots: Vec::new() }
    }

    /// Returns the mean magnitude of the errors in bins of about equally many rows, joined by straight lines.
    pub(super) fn fit(rows: &[&ScoredRow]) -> Self {
        let mut sorted = rows.to_vec();
        sorted.sort_by(|a, b| a.predicted.total_cmp(&b.predicted));
        let floor = FLOOR * magnitude(&sorted);
        if !(floor.is_finite() && floor > 0.0) {
            return Self::constant();
        }
        let knot = |bin: &[&ScoredRow]| Knot {
            prediction: mean_prediction(bin),
            magnitude: magnitude(bin).max(floor),
        };
        Self {
            knots: bins(&sorted).into_iter().map(knot).collect(),
        }
    }

    /// Returns what is invalid in the scale, as a fragment.
    pub(super) fn problem(&self) -> Option<String> {
        let ascends = self
            .knots
            .windows(2)
            .all(|pair| pair[0].prediction < pair[1].prediction);
        let positive = self
            .knots
            .iter()
            .all(|knot| knot.magnitude > 0.0 && knot.magnitude.is_finite());
        (!ascends || !positive).then(|| {
            "has a scale whose predictions do not ascend or whose errors are not positive"
                .to_owned()
        })
    }

    /// Returns the usual magnitude of the error at a prediction.
    pub(super) fn at(&self, prediction: f64) -> f64 {
        let after = self
            .knots
            .partition_point(|knot| knot.prediction < prediction);
        match (
            after.checked_sub(1).and_then(|i| self.knots.get(i)),
            self.knots.get(after),
        ) {
            (Some(low), Some(high)) => {
                let share = (prediction - low.prediction) / (high.prediction - low.prediction);
                low.magnitude + share * (high.magnitude - low.magnitude)
            }
            (Some(end), None) | (None, Some(end)) => end.magnitude,
            (None, None) => 1.0,
        }
    }
}

/// Rows in order of prediction, from which the scale without any one unit is computed quickly.
///
/// Sums of a bin are differences of running sums minus the rows that are left out, so the cost of a scale is proportional to
/// its bins; its magnitudes differ from those of [`Scale::fit`] on the other rows only by rounding.
pub(super) struct Ordered<'r> {
    rows: Vec<&'r ScoredRow>,
    /// Sums over the rows before each row, and over all rows.
    sums: Vec<ScaleSums>,
    /// For each row, the first later row with another prediction.
    ends: Vec<usize>,
    /// The position of each given row in this order.
    places: Vec<usize>,
}

/// Sums over some rows.
#[derive(Debug, Clone, Copy, Default)]
struct ScaleSums {
    prediction: f64,
    magnitude: f64,
    /// Number of rows with an error, so that rounding does not affect whether all other rows are exact.
    wrong: usize,
}

impl ScaleSums {
    fn of(row: &ScoredRow) -> Self {
        let magnitude = row.error().abs();
        Self {
            prediction: row.predicted,
            magnitude,
            wrong: usize::from(magnitude > 0.0),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            prediction: self.prediction + other.prediction,
            magnitude: self.magnitude + other.magnitude,
            wrong: self.wrong + other.wrong,
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            prediction: self.prediction - other.prediction,
            magnitude: self.magnitude - other.magnitude,
            wrong: self.wrong - other.wrong,
        }
    }
}

impl<'r> Ordered<'r> {
    /// Orders the rows.
    pub(super) fn new(rows: &[&'r ScoredRow]) -> Self {
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by(|a, b| rows[*a].predicted.total_cmp(&rows[*b].predicted));
        let mut places = vec![0; rows.len()];
        for (place, row) in order.iter().enumerate() {
            places[*row] = place;
        }
        let rows: Vec<&ScoredRow> = order.into_iter().map(|row| rows[row]).collect();
        let mut sums = vec![ScaleSums::default()];
        for row in &rows {
            sums.push(sums[sums.len() - 1].plus(ScaleSums::of(row)));
        }
        let mut ends = vec![rows.len(); rows.len()];
        for row in (1..rows.len()).rev() {
            ends[row - 1] = if rows[row].predicted == rows[row - 1].predicted {
                ends[row]
            } else {
                row
            };
        }
        Self {
            rows,
            sums,
            ends,
            places,
        }
    }

    /// Returns the scale of all rows except those given in this range.
    pub(super) fn without(&self, given: Range<usize>) -> ErrorScale {
        let mut left_out = self.places[given].to_vec();
        left_out.sort_unstable();
        let others = Others {
            all: self,
            left_out,
        };
        let count = others.count();
        let sum = others.sum(0, count);
        let floor = FLOOR * sum.magnitude / count as f64;
        if sum.wrong == 0 || !(floor.is_finite() && floor > 0.0) {
            return ErrorScale::constant();
        }
        let wanted = (count / BINS).max(ROWS_PER_BIN);
        let mut knots = Vec::new();
        let mut start = 0;
        while start < count {
            let end = others.end_of_bin(start, wanted);
            let bin = others.sum(start, end);
            let rows = (end - start) as f64;
            let magnitude = if bin.wrong == 0 {
                0.0
            } else {
                bin.magnitude / rows
            };
            knots.push(Knot {
                prediction: bin.prediction / rows,
                magnitude: magnitude.max(floor),
            });
            start = end;
        }
        ErrorScale { knots }
    }
}

/// Ordered rows without a few that are left out; the others are numbered consecutively.
struct Others<'o, 'r> {
    all: &'o Ordered<'r>,
    /// Positions among all rows, ascending.
    left_out: Vec<usize>,
}

impl Others<'_, '_> {
    fn count(&self) -> usize {
        self.all.rows.len() - self.left_out.len()
    }

    /// Returns the position among all rows of one that is not left out.
    fn place(&self, other: usize) -> usize {
        let mut place = other;
        for left_out in &self.left_out {
            if *left_out <= place {
                place += 1;
            }
        }
        place
    }

    /// Returns how many rows before a position among all rows are not left out.
    fn before(&self, place: usize) -> usize {
        place - self.left_out.partition_point(|left_out| *left_out < place)
    }

    /// Returns the sums over the other rows from `start` to before `end`.
    fn sum(&self, start: usize, end: usize) -> ScaleSums {
        if start == end {
            return ScaleSums::default();
        }
        let first = self.place(start);
        let after = self.place(end - 1) + 1;
        let mut sum = self.all.sums[after].minus(self.all.sums[first]);
        for left_out in self
            .left_out
            .iter()
            .filter(|place| (first..after).contains(*place))
        {
            sum = sum.minus(ScaleSums::of(self.all.rows[*left_out]));
        }
        sum
    }

    /// Like [`end_of_bin`], for a bin of the other rows.
    fn end_of_bin(&self, start: usize, wanted: usize) -> usize {
        let count = self.count();
        let wanted = (start + wanted).min(count);
        let end = self.before(self.all.ends[self.place(wanted - 1)]);
        if count - end < ROWS_PER_BIN {
            count
        } else {
            end
        }
    }
}

/// Divides rows in order of prediction into bins; equal predictions stay together.
fn bins<'a, 'r>(sorted: &'a [&'r ScoredRow]) -> Vec<&'a [&'r ScoredRow]> {
    let wanted = (sorted.len() / BINS).max(ROWS_PER_BIN);
    let mut bins = Vec::new();
    let mut rest = sorted;
    while !rest.is_empty() {
        let (bin, after) = rest.split_at(end_of_bin(rest, wanted));
        bins.push(bin);
        rest = after;
    }
    bins
}

fn end_of_bin(rest: &[&ScoredRow], wanted: usize) -> usize {
    let mut end = wanted.min(rest.len());
    while end < rest.len() && rest[end].predicted == rest[end - 1].predicted {
        end += 1;
    }
    // Rows that are too few for a bin of their own join the last one.
    if rest.len() - end < ROWS_PER_BIN {
        rest.len()
    } else {
        end
    }
}

fn magnitude(rows: &[&ScoredRow]) -> f64 {
    rows.iter().map(|row| row.error().abs()).sum::<f64>() / rows.len() as f64
}

fn mean_prediction(rows: &[&ScoredRow]) -> f64 {
    rows.iter().map(|row| row.predicted).sum::<f64>() / rows.len() as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Cycle, UnitId};

    fn row(predicted: f64, error: f64) -> ScoredRow {
        ScoredRow {
            unit: UnitId::from(1),
            cycle: Cycle(1),
            predicted,
            truth: predicted - error,
            interval: None,
        }
    }

    fn fit(rows: &[ScoredRow]) -> ErrorScale {
        ErrorScale::fit(&rows.iter().collect::<Vec<_>>())
    }

    #[test]
    fn follows_the_errors_between_bins_and_stays_constant_beyond_them() {
        let rows: Vec<_> = (0..400)
            .map(|i| f64::from(i) / 4.0)
            .map(|p| row(p, p / 5.0))
            .collect();
        let scale = fit(&rows);
        assert_eq!(scale.knots.len(), 10);
        assert!(
            [20.0, 33.0, 50.0, 77.0]
                .iter()
                .all(|p| (scale.at(*p) - p / 5.0).abs() < 0.01)
        );
        assert_eq!(
            (scale.at(-10.0), scale.at(1e9)),
            (scale.knots[0].magnitude, scale.knots[9].magnitude)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn the_scale_without_a_unit_is_that_of_the_others(
            pairs in prop::collection::vec((0..60_u32, 0..9_u32), 1..400),
            first in 0..400_usize,
            cuts in 1..9_usize,
        ) {
            let rows: Vec<_> = pairs.iter().map(|(p, e)| row(f64::from(*p) / 3.0, f64::from(*e) / 7.0)).collect();
            let given: Vec<&ScoredRow> = rows.iter().collect();
            let first = first % rows.len();
            let unit = first..(first + cuts).min(rows.len());
            let others: Vec<&ScoredRow> = given.iter().enumerate().filter(|(i, _)| !unit.contains(i)).map(|(_, row)| *row).collect();
            let (fast, plain) = (Ordered::new(&given).without(unit), ErrorScale::fit(&others));
            prop_assert_eq!(fast.knots.len(), plain.knots.len());
            for (a, b) in fast.knots.iter().zip(&plain.knots) {
                prop_assert!((a.prediction - b.prediction).abs() < 1e-9, "{:?} {:?}", a, b);
                prop_assert!((a.magnitude - b.magnitude).abs() < 1e-9, "{:?} {:?}", a, b);
            }
        }
    }

    #[test]
    fn equal_predictions_share_a_bin() {
        let rows: Vec<_> = (0..300)
            .map(|i| row(if i < 40 { f64::from(i) } else { 125.0 }, 3.0))
            .collect();
        let scale = fit(&rows);
        assert!(
            scale
                .knots
                .windows(2)
                .all(|pair| pair[0].prediction < pair[1].prediction)
        );
        assert!(scale.at(125.0).is_finite() && scale.at(80.0).is_finite());
    }

    #[test]
    fn a_lucky_bin_does_not_promise_certainty_and_perfection_does_not_divide_by_zero() {
        let rows: Vec<_> = (0..200)
            .map(|i| row(f64::from(i), if i < 50 { 0.0 } else { 10.0 }))
            .collect();
        assert!(fit(&rows).at(5.0) >= 0.05 * 7.5);
        let perfect: Vec<_> = (0..50).map(|i| row(f64::from(i), 0.0)).collect();
        assert_eq!(fit(&perfect), ErrorScale::constant());
        assert_eq!(ErrorScale::fit(&[]).at(3.0), 1.0);
    }
}
