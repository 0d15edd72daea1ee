//! Chooses a trial of a search.

use serde::Serialize;
use serde_json::Value;

use super::values::same;
use super::{Choose, SearchDimension, Simpler, Space, Trial, Values};
use pdm_core::scoring::{Metric, standard_error_of_difference};

/// Models whose sizes differ by less than this factor count as equally simple.
const SAME_SIZE: f64 = 1.25;

/// A complete trial compared with the best one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RankedTrial {
    /// Its number.
    pub number: usize,
    /// How much worse it is than the best trial, in the metric's unit.
    pub difference: f64,
    /// Standard error of the difference, over units.
    pub standard_error: f64,
    /// Whether it is within one standard error of the best.
    pub within: bool,
}

/// The trial that was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// The trial with the best score; the first of equals.
    pub best: usize,
    /// The chosen trial.
    pub chosen: usize,
    /// How many trials are within one standard error of the best, itself included.
    pub within: usize,
}

/// Compares complete trials with the best one, best first; empty if none is complete.
pub fn ranking(metric: Metric, trials: &[Trial]) -> Vec<RankedTrial> {
    let mut complete: Vec<_> = trials.iter().filter(|trial| trial.is_complete()).collect();
    let loss = |trial: &Trial| trial.loss_after(metric, usize::MAX);
    complete.sort_by(|a, b| loss(a).total_cmp(&loss(b)));
    let Some(best) = complete.first().copied() else {
        return Vec::new();
    };
    let ranked = |trial: &&Trial| {
        let difference = loss(trial) - loss(best);
        let standard_error = standard_error_of_difference(metric, &trial.units(), &best.units());
        RankedTrial {
            number: trial.number,
            difference,
            standard_error,
            within: difference <= standard_error,
        }
    };
    complete.iter().map(ranked).collect()
}

/// Chooses among trials; `size` returns the size of a trial's model, and is called only if no key of the space defines what
/// is simpler.
///
/// By the one-standard-error rule of Breiman, Friedman, Olshen and Stone (1984, section 3.4.3), the simplest trial within
/// one standard error of the best is chosen, here that of the paired difference over units. Simplicity is defined by the
/// keys with `simpler`, in the order of the space, or else by the size of the model; of equals the better one is chosen.
///
/// # Errors
/// Those of `size`.
pub fn choose<E>(
    space: &Space,
    trials: &[Trial],
    ranking: &[RankedTrial],
    rule: Choose,
    mut size: impl FnMut(&Trial) -> Result<u64, E>,
) -> Result<Option<Choice>, E> {
    let Some(best) = ranking.first().map(|trial| trial.number) else {
        return Ok(None);
    };
    let near: Vec<_> = ranking.iter().filter(|trial| trial.within).collect();
    let contenders: Vec<_> = near
        .iter()
        .filter_map(|near| trials.iter().find(|t| t.number == near.number))
        .collect();
    let within = contenders.len();
    if rule == Choose::Best || within < 2 {
        return Ok(Some(Choice {
            best,
            chosen: best,
            within,
        }));
    }
    let ordering: Vec<_> = space
        .dimensions()
        .iter()
        .filter(|dimension| dimension.simpler.is_some())
        .collect();
    let mut simplest: Option<(Vec<f64>, usize)> = None;
    for trial in contenders {
        let complexity = match ordering.as_slice() {
            [] => vec![size_class(size(trial)?)],
            ordering => ordering
                .iter()
                .map(|dimension| complexity(dimension, trial))
                .collect(),
        };
        // Contenders are in order from the best, so of equals the better one is kept.
        if simplest
            .as_ref()
            .is_none_or(|(least, _)| complexity < *least)
        {
            simplest = Some((complexity, trial.number));
        }
    }
    Ok(Some(Choice {
        best,
        chosen: simplest.map_or(best, |(_, number)| number),
        within,
    }))
}

/// Returns the class of a model's size; models of the same class count as equally simple.
pub fn size_class(bytes: u64) -> f64 {
    (bytes.max(1) as f64).log(SAME_SIZE).round()
}

/// Returns the complexity of a value as a number; an inactive key adds nothing.
fn complexity(dimension: &SearchDimension, trial: &Trial) -> f64 {
    let Some(value) = trial.values.get(&dimension.key) else {
        return f64::NEG_INFINITY;
    };
    match dimension.simpler {
        Some(Simpler::Low) => value.as_f64().unwrap_or(f64::INFINITY),
        Some(Simpler::High) => value.as_f64().map_or(f64::INFINITY, |value| -value),
        Some(Simpler::First) => rank(&dimension.values, value),
        Some(Simpler::Last) => -rank(&dimension.values, value),
        None => 0.0,
    }
}

