//! Options of `[[gate]]`.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::codes::Code;
use crate::domain::Problem;
use crate::scoring::{Metric, Verdict};

/// One gate: a table `[[gate]]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GateOptions {
    /// The score that is judged.
    pub metric: Metric,
    /// The rule that must hold.
    pub rule: Rule,
    /// The limit of `at_most` and `at_least`, in the metric's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The lower limit of `between`, in the metric's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// The upper limit of `between`, in the metric's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// The model that `non_inferior` and `better` compare with.
    #[serde(default)]
    pub versus: Versus,
    /// How much worse `non_inferior` tolerates, and how much better `better` requires: in the metric's unit, or as a share of
    /// the champion's value if `relative` is set.
    #[serde(default)]
    pub margin: f64,
    /// Whether `margin` is a share of the champion's value.
    #[serde(default)]
    pub relative: bool,
    /// The verdict of `non_inferior` and `better` if the alias points to no version yet.
    #[serde(default, skip_serializing_if = "WhenNoChampion::is_default")]
    pub when_no_champion: WhenNoChampion,
}

/// The verdict of a comparison without a champion.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenNoChampion {
    /// The gate passes without a comparison, so that the first model becomes the champion.
    #[default]
    Pass,
    /// The gate is undecided.
    Undecided,
    /// The gate fails.
    Fail,
}

impl WhenNoChampion {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the verdict.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Pass => Verdict::Pass,
            Self::Undecided => Verdict::Undecided,
            Self::Fail => Verdict::Fail,
        }
    }
}

/// The rule for the interval of a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The whole interval is at most `value`.
    AtMost,
    /// The whole interval is at least `value`.
    AtLeast,
    /// The whole interval is from `low` to `high`.
    Between,
    /// The challenger is at most `margin` worse, by a paired bootstrap over units; `when_no_champion` decides without a
    /// champion.
    NonInferior,
    /// The challenger is more than `margin` better, by a paired bootstrap over units.
    Better,
}

/// The model that a challenger is compared with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Versus {
    /// The version that the alias of `[registry]` points to.
    #[default]
    Champion,
}

impl GateOptions {
    /// Returns a gate without limits.
    pub fn new(metric: Metric, rule: Rule) -> Self {
        let versus = Versus::default();
        let when_no_champion = WhenNoChampion::default();
        Self {
            metric,
            rule,
            value: None,
            low: None,
            high: None,
            versus,
            margin: 0.0,
            relative: false,
            when_no_champion,
        }
    }

    /// Returns whether the gate compares with the champion.
    pub fn compares(&self) -> bool {
        match self.rule {
            Rule::AtMost | Rule::AtLeast | Rule::Between => false,
            Rule::NonInferior | Rule::Better => true,
        }
    }

    /// Returns what is wrong with the options.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.strangers();
        match self.rule {
            Rule::AtMost | Rule::AtLeast => problems.extend(self.limit("value", self.value)),
            Rule::Between => problems.extend(self.range()),
            Rule::NonInferior | Rule::Better => problems.extend(self.margin_problem()),
        }
        problems
    }

    /// Reports the keys that belong to other rules.
    fn strangers(&self) -> Vec<Problem> {
        let Self { rule, .. } = self;
        let absolute = matches!(rule, Rule::AtMost | Rule::AtLeast);
        let comparing = matches!(rule, Rule::NonInferior | Rule::Better);
        let keys = [
            ("value", self.value.is_some(), absolute),
            ("low", self.low.is_some(), *rule == Rule::Between),
            ("high", self.high.is_some(), *rule == Rule::Between),
            ("margin", self.margin != 0.0, comparing),
            ("relative", self.relative, comparing),
            (
                "when_no_champion",
                !self.when_no_champion.is_default(),
                comparing,
            ),
        ];
        let strange = keys
            .into_iter()
            .filter(|(_, written, belongs)| *written && !belongs);
        let problem = |(key, ..): (&str, bool, bool)| {
            Problem::new(key, format!("`{key}` has no effect with the rule `{rule}`"))
        };
        strange
            .map(problem)
            .map(|problem| problem.with_code(Code::GateKeys).hint(rule.keys()))
            .collect()
    }

    fn limit(&self, key: &str, limit: Option<f64>) -> Option<Problem> {
        let Self { metric, rule, .. } = self;
        let Some(limit) = limit else {
            let problem = Problem::new("", format!("the rule `{rule}` needs `{key}`"));
            return Some(problem.with_code(Code::GateKeys).hint(rule.keys()));
        };
        if !limit.is_finite() {
            return Some(Problem::new(key, format!("{limit} is not a valid limit")));
        }
        if metric.measure().is_share() && !(0.0..=1.0).contains(&limit) {
            let problem = Problem::new(key, format!("{limit} is not a share from 0 to 1"));
            let percent = (1.0..=100.0).contains(&limit);
            return Some(if percent {
                problem.hint(format!("{}", limit / 100.0))
            } else {
                problem
            });
        }
        let impossible = limit < 0.0 && !metric.is_signed();
        impossible.then(|| {
            Problem::new(
                key,
                format!("`{metric}` is never below 0, but the limit is {limit}"),
            )
        })
    }

    fn range(&self) -> Vec<Problem> {
        let mut problems: Vec<_> = [self.limit("low", self.low), self.limit("high", self.high)]
            .into_iter()
            .flatten()
            .collect();
        if let (Some(low), Some(high)) = (self.low, self.high)
            && low >= high
        {
            problems.push(Problem::new(
                "high",
                format!("the range from {low} to {high} is empty"),
            ));
        }
        problems
    }

    fn margin_problem(&self) -> Option<Problem> {
        let Self {
            margin,
            relative,
            rule,
            ..
        } = *self;
        let bad = |message: String| Some(Problem::new("margin", message));
        if !(margin.is_finite() && margin >= 0.0) {
            return bad(format!("{margin} is not a margin of at least 0"));
        }
        if relative && margin >= 1.0 {
            let message =
                format!("a relative margin of {margin} is 100 % of the champion's value or more");
            return Some(Problem::new("margin", message).hint("0.05 stands for 5 %"));
        }
        if rule == Rule::Better && !relative && self.metric.measure().is_share() && margin >= 1.0 {
            return bad(format!("a share cannot improve by {margin}"));
        }
        None
    }
}

