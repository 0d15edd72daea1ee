//! Sums from which the scores follow.

use std::ops::AddAssign;

use super::rows::{ScoredRow, by_unit};
use super::{nasa, timing};

/// Sums over the cuts of one or many units, from which every metric follows; a resample only adds them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Totals {
    pub(super) units: f64,
    pub(super) rows: f64,
    pub(super) error: f64,
    pub(super) absolute: f64,
    pub(super) squared: f64,
    /// Sum over units of the mean penalty over the unit's cuts.
    pub(super) nasa: f64,
    pub(super) late: f64,
    pub(super) harmful_late: f64,
    pub(super) early: f64,
    pub(super) on_time: f64,
    /// `NaN` if rows have no interval, like `width`.
    pub(super) covered: f64,
    pub(super) width: f64,
}

impl Totals {
    /// Returns the sums of each unit, in order of unit.
    pub(super) fn by_unit(rows: &[ScoredRow]) -> Vec<Self> {
        by_unit(rows).map(Self::of_unit).collect()
    }

    pub(super) fn sum<'a>(totals: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = Self::default();
        for totals in totals {
            sum += totals;
        }
        sum
    }

    fn of_unit(cuts: &[ScoredRow]) -> Self {
        let mut unit = Self::sum(&cuts.iter().map(Self::of_row).collect::<Vec<_>>());
        unit.nasa /= unit.rows;
        unit.units = 1.0;
        unit
    }

    fn of_row(row: &ScoredRow) -> Self {
        let d = row.error();
        let indicator = |holds: bool| f64::from(u8::from(holds));
        Self {
            units: 0.0,
            rows: 1.0,
            error: d,
            absolute: d.abs(),
            squared: d * d,
            nasa: nasa::penalty(d),
            late: indicator(timing::is_late(d)),
            harmful_late: indicator(timing::is_harmfully_late(d)),
            early: indicator(timing::is_early(d)),
            on_time: indicator(timing::is_on_time(d)),
            covered: row
                .interval
                .map_or(f64::NAN, |interval| indicator(interval.contains(row.truth))),
            width: row.interval.map_or(f64::NAN, |interval| interval.width()),
        }
    }
}

impl AddAssign<&Self> for Totals {
    fn add_assign(&mut self, other: &Self) {
        self.units += other.units;
        self.rows += other.rows;
        self.error += other.error;
        self.absolute += other.absolute;
        self.squared += other.squared;
        self.nasa += other.nasa;
        self.late += other.late;
        self.harmful_late += other.harmful_late;
        self.early += other.early;
        self.on_time += other.on_time;
        self.covered += other.covered;
        self.width += other.width;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scoring::samples::{prediction, test_protocol};
    use crate::scoring::{Metric, Timing, bias, mae, nasa_score, rmse, rows};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn sums_by_unit_give_the_scores_of_the_plain_functions(
            pairs in prop::collection::vec((0.0..125.0, 0.0..200.0), 1..40)
        ) {
            let predictions: Vec<_> =
                (1..).zip(&pairs).map(|(unit, (rul, truth))| prediction(unit, 5, *rul, *truth)).collect();
            let errors: Vec<_> = pairs.iter().map(|(rul, truth)| rul - truth).collect();
            let sums = Totals::sum(&Totals::by_unit(&rows::admit(&predictions, &test_protocol(pairs.len())).unwrap()));
            let timing = Timing::of(&errors);
            for (metric, expected) in [
                (Metric::Rmse, rmse(&errors)),
                (Metric::Mae, mae(&errors)),
                (Metric::Bias, bias(&errors)),
                (Metric::NasaScore, nasa_score(&errors)),
                (Metric::LateRate, timing.late),
                (Metric::HarmfulLateRate, timing.harmful_late),
                (Metric::EarlyRate, timing.early),
                (Metric::OnTimeRate, timing.on_time),
            ] {
                let value = metric.value(&sums);
                prop_assert!((value - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{metric}: {value}");
            }
            let whole = sums.early + sums.on_time + sums.harmful_late;
            prop_assert_eq!(whole, sums.rows);
        }
    }
}