fn rank(values: &Values, value: &Value) -> f64 {
    let Values::Choices(choices) = values else {
        return f64::INFINITY;
    };
    choices
        .iter()
        .position(|choice| same(choice, value))
        .map_or(f64::INFINITY, |at| at as f64)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use serde_json::json;

    use super::super::trial::samples::{point, trial};
    use super::*;
    use crate::tune::TrialEnding;

    const METRIC: Metric = Metric::Mae;

    /// Losses of four units; the best is trial 2 with mean 2.
    ///
    /// Differences to it and their error s/√4: trial 0: 1, 0, 1, 0 → 0.5, 0.289; trial 1: 3, −1, 2, −2 → 0.5, 1.190;
    /// trial 3: 1, 1, 1, 1 → 1, 0; trial 4: −1, 0, 0, 2.5 → 0.375, 0.747.
    fn trials() -> Vec<Trial> {
        let of = |number, losses: [f64; 4], rounds: u32| {
            let values = point(json!({ "rounds": rounds, "l2": f64::from(rounds % 7) }));
            Trial {
                values,
                ..trial(number, &losses)
            }
        };
        vec![
            of(0, [3.0, 2.0, 3.0, 2.0], 10),
            of(1, [5.0, 1.0, 4.0, 0.0], 200),
            of(2, [2.0, 2.0, 2.0, 2.0], 300),
            of(3, [3.0, 3.0, 3.0, 3.0], 5),
            of(4, [1.0, 2.0, 2.0, 4.5], 100),
        ]
    }

    fn space(simpler: Option<(&str, Simpler)>) -> Space {
        let dimension = |key: &str| SearchDimension {
            key: key.to_owned(),
            values: Values::Whole {
                low: 0,
                high: 1000,
                log: false,
            },
            simpler: simpler
                .filter(|(wanted, _)| *wanted == key)
                .map(|(_, end)| end),
            when: None,
        };
        Space::new(vec![dimension("rounds"), dimension("l2")])
    }

    fn chosen(space: &Space, rule: Choose, size: fn(usize) -> u64) -> usize {
        let (trials, ranking) = (trials(), ranking(METRIC, &trials()));
        let size = |trial: &Trial| Ok::<_, Infallible>(size(trial.number));
        let Ok(choice) = choose(space, &trials, &ranking, rule, size);
        choice.unwrap().chosen
    }

    #[test]
    fn differences_and_their_errors_are_those_computed_by_hand() {
        let ranking = ranking(METRIC, &trials());
        let rows: Vec<_> = ranking
            .iter()
            .map(|s| {
                (
                    s.number,
                    s.difference,
                    (s.standard_error * 1000.0).round(),
                    s.within,
                )
            })
            .collect();
        let expected = [
            (2, 0.0, 0.0, true),
            (4, 0.375, 747.0, true),
            (0, 0.5, 289.0, false),
            (1, 0.5, 1190.0, true),
            (3, 1.0, 0.0, false),
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn the_simplest_within_one_standard_error_is_chosen() {
        assert_eq!(
            chosen(&space(Some(("rounds", Simpler::Low))), Choose::OneSe, |_| 0),
            4
        );
        assert_eq!(
            chosen(
                &space(Some(("rounds", Simpler::High))),
                Choose::OneSe,
                |_| 0
            ),
            2
        );
        assert_eq!(
            chosen(&space(Some(("rounds", Simpler::Low))), Choose::Best, |_| 0),
            2
        );
        // 200, 300 and 100 leave 4, 6 and 2 by 7.
        assert_eq!(
            chosen(&space(Some(("l2", Simpler::Low))), Choose::OneSe, |_| 0),
            4
        );
    }

    #[test]
    fn without_a_word_on_it_the_smaller_model_is_simpler_and_a_little_smaller_is_the_same() {
        let size = |number| [1, 4000, 9000, 1, 9001][number];
        assert_eq!(chosen(&space(None), Choose::OneSe, size), 1);
        assert_eq!(
            chosen(&space(None), Choose::OneSe, |number| [
                1, 8600, 9000, 1, 8900
            ][number]),
            2
        );
    }

    #[test]
    fn choices_are_simpler_by_position_and_absent_keys_are_simplest() {
        let values = Values::Choices(vec![json!("linear"), json!("gru")]);
        let kind = |simpler| SearchDimension {
            key: "kind".into(),
            values: values.clone(),
            simpler,
            when: None,
        };
        let gru = Trial {
            values: point(json!({ "kind": "gru" })),
            ..trial(0, &[1.0])
        };
        assert_eq!(complexity(&kind(Some(Simpler::First)), &gru), 1.0);
        assert_eq!(complexity(&kind(Some(Simpler::Last)), &gru), -1.0);
        assert_eq!(
            complexity(&kind(Some(Simpler::Last)), &trial(0, &[1.0])),
            f64::NEG_INFINITY
        );
    }

    #[test]
    fn only_complete_trials_are_ranked() {
        let mut trials = trials();
        trials
            .iter_mut()
            .for_each(|trial| trial.ending = TrialEnding::Pruned);
        assert_eq!(ranking(METRIC, &trials), []);
        let Ok(choice) = choose(&space(None), &trials, &[], Choose::OneSe, |_| {
            Ok::<_, Infallible>(0)
        });
        assert_eq!(choice, None);
    }
}
