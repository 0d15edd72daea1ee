use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::rows::ScoredRow;

/// Bins asked for; fewer where rows are scarce.
const BINS: usize = 10;
/// Rows a bin needs for its mean to be worth something.
const ROWS_PER_BIN: usize = 20;
/// Smallest magnitude of a bin, as a share of the mean magnitude of all rows: a lucky bin must not promise certainty.
const FLOOR: f64 = 0.05;

/// How large errors usually are at a prediction: a piecewise-linear curve, constant beyond its ends.
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

    /// Returns the mean magnitude of the errors in bins of about as many rows, joined by straight lines.
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

    /// Returns what no fitted scale holds, as a fragment.
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

/// Rows in order of prediction, from which the scale without any one unit follows in no time.
///
/// Sums of a bin are differences of running sums less the rows that are left out, so a scale costs as much as it has bins;
/// against [`Scale::fit`] of the other rows its magnitudes differ by rounding.
pub(super) struct Ordered<'r> {
    rows: Vec<&'r ScoredRow>,
    /// Sums over the rows before each, and over all.
    sums: Vec<ScaleSums>,
    /// For each row the first one after it with another prediction.
    ends: Vec<usize>,
    /// The place of each row as it was given.
    places: Vec<usize>,
}

/// Sums over some rows.
#[derive(Debug, Clone, Copy, Default)]
struct ScaleSums {
    prediction: f64,
    magnitude: f64,
    /// Rows with an error: whether all others are right must not hang on rounding.
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
        order
            .iter()
            .enumerate()
            .for_each(|(place, row)| places[*row] = place);
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

    /// Returns the scale of all rows but those given in this range.
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
        let (mut knots, mut start) = (Vec::new(), 0);
        while start < count {
            let end = others.end_of_bin(start, wanted);
            let (bin, rows) = (others.sum(start, end), (end - start) as f64);
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

/// Ordered rows with a few left out, which are counted as if those were not there.
struct Others<'o, 'r> {
    all: &'o Ordered<'r>,
    /// Places among all rows, ascending.
    left_out: Vec<usize>,
}

impl Others<'_, '_> {
    fn count(&self) -> usize {
        self.all.rows.len() - self.left_out.len()
    }

    /// Returns the place among all rows of one that is not left out.
    fn place(&self, other: usize) -> usize {
        let mut place = other;
        for left_out in &self.left_out {
            if *left_out <= place {
                place += 1;
            }
        }
        place
    }

    /// Returns how many rows before a place among all rows are not left out.
    fn before(&self, place: usize) -> usize {
        place - self.left_out.partition_point(|left_out| *left_out < place)
    }

    /// Returns the sums over others from `start` to before `end`.
    fn sum(&self, start: usize, end: usize) -> ScaleSums {
        if start == end {
            return ScaleSums::default();
        }
        let (first, after) = (self.place(start), self.place(end - 1) + 1);
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

    /// As [`end_of_bin`], for a bin that begins at an other.
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

/// Cuts rows in order of prediction into bins; equal predictions stay together.
fn bins<'a, 'r>(sorted: &'a [&'r ScoredRow]) -> Vec<&'a [&'r ScoredRow]> {
    let wanted = (sorted.len() / BINS).max(ROWS_PER_BIN);
    let (mut bins, mut rest) = (Vec::new(), sorted);
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
    // What is too little for a bin of its own joins the last one.
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
