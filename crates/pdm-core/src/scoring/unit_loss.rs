//! The contribution of single units to a metric.

use serde::{Deserialize, Serialize};

use super::rows::{admit, by_unit};
use super::totals::Totals;
use super::{Metric, Protocol, ScoringError};
use crate::domain::{Prediction, UnitId};

/// The contribution of one unit to a metric that is a mean: over any units the metric follows from `Σ sum / Σ weight`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnitLoss {
    /// The unit.
    pub unit: UnitId,
    /// The sum over its cuts, such as squared errors.
    pub sum: f64,
    /// The divisor, such as the number of cuts.
    pub weight: f64,
}

/// Returns the contribution of each unit to a metric, in order of unit.
///
/// # Errors
/// Those of [`super::score`]; the metric is not a mean, or has no finite value.
pub fn unit_losses(
    metric: Metric,
    predictions: &[Prediction],
    protocol: &Protocol,
) -> Result<Vec<UnitLoss>, ScoringError> {
    let rows = admit(predictions, protocol)?;
    let units = by_unit(&rows).map(|cuts| cuts[0].unit.clone());
    let loss = |(unit, totals): (UnitId, &Totals)| {
        let (sum, weight) = metric.sum_and_weight(totals);
        UnitLoss { unit, sum, weight }
    };
    let losses: Vec<_> = units.zip(&Totals::by_unit(&rows)).map(loss).collect();
    let usable = metric.is_mean() && losses.iter().all(|loss| loss.sum.is_finite());
    if usable {
        Ok(losses)
    } else {
        Err(ScoringError::Undefined(metric))
    }
}

/// Returns the metric over some units; `NaN` without units.
pub fn value_of<'a>(metric: Metric, units: impl IntoIterator<Item = &'a UnitLoss>) -> f64 {
    LossSums::of(units).value(metric)
}

/// Returns a number over some units that is smaller for better values of the metric.
pub fn loss_of<'a>(metric: Metric, units: impl IntoIterator<Item = &'a UnitLoss>) -> f64 {
    metric.goal().loss(value_of(metric, units))
}

/// Returns the standard error of `loss(ours) − loss(theirs)` over the same units in the same order, by the jackknife
/// (Efron and Tibshirani 1993, chapter 11): the difficulty of a unit for both models cancels.
///
/// With `n` units and `dᵢ` the difference without unit `i`, it is `√((n − 1)/n · Σ (dᵢ − d̄)²)`; for a plain mean that
/// is the familiar `s/√n`. A single unit has no spread: infinite.
pub fn standard_error_of_difference(
    metric: Metric,
    ours: &[&UnitLoss],
    theirs: &[&UnitLoss],
) -> f64 {
    let n = ours.len();
    if n < 2 {
        return f64::INFINITY;
    }
    let all = LossSums::of(ours.iter().copied());
    let all_theirs = LossSums::of(theirs.iter().copied());
    let loss = |sums: LossSums| metric.goal().loss(sums.value(metric));
    let without =
        |(a, b): (&&UnitLoss, &&UnitLoss)| loss(all.without(a)) - loss(all_theirs.without(b));
    let differences: Vec<f64> = ours.iter().zip(theirs).map(without).collect();
    let mean = differences.iter().sum::<f64>() / n as f64;
    let squares: f64 = differences.iter().map(|d| (d - mean).powi(2)).sum();
    ((n as f64 - 1.0) / n as f64 * squares).sqrt()
}

#[derive(Clone, Copy)]
struct LossSums {
    sum: f64,
    weight: f64,
}

