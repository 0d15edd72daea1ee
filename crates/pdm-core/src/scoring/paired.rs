//! Paired comparison of two models.

use serde::{Deserialize, Serialize};

use super::bootstrap::{percentile_interval, resample};
use super::options::refuse;
use super::rows::{ScoredRow, admit};
use super::totals::Totals;
use super::{BootstrapOptions, Metric, Protocol, ScoringError};
use crate::domain::Prediction;

/// One model of a comparison: its predictions and their protocol.
#[derive(Debug, Clone, Copy)]
pub struct ComparedPredictions<'a> {
    /// Predictions with truths.
    pub predictions: &'a [Prediction],
    /// The protocol.
    pub protocol: &'a Protocol,
}

/// How much worse a challenger is than a champion on the same units; negative is better.
///
/// The difference is that of the metric itself if lower is better, of its negative if higher is better, and of its absolute
/// value for the bias. Each resample draws the same units for both models, so the difficulty of a unit cancels. The
/// comparison is of two fitted models: another training seed of either may give another result.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairedDifference {
    /// The metric.
    pub metric: Metric,
    /// Value of the challenger.
    pub challenger: f64,
    /// Value of the champion.
    pub champion: f64,
    /// How much worse the challenger is, in the metric's unit.
    pub difference: f64,
    /// Lower end of the interval of the difference.
    pub lower: f64,
    /// Upper end of the interval of the difference.
    pub upper: f64,
    /// Share of resamples in which the challenger is better; ties count half.
    pub probability_better: f64,
    /// Number of units both models predict.
    pub units: usize,
}

impl PairedDifference {
    /// Returns a margin of `share` of the champion's value, in the metric's unit; 0.1 stands for 10 %.
    pub fn relative_margin(&self, share: f64) -> f64 {
        share * self.champion.abs()
    }
}

/// Compares a challenger with a champion by a paired bootstrap over units.
///
/// # Errors
/// The protocols, units, cycles or truths differ, there are fewer than 2 units, a model cannot be scored, or the metric has no
/// finite value, such as coverage without intervals.
pub fn paired(
    metric: Metric,
    challenger: ComparedPredictions<'_>,
    champion: ComparedPredictions<'_>,
    options: &BootstrapOptions,
    seed: u64,
) -> Result<PairedDifference, ScoringError> {
    Pairs::of(challenger, champion, options)?.difference(metric, options, seed)
}

/// Two models, unit by unit.
pub(super) struct Pairs {
    pub(super) challenger: Vec<Totals>,
    pub(super) champion: Vec<Totals>,
}

impl Pairs {
    /// Pairs two models.
    ///
    /// # Errors
    /// Those of [`paired`].
    pub(super) fn of(
        challenger: ComparedPredictions<'_>,
        champion: ComparedPredictions<'_>,
        options: &BootstrapOptions,
    ) -> Result<Self, ScoringError> {
        refuse(options.problems())?;
        challenger.protocol.require_same(champion.protocol)?;
        let ours = admit(challenger.predictions, challenger.protocol)?;
        let theirs = admit(champion.predictions, champion.protocol)?;
        require_pairs(&ours, &theirs)?;
        let challenger = Totals::by_unit(&ours);
        let champion = Totals::by_unit(&theirs);
        require_spread(challenger.len())?;
        Ok(Self {
            challenger,
            champion,
        })
    }

    /// Returns the difference by the percentile bootstrap.
    ///
    /// # Errors
    /// The metric has no finite value.
    pub(super) fn difference(
        &self,
        metric: Metric,
        options: &BootstrapOptions,
        seed: u64,
    ) -> Result<PairedDifference, ScoringError> {
        difference(metric, &self.challenger, &self.champion, options, seed)
            .ok_or(ScoringError::Undefined(metric))
    }
}

pub(super) fn require_spread(units: usize) -> Result<(), ScoringError> {
    if units < 2 {
        Err(ScoringError::TooFewUnits { units, need: 2 })
    } else {
        Ok(())
    }
}

fn difference(
    metric: Metric,
    ours: &[Totals],
    theirs: &[Totals],
    options: &BootstrapOptions,
    seed: u64,
) -> Option<PairedDifference> {
    let loss = |totals: &Totals| metric.goal().loss(metric.value(totals));
    let (sum, their_sum) = (Totals::sum(ours), Totals::sum(theirs));
    let pairs = resample(ours, options, seed)
        .into_iter()
        .zip(resample(theirs, options, seed));
    let differences: Vec<_> = pairs.map(|(a, b)| loss(&a) - loss(&b)).collect();
    let probability_better = share_below_zero(&differences);
    let (lower, upper) = percentile_interval(differences, options.confidence);
    let difference = loss(&sum) - loss(&their_sum);
    let challenger = metric.value(&sum);
    let champion = metric.value(&their_sum);
    let units = ours.len();
    [difference, lower, upper]
        .iter()
        .all(|v| v.is_finite())
        .then_some(PairedDifference {
            metric,
            challenger,
            champion,
            difference,
            lower,
            upper,
            probability_better,
            units,
        })
}

fn share_below_zero(differences: &[f64]) -> f64 {
    let points = |d: &f64| {
        if *d < 0.0 {
            1.0
        } else {
            f64::from(u8::from(*d == 0.0)) / 2.0
        }
    };
    differences.iter().map(points).sum::<f64>() / differences.len() as f64
}

