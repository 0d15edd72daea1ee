//! Scores by true remaining useful life.

use serde::{Deserialize, Serialize};

use super::rows::{ScoredRow, by_unit};
use super::{bias, rmse};

/// Number of bands up to the largest possible prediction; one more is above it.
const BANDS: u8 = 5;

/// Scores of predictions whose true remaining useful life is in one range.
///
/// The truth is that of the protocol: if it is capped, long lives are in the band that contains the cap.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// Smallest truth in the band, in cycles.
    pub from: f64,
    /// Truths in the band are smaller than this, in cycles; `None` for the last band.
    pub below: Option<f64>,
    /// Units with a cut in the band.
    pub units: usize,
    /// Cuts in the band.
    pub rows: usize,
    /// Root mean squared error, in cycles.
    pub rmse: f64,
    /// Mean error, in cycles.
    pub bias: f64,
    /// Share of intervals that cover the truth, if there are intervals.
    pub coverage: Option<f64>,
    /// Mean width of the intervals, in cycles, if there are intervals.
    pub interval_width: Option<f64>,
}

/// Returns the bands that contain a row, in ascending order: fifths of the largest possible prediction, and the rest above it.
pub(super) fn bands(rows: &[ScoredRow], most: f64) -> Vec<Band> {
    let edges: Vec<f64> = (0..=BANDS)
        .map(|band| most * f64::from(band) / f64::from(BANDS))
        .collect();
    let ends = edges.iter().skip(1).map(|edge| Some(*edge)).chain([None]);
    edges
        .iter()
        .copied()
        .zip(ends)
        .filter_map(|(from, below)| band(rows, from, below))
        .collect()
}

fn band(rows: &[ScoredRow], from: f64, below: Option<f64>) -> Option<Band> {
    let inside =
        |row: &&ScoredRow| row.truth >= from && below.is_none_or(|below| row.truth < below);
    let rows: Vec<ScoredRow> = rows.iter().filter(inside).cloned().collect();
    let errors: Vec<_> = rows.iter().map(ScoredRow::error).collect();
    (!rows.is_empty()).then(|| Band {
        from,
        below,
        units: by_unit(&rows).count(),
        rows: rows.len(),
        rmse: rmse(&errors),
        bias: bias(&errors),
        coverage: mean(&rows, |row| {
            Some(f64::from(u8::from(row.interval?.contains(row.truth))))
        }),
        interval_width: mean(&rows, |row| Some(row.interval?.width())),
    })
}

fn mean(rows: &[ScoredRow], value: impl Fn(&ScoredRow) -> Option<f64>) -> Option<f64> {
    let values: Option<Vec<f64>> = rows.iter().map(value).collect();
    values.map(|values| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Interval;
    use crate::scoring::rows::admit;
    use crate::scoring::samples::{prediction, test_protocol};

    #[test]
    fn every_row_is_in_one_band() {
        let mut predictions = vec![
            prediction(1, 9, 20.0, 10.0),
            prediction(2, 9, 20.0, 25.0),
            prediction(3, 9, 9.0, 24.0),
        ];
        predictions.push(prediction(4, 9, 125.0, 300.0));
        for p in &mut predictions {
            p.interval = Some(Interval {
                lower: 9.0,
                upper: 24.0,
            });
        }
        let rows = admit(&predictions, &test_protocol(4)).unwrap();
        let bands = bands(&rows, 125.0);
        let seen: Vec<_> = bands
            .iter()
            .map(|b| (b.from, b.below, b.rows, b.bias, b.coverage))
            .collect();
        assert_eq!(
            seen,
            [
                (0.0, Some(25.0), 2, -2.5, Some(1.0)),
                (25.0, Some(50.0), 1, -5.0, Some(0.0)),
                (125.0, None, 1, -175.0, Some(0.0)),
            ]
        );
        assert!(bands.iter().all(|band| band.interval_width == Some(15.0)));
        let of_short_lives: Vec<_> = super::bands(&rows, 30.0)
            .iter()
            .map(|b| (b.from, b.below, b.rows))
            .collect();
        assert_eq!(
            of_short_lives,
            [(6.0, Some(12.0), 1), (24.0, Some(30.0), 2), (30.0, None, 1)]
        );
    }
}