impl LossSums {
    fn of<'a>(units: impl IntoIterator<Item = &'a UnitLoss>) -> Self {
        let add = |all: Self, unit: &UnitLoss| Self {
            sum: all.sum + unit.sum,
            weight: all.weight + unit.weight,
        };
        units.into_iter().fold(
            Self {
                sum: 0.0,
                weight: 0.0,
            },
            add,
        )
    }

    fn without(self, unit: &UnitLoss) -> Self {
        // Sums of squares cannot be negative, except by rounding.
        let rest = self.sum - unit.sum;
        let sum = if unit.sum >= 0.0 && self.sum >= 0.0 {
            rest.max(0.0)
        } else {
            rest
        };
        Self {
            sum,
            weight: self.weight - unit.weight,
        }
    }

    fn value(self, metric: Metric) -> f64 {
        metric.of_mean(self.sum / self.weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoring::samples::{fleet, out_of_fold_protocol};
    use crate::scoring::{BootstrapOptions, score};

    fn units(losses: &[(f64, f64)]) -> Vec<UnitLoss> {
        let unit = |(i, (sum, weight)): (u32, &(f64, f64))| UnitLoss {
            unit: i.into(),
            sum: *sum,
            weight: *weight,
        };
        (1..).zip(losses).map(unit).collect()
    }

    fn error(metric: Metric, ours: &[(f64, f64)], theirs: &[(f64, f64)]) -> f64 {
        let (ours, theirs) = (units(ours), units(theirs));
        standard_error_of_difference(
            metric,
            &ours.iter().collect::<Vec<_>>(),
            &theirs.iter().collect::<Vec<_>>(),
        )
    }

    #[test]
    fn over_all_units_the_metrics_are_those_of_the_scorecard() {
        let (predictions, protocol) = (fleet(40, 6, 3), out_of_fold_protocol(40, 6));
        let card = score(
            &predictions,
            protocol.clone(),
            60.0,
            &BootstrapOptions::default(),
            1,
        )
        .unwrap();
        for metric in [
            Metric::Rmse,
            Metric::Mae,
            Metric::Bias,
            Metric::NasaMean,
            Metric::LateRate,
            Metric::OnTimeRate,
        ] {
            let value = value_of(
                metric,
                &unit_losses(metric, &predictions, &protocol).unwrap(),
            );
            assert!(
                (value - card.score(metric).unwrap().value).abs() < 1e-9,
                "{metric}: {value}"
            );
        }
    }

    #[test]
    fn of_a_plain_mean_the_error_is_the_textbooks() {
        // Differences 1, 2, 3, 4: s = √(5/3), and s/√4 = 0.6455.
        let ours = [(11.0, 1.0), (7.0, 1.0), (23.0, 1.0), (4.0, 1.0)];
        let theirs = [(10.0, 1.0), (5.0, 1.0), (20.0, 1.0), (0.0, 1.0)];
        assert!((error(Metric::Mae, &ours, &theirs) - (5.0_f64 / 3.0).sqrt() / 2.0).abs() < 1e-12);
    }

    #[test]
    fn of_a_root_it_is_that_of_the_values_with_one_unit_left_out() {
        // Without unit 1: √4 − √1 = 1; without unit 2: √16 − √9 = 1.
        let (ours, theirs) = ([(16.0, 1.0), (4.0, 1.0)], [(9.0, 1.0), (1.0, 1.0)]);
        assert_eq!(error(Metric::Rmse, &ours, &theirs), 0.0);
        // √4 − √1 = 1 against √16 − √1 = 3: (n − 1)/n · 2 · 1² = 1.
        assert!(
            (error(
                Metric::Rmse,
                &[(16.0, 1.0), (4.0, 1.0)],
                &[(1.0, 1.0), (1.0, 1.0)]
            ) - 1.0)
                .abs()
                < 1e-12
        );
    }

    #[test]
    fn a_model_does_not_differ_from_itself_and_one_unit_shows_no_spread() {
        let ours = [(16.0, 2.0), (4.0, 1.0), (0.5, 8.0)];
        assert_eq!(error(Metric::Rmse, &ours, &ours), 0.0);
        assert_eq!(error(Metric::Rmse, &ours[..1], &ours[..1]), f64::INFINITY);
    }

    #[test]
    fn sums_and_absent_intervals_have_no_mean() {
        let (predictions, protocol) = (fleet(5, 1, 1), out_of_fold_protocol(5, 1));
        for metric in [Metric::NasaScore, Metric::Coverage] {
            assert_eq!(
                unit_losses(metric, &predictions, &protocol),
                Err(ScoringError::Undefined(metric))
            );
        }
    }
}