impl Rule {
    /// Returns the keys that the rule uses, for a hint.
    fn keys(self) -> &'static str {
        match self {
            Self::AtMost | Self::AtLeast => "the rule uses `value`",
            Self::Between => "the rule uses `low` and `high`",
            Self::NonInferior | Self::Better => {
                "the rule uses `margin`, `relative`, `versus` and `when_no_champion`"
            }
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::AtMost => "at_most",
            Self::AtLeast => "at_least",
            Self::Between => "between",
            Self::NonInferior => "non_inferior",
            Self::Better => "better",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<(String, String)> {
        let gate: GateOptions = toml::from_str(text).unwrap();
        gate.problems()
            .into_iter()
            .map(|problem| (problem.path, problem.message))
            .collect()
    }

    #[test]
    fn good_gates_have_no_problem() {
        for text in [
            "metric = 'rmse'\nrule = 'at_most'\nvalue = 16.0",
            "metric = 'coverage'\nrule = 'between'\nlow = 0.85\nhigh = 0.97",
            "metric = 'bias'\nrule = 'at_least'\nvalue = -5.0",
            "metric = 'nasa_score'\nrule = 'non_inferior'\nversus = 'champion'\nmargin = 0.1\nrelative = true",
            "metric = 'rmse'\nrule = 'better'",
        ] {
            assert_eq!(problems(text), [], "{text}");
        }
    }

    #[test]
    fn every_impossible_gate_is_named() {
        for (text, path, message) in [
            (
                "metric = 'rmse'\nrule = 'at_most'",
                "",
                "the rule `at_most` needs `value`",
            ),
            (
                "metric = 'rmse'\nrule = 'at_most'\nvalue = nan",
                "value",
                "NaN is not a valid limit",
            ),
            (
                "metric = 'rmse'\nrule = 'at_most'\nvalue = -1.0",
                "value",
                "never below 0",
            ),
            (
                "metric = 'coverage'\nrule = 'at_least'\nvalue = 90.0",
                "value",
                "90 is not a share",
            ),
            (
                "metric = 'rmse'\nrule = 'between'\nlow = 3.0\nhigh = 2.0",
                "high",
                "the range from 3 to 2 is empty",
            ),
            (
                "metric = 'rmse'\nrule = 'between'\nhigh = 2.0",
                "",
                "needs `low`",
            ),
            (
                "metric = 'rmse'\nrule = 'better'\nmargin = -0.1",
                "margin",
                "-0.1 is not a margin",
            ),
            (
                "metric = 'rmse'\nrule = 'better'\nmargin = 5.0\nrelative = true",
                "margin",
                "a relative margin of 5 is 100 %",
            ),
            (
                "metric = 'coverage'\nrule = 'better'\nmargin = 2.0",
                "margin",
                "a share cannot improve",
            ),
            (
                "metric = 'rmse'\nrule = 'better'\nvalue = 5.0",
                "value",
                "has no effect with the rule `better`",
            ),
            (
                "metric = 'rmse'\nrule = 'at_most'\nvalue = 5.0\nmargin = 0.1",
                "margin",
                "has no effect",
            ),
        ] {
            let found = problems(text);
            assert!(
                found
                    .iter()
                    .any(|(at, what)| at == path && what.contains(message)),
                "{text}: {found:?}"
            );
        }
    }
}
