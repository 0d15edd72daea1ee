//! Options of `[tune]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PruneOptions, SpaceOptions};
use pdm_core::domain::Problem;
use pdm_core::scoring::Metric;

/// Default number of trials.
const TRIALS: usize = 40;
const MOST_TRIALS: usize = 10_000;

/// How `pdm-ml tune` searches for better options.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TuneOptions {
    /// How the values of the next trial are chosen.
    pub method: SearchMethod,
    /// Maximum number of trials in addition to the unchanged file; the default is 40, and for a grid all its points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trials: Option<usize>,
    /// Seed of the search; the default is the project's seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Out-of-fold score by which trials are compared.
    pub metric: Metric,
    /// Number of trials with random values before `tpe` learns from them.
    pub startup_trials: usize,
    /// Which trial is chosen.
    pub choose: Choose,
    /// How often the chosen trial and the file are scored again, each time with newly assigned folds; 0 skips this.
    pub confirm: usize,
    /// Which trials are stopped before their last fold.
    pub prune: PruneOptions,
    /// The search space: quoted keys of this file, each with the values it may take.
    pub space: SpaceOptions,
}

/// How the values of the next trial are chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SearchMethod {
    /// Tree-structured Parzen estimators (Bergstra et al. 2011), independent for each key: values like those of good trials.
    #[default]
    Tpe,
    /// Uniformly random values.
    Random,
    /// All combinations; the last key changes fastest.
    Grid,
}

/// The rule by which a trial is chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Choose {
    /// The simplest trial within one standard error of the best (Breiman et al. 1984).
    #[default]
    OneSe,
    /// The trial with the best score.
    Best,
}

impl Default for TuneOptions {
    fn default() -> Self {
        Self {
            method: SearchMethod::default(),
            trials: None,
            seed: None,
            metric: Metric::Rmse,
            startup_trials: 10,
            choose: Choose::default(),
            confirm: 1,
            prune: PruneOptions::default(),
            space: SpaceOptions::default(),
        }
    }
}

impl TuneOptions {
    /// Returns the maximum number of trials in addition to the unchanged file; `None` if a whole grid is tried.
    pub fn most_trials(&self) -> Option<usize> {
        match self.method {
            SearchMethod::Grid => self.trials,
            SearchMethod::Tpe | SearchMethod::Random => self.trials.or(Some(TRIALS)),
        }
    }

    /// Returns what is wrong with the values, with paths relative to this table.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(trials) = self
            .trials
            .filter(|trials| !(1..=MOST_TRIALS).contains(trials))
        {
            problems.push(Problem::new(
                "trials",
                format!("is {trials}, and must be from 1 to {MOST_TRIALS}"),
            ));
        }
        if self.metric.needs_intervals() {
            let message = format!(
                "`{}` needs intervals, which trials do not have",
                self.metric
            );
            problems.push(Problem::new("metric", message).hint("\"rmse\""));
        } else if !self.metric.is_mean() {
            let message = format!(
                "`{}` is a sum, which cannot be compared after only some folds",
                self.metric
            );
            problems.push(Problem::new("metric", message).hint("\"nasa_mean\" ranks trials alike"));
        }
        if self.startup_trials == 0 {
            problems.push(Problem::new(
                "startup_trials",
                "is 0, and must be at least 1",
            ));
        }
        if self.confirm > 100 {
            problems.push(Problem::new(
                "confirm",
                format!("is {}, and must be at most 100", self.confirm),
            ));
        }
        problems.extend(
            self.prune
                .problems()
                .into_iter()
                .map(|problem| problem.within("prune")),
        );
        problems.extend(
            self.space
                .problems()
                .into_iter()
                .map(|problem| problem.within("space")),
        );
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(toml: &str) -> TuneOptions {
        let space = "[space]\n\"model.rounds\" = { low = 1, high = 9 }\n";
        toml::from_str(&format!("{toml}\n{space}")).unwrap()
    }

    fn paths(toml: &str) -> Vec<String> {
        options(toml)
            .problems()
            .into_iter()
            .map(|problem| problem.path)
            .collect()
    }

    #[test]
    fn a_space_is_all_that_must_be_written() {
        assert_eq!(paths(""), [""; 0]);
        assert_eq!(TuneOptions::default().problems()[0].path, "space");
    }

    #[test]
    fn a_grid_is_tried_whole_and_other_searches_end() {
        assert_eq!(options("").most_trials(), Some(40));
        assert_eq!(
            options("method = \"random\"\ntrials = 7").most_trials(),
            Some(7)
        );
        assert_eq!(options("method = \"grid\"").most_trials(), None);
    }

    #[test]
    fn what_cannot_be_obeyed_is_named() {
        assert_eq!(
            paths("trials = 0\nstartup_trials = 0\nconfirm = 101"),
            ["trials", "startup_trials", "confirm"]
        );
        assert_eq!(
            paths("metric = \"coverage\"\n[prune]\nafter_folds = 0"),
            ["metric", "prune.after_folds"]
        );
        assert_eq!(
            options("metric = \"nasa_score\"").problems()[0]
                .hint
                .as_deref(),
            Some("\"nasa_mean\" ranks trials alike")
        );
    }
}
