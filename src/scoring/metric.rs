use std::fmt;

use serde::{Deserialize, Serialize};

use super::totals::Totals;

/// Names a score.
///
/// With several cuts per unit, means and shares pool all cuts; only the two NASA scores first take the mean over the
/// cuts of each unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Root mean squared error, in cycles.
    Rmse,
    /// Mean absolute error, in cycles.
    Mae,
    /// Mean error, in cycles; positive is late.
    Bias,
    /// Sum over units of the mean PHM 2008 penalty of the unit's cuts: with one cut a unit, the published score; with
    /// several, the published score to expect of one random cut a unit.
    NasaScore,
    /// `nasa_score` divided by the number of units, so that parts of different size can be set side by side.
    NasaMean,
    /// Share of late predictions, d > 0.
    LateRate,
    /// Share of harmfully late predictions, d > 10.
    HarmfulLateRate,
    /// Share of early predictions, d < −13.
    EarlyRate,
    /// Share of predictions on time, −13 ≤ d ≤ 10.
    OnTimeRate,
    /// Share of intervals that hold the truth.
    Coverage,
    /// Mean width of the intervals, in cycles.
    IntervalWidth,
}

/// Says which values of a metric are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// Lower is better.
    Low,
    /// Higher is better.
    High,
    /// Nearer to zero is better.
    Zero,
}

impl Metric {
    /// All metrics, in the order of a scorecard.
    pub const ALL: [Self; 11] = [
        Self::Rmse,
        Self::Mae,
        Self::Bias,
        Self::NasaScore,
        Self::NasaMean,
        Self::LateRate,
        Self::HarmfulLateRate,
        Self::EarlyRate,
        Self::OnTimeRate,
        Self::Coverage,
        Self::IntervalWidth,
    ];

    /// Returns the name, as in the TOML and the JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rmse => "rmse",
            Self::Mae => "mae",
            Self::Bias => "bias",
            Self::NasaScore => "nasa_score",
            Self::NasaMean => "nasa_mean",
            Self::LateRate => "late_rate",
            Self::HarmfulLateRate => "harmful_late_rate",
            Self::EarlyRate => "early_rate",
            Self::OnTimeRate => "on_time_rate",
            Self::Coverage => "coverage",
            Self::IntervalWidth => "interval_width",
        }
    }

    /// Returns the metric with this name, where there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == name)
    }

    /// Returns the unit of measure: `cycles`, `share`, or empty for the NASA scores.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Rmse | Self::Mae | Self::Bias | Self::IntervalWidth => "cycles",
            Self::NasaScore | Self::NasaMean => "",
            _ => "share",
        }
    }

    /// Returns which values are good.
    ///
    /// Coverage is the better the higher: intervals that hold the truth too often pay with `interval_width`.
    pub fn goal(self) -> Goal {
        match self {
            Self::Bias => Goal::Zero,
            Self::OnTimeRate | Self::Coverage => Goal::High,
            _ => Goal::Low,
        }
    }

    /// Returns whether the metric can only be computed from predictions with intervals.
    pub fn needs_intervals(self) -> bool {
        matches!(self, Self::Coverage | Self::IntervalWidth)
    }

    pub(super) fn is_share(self) -> bool {
        self.unit() == "share"
    }

    /// Returns whether the metric is a mean over cuts or units, so that it can be told of some units already.
    pub fn is_mean(self) -> bool {
        self != Self::NasaScore
    }

    pub(super) fn value(self, totals: &Totals) -> f64 {
        let (sum, weight) = self.sum_and_weight(totals);
        self.of_mean(sum / weight)
    }

    /// Returns what the metric sums and what it divides the sum by.
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
        if self == Self::Rmse { mean.sqrt() } else { mean }
    }
}

impl Goal {
    /// Returns a number that is the smaller the better the value is.
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
}