fn require_pairs(ours: &[ScoredRow], theirs: &[ScoredRow]) -> Result<(), ScoringError> {
    fn key(row: &ScoredRow) -> (&crate::domain::UnitId, crate::domain::Cycle) {
        (&row.unit, row.cycle)
    }
    let unpaired = |row: &ScoredRow| {
        Err(ScoringError::Unpaired {
            unit: row.unit.clone(),
            cycle: row.cycle,
        })
    };
    for (a, b) in ours.iter().zip(theirs) {
        if key(a) != key(b) {
            return unpaired(if key(a) < key(b) { a } else { b });
        }
        if a.truth != b.truth {
            let unit = a.unit.clone();
            let cycle = a.cycle;
            return Err(ScoringError::UnlikeTruth {
                unit,
                cycle,
                challenger: a.truth,
                champion: b.truth,
            });
        }
    }
    let shorter = ours.len().min(theirs.len());
    ours.get(shorter)
        .or(theirs.get(shorter))
        .map_or(Ok(()), unpaired)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoring::samples::{prediction, test_protocol, wavy_errors};
    use crate::scoring::{Verdict, judge_non_inferior};

    fn of_errors(errors: impl IntoIterator<Item = f64>) -> Vec<Prediction> {
        (1..)
            .zip(errors)
            .map(|(unit, d)| prediction(unit, 50, 60.0 + d, 60.0))
            .collect()
    }

    fn compare(
        metric: Metric,
        challenger: &[Prediction],
        champion: &[Prediction],
    ) -> PairedDifference {
        let protocol = test_protocol(champion.len());
        let evidence = |predictions| ComparedPredictions {
            predictions,
            protocol: &protocol,
        };
        paired(
            metric,
            evidence(challenger),
            evidence(champion),
            &BootstrapOptions::default(),
            7,
        )
        .unwrap()
    }

    #[test]
    fn a_model_is_no_better_than_itself() {
        let predictions = of_errors(wavy_errors(60));
        for metric in [
            Metric::Rmse,
            Metric::NasaScore,
            Metric::LateRate,
            Metric::Bias,
        ] {
            let same = compare(metric, &predictions, &predictions);
            assert_eq!(
                (
                    same.difference,
                    same.lower,
                    same.upper,
                    same.probability_better
                ),
                (0.0, 0.0, 0.0, 0.5)
            );
            assert_eq!(judge_non_inferior(&same, 0.0), Verdict::Pass);
        }
    }

    #[test]
    fn swapping_the_models_turns_the_sign() {
        let (a, b) = (
            of_errors(wavy_errors(60)),
            of_errors(wavy_errors(60).map(|d| 0.8 * d + 1.0)),
        );
        let (there, back) = (compare(Metric::Mae, &a, &b), compare(Metric::Mae, &b, &a));
        assert_eq!(there.difference, -back.difference);
        assert!(
            (there.lower + back.upper).abs() < 1e-12 && (there.upper + back.lower).abs() < 1e-12
        );
        assert!((there.probability_better + back.probability_better - 1.0).abs() < 1e-12);
    }

    #[test]
    fn worse_is_positive_whichever_way_a_metric_points() {
        let (good, bad) = (
            of_errors([-1.0, 2.0, -1.0, 2.0]),
            of_errors([-30.0, -20.0, -25.0, 9.0]),
        );
        for metric in [Metric::Rmse, Metric::OnTimeRate, Metric::Bias] {
            assert!(compare(metric, &bad, &good).difference > 0.0, "{metric}");
        }
    }

    #[test]
    fn pairing_sees_a_small_steady_gain_that_single_intervals_hide() {
        let champion = of_errors(wavy_errors(60));
        let challenger = of_errors(wavy_errors(60).map(|d| 0.95 * d));
        let gain = compare(Metric::Rmse, &challenger, &champion);
        assert!(gain.upper < 0.0, "{gain:?}");
        assert_eq!(judge_non_inferior(&gain, 0.0), Verdict::Pass);
    }

    #[test]
    fn what_cannot_be_paired_is_refused() {
        let protocol = test_protocol(2);
        let capped = Protocol {
            truth_cap: Some(125.0),
            ..protocol.clone()
        };
        let champion = of_errors([1.0, 2.0]);
        let run = |challenger: &[Prediction], protocol_of_challenger: &Protocol| {
            let ours = ComparedPredictions {
                predictions: challenger,
                protocol: protocol_of_challenger,
            };
            let theirs = ComparedPredictions {
                predictions: &champion,
                protocol: &protocol,
            };
            paired(Metric::Rmse, ours, theirs, &BootstrapOptions::default(), 7).unwrap_err()
        };
        assert!(matches!(
            run(&champion, &capped),
            ScoringError::UnlikeProtocols { .. }
        ));
        let other_unit = [prediction(1, 50, 60.0, 60.0), prediction(3, 50, 60.0, 60.0)];
        assert!(
            run(&other_unit, &protocol)
                .to_string()
                .starts_with("unit 2 at cycle 50 is predicted by one model")
        );
        let other_truth = [prediction(1, 50, 60.0, 60.0), prediction(2, 50, 60.0, 61.0)];
        assert!(matches!(
            run(&other_truth, &protocol),
            ScoringError::UnlikeTruth { .. }
        ));
    }

    #[test]
    fn a_metric_without_values_is_refused() {
        let (predictions, protocol) = (of_errors([1.0, 2.0]), test_protocol(2));
        let evidence = ComparedPredictions {
            predictions: &predictions,
            protocol: &protocol,
        };
        let refused = paired(
            Metric::Coverage,
            evidence,
            evidence,
            &BootstrapOptions::default(),
            7,
        );
        assert_eq!(refused, Err(ScoringError::Undefined(Metric::Coverage)));
    }
}
