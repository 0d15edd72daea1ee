//! The scores by name.

use std::fmt;

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use super::Measure;
use super::totals::Totals;

/// A score.
///
/// With several cuts per unit, means and shares pool all cuts; only the two NASA scores first take the mean over the
/// cuts of each unit.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Metric {
    /// Root mean squared error, in cycles.
    Rmse,
    /// Mean absolute error, in cycles.
    Mae,
    /// Mean error, in cycles; positive is late.
    Bias,
    /// Sum over units of the mean PHM 2008 penalty of the unit's cuts: with one cut per unit, the published score; with
    /// several, the expected published score for one random cut per unit.
    NasaScore,
    /// `nasa_score` divided by the number of units, so that parts of different size can be compared.
    NasaMean,
    /// Share of late predictions, d > 0.
    LateRate,
    /// Share of harmfully late predictions, d > 10.
    HarmfulLateRate,
    /// Share of early predictions, d < −13.
    EarlyRate,
    /// Share of predictions on time, −13 ≤ d ≤ 10.
    OnTimeRate,
    /// Share of intervals that cover the truth.
    Coverage,
    /// Mean width of the intervals, in cycles.
    IntervalWidth,
}

/// Which values of a metric are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// Lower is better.
    Low,
    /// Higher is better.
    High,
    /// Closer to zero is better.
    Zero,
}

/// Properties of a metric, apart from its computation.
struct Facts {
    measure: Measure,
    goal: Goal,
    /// Decimal places in a table.
    digits: usize,
    /// Whether only predictions with intervals have it.
    needs_intervals: bool,
    /// Whether it is a mean over cuts or units, not a sum that grows with their number.
    is_mean: bool,
    /// Whether it can be below zero.
    is_signed: bool,
}

/// An error in the unit of time of the data; lower is better.
const ERROR: Facts = Facts {
    measure: Measure::Time,
    goal: Goal::Low,
    digits: 2,
    needs_intervals: false,
    is_mean: true,
    is_signed: false,
};

/// A share of predictions that are wrong in some way.
const WRONG_SHARE: Facts = Facts {
    measure: Measure::Share,
    digits: 0,
    ..ERROR
};

impl Metric {
    /// All metrics, in the order of a scorecard.
    pub const ALL: [Self; Self::VARIANTS.len()] = *Self::VARIANTS
        .first_chunk()
        .expect("the array has the length of the slice");

