//! Stops trials that fall behind.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Trial;
use pdm_core::domain::Problem;
use pdm_core::scoring::{Metric, UnitLoss, loss_of, standard_error_of_difference};

/// Number of standard errors by which a trial must be behind the best to be stopped.
const FAR_BEHIND: f64 = 2.0;

/// Which trials are stopped before their last fold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PruneOptions {
    /// The rule.
    pub rule: PruneRule,
    /// Number of complete trials before any trial is stopped.
    pub after_trials: usize,
    /// Number of folds after which a trial may be stopped.
    pub after_folds: usize,
}

/// The rule by which a trial is stopped, applied after each fold to the units scored so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PruneRule {
    /// Stop trials that are worse than the best one by more than two standard errors of their paired difference; keeps all
    /// trials that the one-standard-error rule may choose.
    #[default]
    Best,
    /// Stop trials that are worse than the median of the complete trials at the same fold; stops about half.
    Median,
    /// Stop nothing.
    Off,
}

impl Default for PruneOptions {
    fn default() -> Self {
        Self {
            rule: PruneRule::default(),
            after_trials: 5,
            after_folds: 1,
        }
    }
}

impl PruneOptions {
    /// Returns what is wrong with the values, with paths relative to this table.
    pub fn problems(&self) -> Vec<Problem> {
        let counts = [
            ("after_trials", self.after_trials),
            ("after_folds", self.after_folds),
        ];
        let zeros = counts.into_iter().filter(|(_, count)| *count == 0);
        zeros
            .map(|(key, _)| Problem::new(key, "is 0, and must be at least 1"))
            .collect()
    }

    /// Returns whether a trial should be stopped after its folds so far, given the previous trials.
    pub fn stops(&self, metric: Metric, folds: &[Vec<UnitLoss>], before: &[Trial]) -> bool {
        let complete: Vec<_> = before.iter().filter(|trial| trial.is_complete()).collect();
        if folds.len() < self.after_folds || complete.len() < self.after_trials {
            return false;
        }
        match self.rule {
            PruneRule::Off => false,
            PruneRule::Median => {
                let losses = complete
                    .iter()
                    .map(|other| other.loss_after(metric, folds.len()))
                    .collect();
                loss_of(metric, folds.iter().flatten()) > median(losses)
            }
            PruneRule::Best => far_behind(metric, folds, &complete),
        }
    }
}

fn far_behind(metric: Metric, folds: &[Vec<UnitLoss>], complete: &[&Trial]) -> bool {
    let all = |trial: &Trial| trial.loss_after(metric, usize::MAX);
    let best = complete.iter().min_by(|a, b| all(a).total_cmp(&all(b)));
    best.is_some_and(|best| {
        let (ours, theirs): (Vec<_>, _) =
            (folds.iter().flatten().collect(), best.units_of(folds.len()));
        let difference =
            loss_of(metric, ours.iter().copied()) - best.loss_after(metric, folds.len());
        difference > FAR_BEHIND * standard_error_of_difference(metric, &ours, &theirs)
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        0 => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::samples::trial;
    use super::*;

    const METRIC: Metric = Metric::Mae;

    fn rule(rule: PruneRule) -> PruneOptions {
        PruneOptions {
            rule,
            after_trials: 3,
            after_folds: 2,
        }
    }

    fn before() -> Vec<Trial> {
        vec![
            trial(0, &[4.0, 4.0, 4.0]),
            trial(1, &[1.0, 2.0, 6.0]),
            trial(2, &[7.0, 9.0, 1.0]),
        ]
    }

    #[test]
    fn the_median_is_that_of_complete_trials_at_the_same_fold() {
        // After two folds the means are 4, 1.5 and 8: the median is 4.
        let median = rule(PruneRule::Median);
        assert!(median.stops(METRIC, &trial(3, &[4.0, 4.1]).folds, &before()));
        assert!(!median.stops(METRIC, &trial(3, &[4.0, 4.0]).folds, &before()));
        let mut pruned = before();
        pruned[0].ending = super::super::TrialEnding::Pruned;
        assert!(
            !median.stops(METRIC, &trial(3, &[9.0, 9.0]).folds, &pruned),
            "two complete trials are too few"
        );
    }

    #[test]
    fn every_trial_gets_its_first_folds_and_every_search_its_first_trials() {
        for stop in [PruneRule::Median, PruneRule::Best] {
            assert!(!rule(stop).stops(METRIC, &trial(3, &[900.0]).folds, &before()));
            assert!(!rule(stop).stops(METRIC, &trial(3, &[900.0, 901.0]).folds, &before()[1..]));
            assert!(rule(stop).stops(METRIC, &trial(3, &[900.0, 901.0]).folds, &before()));
        }
        assert!(!rule(PruneRule::Off).stops(METRIC, &trial(3, &[900.0, 901.0]).folds, &before()));
    }

    #[test]
    fn behind_the_best_counts_in_standard_errors() {
        // The best over all folds is trial 1: 1 and 2 after two. Differences d1, d2: mean m, error |d1 − d2| / 2.
        let best = rule(PruneRule::Best);
        assert!(
            best.stops(METRIC, &trial(3, &[3.0, 5.1]).folds, &before()),
            "2.55 > 2 · 0.55"
        );
        assert!(
            !best.stops(METRIC, &trial(3, &[2.0, 6.0]).folds, &before()),
            "2.5 < 2 · 1.5"
        );
        assert!(!best.stops(METRIC, &trial(3, &[0.5, 1.0]).folds, &before()));
    }

    #[test]
    fn zeros_are_problems_and_medians_of_even_counts_lie_between() {
        assert_eq!(
            PruneOptions {
                rule: PruneRule::Best,
                after_trials: 0,
                after_folds: 0
            }
            .problems()
            .len(),
            2
        );
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), 2.5);
    }
}
