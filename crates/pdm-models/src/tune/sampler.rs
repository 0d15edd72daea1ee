//! Picks the values of the next trial.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tpe::density_estimation::DefaultEstimatorBuilder;
use tpe::{TpeOptimizer, categorical_range, histogram_estimator, parzen_estimator, range};

use super::{SearchDimension, SearchMethod, SearchPoint, Space, Trial, TuneOptions, Values};
use pdm_core::scoring::Metric;

/// Number of draws before a sampler gives up finding untried values; the same values would give the same score.
const DRAWS: usize = 200;
/// A grid with more points needs `trials`.
pub const MOST_GRID_POINTS: usize = 10_000;

/// Picks the values of the next trial.
#[derive(Debug, Clone)]
pub struct Sampler {
    space: Space,
    grid: Vec<SearchPoint>,
    method: SearchMethod,
    startup_trials: usize,
    metric: Metric,
}

impl Sampler {
    /// Returns a sampler of a space.
    pub fn new(space: Space, options: &TuneOptions) -> Self {
        let grid = if options.method == SearchMethod::Grid {
            space.grid(MOST_GRID_POINTS)
        } else {
            Vec::new()
        };
        let TuneOptions {
            method,
            startup_trials,
            metric,
            ..
        } = *options;
        Self {
            space,
            grid,
            method,
            startup_trials,
            metric,
        }
    }

