//! The range of a key in `[tune.space]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use pdm_core::codes::Code;
use pdm_core::domain::Problem;

/// The values a key may take: from `low` to `high`, or one of `choices`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RangeOptions {
    /// Smallest value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Largest value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// Whether the range is searched by ratio instead of difference, as for a learning rate.
    pub log: bool,
    /// Distance from one value to the next, starting at `low`; without it every value in between may be tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<f64>,
    /// Number of values, evenly spaced from `low` to `high`; with `log` by equal ratios.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<usize>,
    /// A list of values, instead of `low` and `high`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choices: Option<Vec<Value>>,
    /// Which end makes simpler models; among trials that do not differ significantly, the simplest is chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub simpler: Option<Simpler>,
}

/// The end of a range where models are simpler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Simpler {
    /// Smaller numbers, such as fewer trees.
    Low,
    /// Larger numbers, such as a stronger penalty.
    High,
    /// Earlier choices.
    First,
    /// Later choices.
    Last,
}

/// Maximum number of values of a list.
const MOST_POINTS: usize = 1000;

impl RangeOptions {
    /// Returns what is wrong with the range itself, with paths relative to its table.
    pub fn problems(&self) -> Vec<Problem> {
        let problem = match (&self.choices, self.low, self.high) {
            (Some(choices), _, _) => self.choice_problem(choices),
            (None, Some(low), Some(high)) => self
                .end_problem(low, high)
                .or_else(|| self.spacing_problem(low, high)),
            (None, Some(_), None) => Some(Problem::new("", "has `low` but no `high`")),
            (None, None, Some(_)) => Some(Problem::new("", "has `high` but no `low`")),
            (None, None, None) => {
                let hint =
                    "put a key with a dot in quotes: \"model.rounds\" = { low = 100, high = 500 }";
                Some(Problem::new("", "needs `low` and `high`, or `choices`").hint(hint))
            }
        };
        problem
            .or_else(|| self.simpler_problem())
            .map(|problem| problem.with_code(Code::SearchRange))
            .into_iter()
            .collect()
    }

    fn choice_problem(&self, choices: &[Value]) -> Option<Problem> {
        let others = [
            ("low", self.low.is_some()),
            ("high", self.high.is_some()),
            ("step", self.step.is_some()),
            ("points", self.points.is_some()),
            ("log", self.log),
        ];
        if let Some((key, _)) = others.into_iter().find(|(_, written)| *written) {
            return Some(Problem::new(key, "must not be combined with `choices`"));
        }
        let repeated = choices
            .iter()
            .enumerate()
            .find(|(i, choice)| choices[..*i].contains(choice));
        match repeated {
            Some((i, _)) => Some(Problem::new(
                format!("choices.{i}"),
                "is the same as an earlier choice",
            )),
            None => choices
                .is_empty()
                .then(|| Problem::new("choices", "is empty: there is nothing to choose from")),
        }
    }

    fn end_problem(&self, low: f64, high: f64) -> Option<Problem> {
        if low == high {
            return Some(Problem::new(
                "high",
                format!("is {high}, the same as `low`: there is nothing to search"),
            ));
        }
        if low > high {
            return Some(Problem::new(
                "low",
                format!("is {low}, above `high` = {high}: the range is empty"),
            ));
        }
        let message = || format!("is {low}, but a logarithm needs numbers above 0");
        (self.log && low <= 0.0).then(|| Problem::new("low", message()))
    }

    fn spacing_problem(&self, low: f64, high: f64) -> Option<Problem> {
        match (self.step, self.points) {
            (Some(_), Some(_)) => Some(Problem::new("points", "must not be combined with `step`")),
            (Some(_), None) if self.log => Some(
                Problem::new("step", "must not be combined with `log`")
                    .hint("`points` spaces values by equal ratios"),
            ),
            (Some(step), None) if step <= 0.0 => Some(Problem::new(
                "step",
                format!("is {step}, and must be above 0"),
            )),
            (Some(step), None) if step > high - low => Some(Problem::new(
                "step",
                format!("is {step}, wider than the range"),
            )),
            (Some(step), None) if (high - low) / step >= MOST_POINTS as f64 => {
                let message = format!("is {step}, which gives more than {MOST_POINTS} values");
                Some(
                    Problem::new("step", message)
                        .hint("leave `step` out to try any value in between"),
                )
            }
            (None, Some(points)) if !(2..=MOST_POINTS).contains(&points) => Some(Problem::new(
                "points",
                format!("is {points}, and must be from 2 to {MOST_POINTS}"),
            )),
            _ => None,
        }
    }

    fn simpler_problem(&self) -> Option<Problem> {
        let of_choices = matches!(self.simpler?, Simpler::First | Simpler::Last);
        match (of_choices, self.choices.is_some()) {
            (true, false) => Some(
                Problem::new("simpler", "is a position in `choices`, which is missing")
                    .hint("\"low\""),
            ),
            (false, true) => Some(
                Problem::new(
                    "simpler",
                    "is an end of a range, but the values are `choices`",
                )
                .hint("\"first\""),
            ),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(toml: &str) -> String {
        let range: RangeOptions = toml::from_str(toml).unwrap();
        range
            .problems()
            .iter()
            .map(|p| format!("{}: {}", p.path, p.message))
            .collect()
    }

    #[test]
    fn ranges_that_can_be_searched_have_no_problem() {
        for range in [
            "low = 1\nhigh = 2",
            "low = 1e-3\nhigh = 1e-2\nlog = true\nsimpler = \"low\"",
            "low = 16\nhigh = 96\nstep = 16",
            "low = 1e-3\nhigh = 1\nlog = true\npoints = 4",
            "choices = [\"gbdt\", \"gru\"]\nsimpler = \"first\"",
            "choices = [[4, 15], [2, 8, 30]]",
        ] {
            assert_eq!(problem(range), "", "{range}");
        }
    }

    #[test]
    fn impossible_ranges_are_reported() {
        let wrong = [
            "",
            "low = 1",
            "high = 1",
            "low = 2\nhigh = 2",
            "low = 3\nhigh = 2",
            "low = 0\nhigh = 2\nlog = true",
            "low = 1\nhigh = 2\nstep = 0",
            "low = 1\nhigh = 2\nstep = 3",
            "low = 1\nhigh = 2\nstep = 1e-4",
            "low = 1\nhigh = 2\nstep = 0.1\nlog = true",
            "low = 1\nhigh = 2\nstep = 0.1\npoints = 3",
            "low = 1\nhigh = 2\npoints = 1",
            "choices = []",
            "choices = [1, 2, 1]",
            "choices = [1]\nlow = 0",
            "choices = [1]\nsimpler = \"low\"",
            "low = 1\nhigh = 2\nsimpler = \"last\"",
        ];
        insta::assert_snapshot!(wrong.map(problem).join("\n"), @"
        : needs `low` and `high`, or `choices`
        : has `low` but no `high`
        : has `high` but no `low`
        high: is 2, the same as `low`: there is nothing to search
        low: is 3, above `high` = 2: the range is empty
        low: is 0, but a logarithm needs numbers above 0
        step: is 0, and must be above 0
        step: is 3, wider than the range
        step: is 0.0001, which gives more than 1000 values
        step: must not be combined with `log`
        points: must not be combined with `step`
        points: is 1, and must be from 2 to 1000
        choices: is empty: there is nothing to choose from
        choices.2: is the same as an earlier choice
        low: must not be combined with `choices`
        simpler: is an end of a range, but the values are `choices`
        simpler: is a position in `choices`, which is missing
        ");
    }
}