    /// Returns the name, as in the TOML and the JSON.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns the metric with this name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == name)
    }

    /// One row for each metric.
    const fn facts(self) -> Facts {
        match self {
            Self::Rmse | Self::Mae => ERROR,
            Self::Bias => Facts {
                goal: Goal::Zero,
                is_signed: true,
                ..ERROR
            },
            Self::NasaScore => Facts {
                measure: Measure::Plain,
                digits: 0,
                is_mean: false,
                ..ERROR
            },
            Self::NasaMean => Facts {
                measure: Measure::Plain,
                ..ERROR
            },
            Self::LateRate | Self::HarmfulLateRate | Self::EarlyRate => WRONG_SHARE,
            Self::OnTimeRate => Facts {
                goal: Goal::High,
                ..WRONG_SHARE
            },
            // Higher is better: intervals that cover the truth too often have a larger `interval_width`.
            Self::Coverage => Facts {
                goal: Goal::High,
                needs_intervals: true,
                ..WRONG_SHARE
            },
            Self::IntervalWidth => Facts {
                needs_intervals: true,
                ..ERROR
            },
        }
    }

    /// Returns the unit of measure.
    pub const fn measure(self) -> Measure {
        self.facts().measure
    }

    /// Returns which values are good.
    pub const fn goal(self) -> Goal {
        self.facts().goal
    }

    /// Returns whether the metric can only be computed from predictions with intervals.
    pub const fn needs_intervals(self) -> bool {
        self.facts().needs_intervals
    }

    /// Returns whether the metric is a mean over cuts or units, so that it can be compared for a part of the units.
    pub const fn is_mean(self) -> bool {
        self.facts().is_mean
    }

    /// Returns whether the metric can be below zero.
    pub const fn is_signed(self) -> bool {
        self.facts().is_signed
    }

    /// Returns the name with its unit of measure, if the numbers in a table do not show it: `rmse (cycles)`.
    pub fn heading(self) -> String {
        self.measure().heading(self.name())
    }

    /// Formats a value for a table, with digits that suit its interval.
    pub fn figure(self, value: f64) -> String {
        self.measure().figure(value, self.facts().digits)
    }

    /// Formats a value for a sentence: `13.20 cycles`.
    pub fn quantity(self, value: f64) -> String {
        self.measure().with_unit(self.figure(value))
    }

    /// Formats a difference of two values for a table; for shares with one more digit than the shares.
    pub fn difference(self, value: f64) -> String {
        let digits = if self.measure().is_share() { 1 } else { 2 };
        self.measure().difference(value, digits)
    }

    pub(super) fn value(self, totals: &Totals) -> f64 {
        let (sum, weight) = self.sum_and_weight(totals);
        self.of_mean(sum / weight)
    }

    /// Returns the sum of the metric and its divisor.
    pub(super) fn sum_and_weight(self, totals: &Totals) -> (f64, f64) {
        let Totals { units, rows, .. } = *totals;
        match self {
            Self::Rmse => (totals.squared, rows),
            Self::Mae => (totals.absolute, rows),
            Self::Bias => (totals.error, rows),
            Self::NasaScore => (totals.nasa, 1.0),
            Self::NasaMean => (totals.nasa, units),
            Self::LateRate => (totals.late, rows),
            Self::HarmfulLateRate => (totals.harmful_late, rows),
            Self::EarlyRate => (totals.early, rows),
            Self::OnTimeRate => (totals.on_time, rows),
            Self::Coverage => (totals.covered, rows),
            Self::IntervalWidth => (totals.width, rows),
        }
    }

    /// Returns the metric of the mean of what it sums: the RMSE is a root.
    pub(super) fn of_mean(self, mean: f64) -> f64 {
        match self {
            Self::Rmse => mean.sqrt(),
            Self::Mae
            | Self::Bias
            | Self::NasaScore
            | Self::NasaMean
            | Self::LateRate
            | Self::HarmfulLateRate
            | Self::EarlyRate
            | Self::OnTimeRate
            | Self::Coverage
            | Self::IntervalWidth => mean,
        }
    }
}

impl Goal {
    /// Returns a number that is smaller for better values.
    pub(super) fn loss(self, value: f64) -> f64 {
        match self {
            Self::Low => value,
            Self::High => -value,
            Self::Zero => value.abs(),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_json_and_parse_back() {
        for metric in Metric::ALL {
            assert_eq!(serde_json::to_value(metric).unwrap(), metric.name());
            assert_eq!(Metric::parse(metric.name()), Some(metric));
        }
        assert_eq!(Metric::parse("RMSE"), None);
    }

    #[test]
    fn figures_speak_the_metric_s_unit_of_measure() {
        for (metric, value, heading, figure, quantity, difference) in [
            (
                Metric::Rmse,
                13.204,
                "rmse (cycles)",
                "13.20",
                "13.20 cycles",
                "+13.20",
            ),
            (
                Metric::Bias,
                -1.5,
                "bias (cycles)",
                "-1.50",
                "-1.50 cycles",
                "-1.50",
            ),
            (
                Metric::NasaScore,
                284.6,
                "nasa_score",
                "285",
                "285",
                "+284.60",
            ),
            (
                Metric::NasaMean,
                2.846,
                "nasa_mean",
                "2.85",
                "2.85",
                "+2.85",
            ),
            (
                Metric::Coverage,
                0.934,
                "coverage",
                "93 %",
                "93 %",
                "+93.4 %",
            ),
        ] {
            let seen = [
                metric.heading(),
                metric.figure(value),
                metric.quantity(value),
                metric.difference(value),
            ];
            assert_eq!(seen, [heading, figure, quantity, difference]);
        }
    }
}