    /// Returns values that no trial has had, given the trials so far; `None` if there seem to be no others.
    ///
    /// The same trials and the same seed give the same values.
    pub fn next(&self, before: &[Trial], seed: u64) -> Option<SearchPoint> {
        let is_new = |point: &SearchPoint| before.iter().all(|trial| trial.values != *point);
        if self.method == SearchMethod::Grid {
            return self.grid.iter().find(|point| is_new(point)).cloned();
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let learns = self.method == SearchMethod::Tpe
            && before.iter().filter(|trial| !trial.failed()).count() > self.startup_trials;
        if learns {
            let ranked = ranked(self.metric, before);
            let likely = (0..DRAWS).map(|_| {
                self.space
                    .build(|dimension| Some(likely(dimension, &ranked, &mut rng)))
            });
            if let Some(point) = { likely }.find(is_new) {
                return Some(point);
            }
        }
        (0..DRAWS)
            .map(|_| self.space.build(|d| Some(d.values.at(rng.random()))))
            .find(is_new)
    }
}

/// Returns the trials from best to worst: complete ones by score, then pruned ones by the number of folds and their score, then
/// failed ones.
fn ranked(metric: Metric, trials: &[Trial]) -> Vec<&Trial> {
    let mut ranked: Vec<_> = trials.iter().collect();
    let worse = |a: &&Trial, b: &&Trial| {
        let loss = |trial: &Trial| trial.loss_after(metric, usize::MAX);
        let far = (b.folds.len(), b.is_complete()).cmp(&(a.folds.len(), a.is_complete()));
        a.failed()
            .cmp(&b.failed())
            .then(far)
            .then_with(|| loss(a).total_cmp(&loss(b)))
    };
    ranked.sort_by(worse);
    ranked
}

/// Draws a value like those of good trials.
fn likely(dimension: &SearchDimension, ranked: &[&Trial], rng: &mut ChaCha8Rng) -> Value {
    let choices = match &dimension.values {
        Values::Choices(values) => Some(values.len()),
        Values::Rungs(_) | Values::Whole { .. } | Values::Real { .. } => None,
    };
    let mut optimizer = optimizer(choices);
    let scale = choices.map_or(1.0, |count| count as f64);
    for (rank, trial) in ranked.iter().enumerate() {
        // Values outside the range, as the file may have, are not used to learn about the range.
        if let Some(position) = trial
            .values
            .get(&dimension.key)
            .and_then(|value| dimension.values.position(value))
        {
            optimizer
                .tell(position * scale, rank as f64)
                .expect("a position is within the range, and a rank is a number");
        }
    }
    let Ok(position) = optimizer.ask(rng);
    let middle_of_choice = if choices.is_some() { 0.5 } else { 0.0 };
    dimension.values.at((position + middle_of_choice) / scale)
}

fn optimizer(choices: Option<usize>) -> TpeOptimizer<DefaultEstimatorBuilder> {
    match choices {
        Some(count) => {
            let range = categorical_range(count).expect("there is at least one choice");
            TpeOptimizer::new(histogram_estimator(), range)
        }
        None => TpeOptimizer::new(parzen_estimator(), range(0.0, 1.0).expect("0 is below 1")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::space::samples::{kinds, line};
    use super::super::trial::samples::{point, trial};
    use super::*;
    use crate::tune::TrialEnding;

    fn sampler(space: Space, method: SearchMethod) -> Sampler {
        Sampler::new(
            space,
            &TuneOptions {
                method,
                metric: Metric::Mae,
                ..TuneOptions::default()
            },
        )
    }

    /// Runs a search for the lowest `loss`; trial `n` has seed `n`.
    fn search(
        sampler: &Sampler,
        mut trials: Vec<Trial>,
        count: usize,
        loss: fn(&SearchPoint) -> f64,
    ) -> Vec<Trial> {
        while trials.len() < count {
            let Some(values) = sampler.next(&trials, trials.len() as u64) else {
                break;
            };
            let loss = loss(&values);
            trials.push(Trial {
                values,
                ..trial(trials.len(), &[loss, loss])
            });
        }
        trials
    }

    fn x(values: &SearchPoint) -> f64 {
        (values["x"].as_f64().unwrap() - 0.3).abs()
    }

    fn hidden(values: &SearchPoint) -> f64 {
        values
            .get("hidden")
            .map_or(5.0, |hidden| hidden.as_f64().unwrap())
    }

    #[test]
    fn the_same_seeds_give_the_same_trials_and_a_search_that_goes_on_the_same_end() {
        for (space, loss) in [(line(), x as fn(&SearchPoint) -> f64), (kinds(), hidden)] {
            for method in [SearchMethod::Tpe, SearchMethod::Random, SearchMethod::Grid] {
                if method == SearchMethod::Grid && space.uncountable().is_some() {
                    continue;
                }
                let sampler = sampler(space.clone(), method);
                let whole = search(&sampler, Vec::new(), 30, loss);
                assert_eq!(
                    search(&sampler, whole[..13.min(whole.len())].to_vec(), 30, loss),
                    whole
                );
            }
        }
    }

    #[test]
    fn nothing_is_tried_twice_and_a_small_space_is_tried_whole() {
        for method in [SearchMethod::Tpe, SearchMethod::Random, SearchMethod::Grid] {
            let trials = search(&sampler(kinds(), method), Vec::new(), 100, hidden);
            assert_eq!(trials.len(), 10, "{method:?}: 3 × 2 and 2 × 2");
            let grid = kinds().grid(100);
            assert!(
                grid.iter()
                    .all(|point| trials.iter().any(|trial| trial.values == *point))
            );
        }
    }

    #[test]
    fn tpe_gathers_where_the_loss_is_low() {
        let near = |method| {
            let trials = search(&sampler(line(), method), Vec::new(), 60, x);
            trials[20..]
                .iter()
                .filter(|trial| x(&trial.values) < 0.1)
                .count()
        };
        let (tpe, random) = (near(SearchMethod::Tpe), near(SearchMethod::Random));
        assert!(
            tpe >= 20 && random <= 15,
            "{tpe} of 40 by tpe, {random} at random"
        );
    }

    #[test]
    fn trials_that_were_stopped_rank_behind_those_that_were_not() {
        let with = |number, squares: &[f64], ending| Trial {
            ending,
            ..trial(number, squares)
        };
        let trials = [
            with(0, &[], TrialEnding::Failed { why: String::new() }),
            with(1, &[1.0], TrialEnding::Pruned),
            with(2, &[9.0, 9.0], TrialEnding::Complete),
            with(3, &[3.0, 3.0], TrialEnding::Pruned),
            with(4, &[2.0, 9.0], TrialEnding::Complete),
        ];
        let order: Vec<_> = ranked(Metric::Mae, &trials)
            .iter()
            .map(|trial| trial.number)
            .collect();
        assert_eq!(order, [4, 2, 3, 1, 0]);
    }

    #[test]
    fn the_file_s_value_outside_the_range_is_no_lesson_and_no_error() {
        let file = Trial {
            values: point(json!({ "x": 7.5 })),
            ..trial(0, &[0.0, 0.0])
        };
        assert_eq!(
            search(&sampler(line(), SearchMethod::Tpe), vec![file], 30, x).len(),
            30
        );
    }
}
