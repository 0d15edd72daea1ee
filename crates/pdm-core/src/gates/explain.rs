//! Explains verdicts in words.

use std::fmt;

use super::options::{GateOptions, Rule, WhenNoChampion};
use crate::scoring::{Measure, Metric, PairedDifference, Score, ScoringError, Verdict};

/// The limit of a score.
#[derive(Debug, Clone, Copy)]
pub(super) enum GateLimit {
    AtMost(f64),
    AtLeast(f64),
    Between(f64, f64),
}

/// Explains the verdict of a comparison without a champion.
pub(super) fn no_champion(when: WhenNoChampion) -> String {
    let so = match when {
        WhenNoChampion::Pass => "nothing was compared, and the first model passes",
        WhenNoChampion::Undecided => {
            "nothing was compared, and `when_no_champion` leaves it undecided"
        }
        WhenNoChampion::Fail => "nothing was compared, and `when_no_champion` fails it",
    };
    format!("there is no champion yet to compare with: {so}")
}

pub(super) fn itself(version: u32) -> String {
    format!("it is version {version}, the champion itself, and is not compared with itself")
}

/// Explains that there are too few units.
pub(super) fn too_few(gate: &GateOptions, units: usize, needed: usize, confidence: f64) -> String {
    let metric = gate.metric;
    let level = Measure::Share.exact(confidence);
    let counted = if units == 1 {
        "1 unit is".to_owned()
    } else {
        format!("{units} units are")
    };
    format!(
        "{counted} too few to judge {metric} at {level}: at least {needed} are needed; score more units, or decide by hand"
    )
}

/// Explains why a score has no interval.
pub(super) fn unscored(metric: Metric, error: &ScoringError) -> String {
    format!("{metric} cannot be judged: {error}")
}

impl GateLimit {
    /// Returns the limit of a gate without a comparison.
    pub(super) fn of(gate: &GateOptions) -> Option<Self> {
        match gate.rule {
            Rule::AtMost => gate.value.map(Self::AtMost),
            Rule::AtLeast => gate.value.map(Self::AtLeast),
            Rule::Between => Some(Self::Between(gate.low?, gate.high?)),
            Rule::NonInferior | Rule::Better => None,
        }
    }
}

impl fmt::Display for GateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(limit) => write!(f, "at most {limit}"),
            Self::AtLeast(limit) => write!(f, "at least {limit}"),
            Self::Between(low, high) => write!(f, "from {low} to {high}"),
        }
    }
}

pub(super) fn impossible(gate: &GateOptions) -> String {
    let problems = gate.problems();
    let messages: Vec<_> = problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    format!("the gate cannot be judged: {}", messages.join("; "))
}

pub(super) fn no_value(metric: Metric) -> String {
    let why = if metric.needs_intervals() {
        ", which needs a calibrated model"
    } else {
        ""
    };
    format!("the scorecard has no {metric}{why}")
}

pub(super) fn score(verdict: Verdict, score: &Score, limit: GateLimit, units: usize) -> String {
    let Score {
        metric,
        value,
        lower,
        upper,
    } = *score;
    let seen = format!(
        "{}, interval {}",
        quantity(metric, value),
        interval(metric, lower, upper)
    );
    match verdict {
        Verdict::Pass => format!("{metric} is {limit}: {seen}, {units} units"),
        Verdict::Fail => format!("{metric} is not {limit}: {seen}, {units} units"),
        Verdict::Undecided => {
            format!("{units} units do not show whether {metric} is {limit}: {seen}")
        }
    }
}

pub(super) fn difference(
    verdict: Verdict,
    seen: &PairedDifference,
    gate: &GateOptions,
    version: u32,
    rescored: bool,
) -> String {
    let PairedDifference {
        metric,
        difference,
        lower,
        upper,
        units,
        ..
    } = *seen;
    let margin = margin(gate);
    let has_margin = gate.margin > 0.0;
    let claim = match gate.rule {
        Rule::Better if has_margin => format!("more than {margin} better than version {version}"),
        Rule::Better => format!("better than version {version}"),
        // Gates with a limit compare nothing, and are not handled here.
        Rule::NonInferior | Rule::AtMost | Rule::AtLeast | Rule::Between if has_margin => {
            format!("at most {margin} worse than version {version}")
        }
        Rule::NonInferior | Rule::AtMost | Rule::AtLeast | Rule::Between => {
            format!("not worse than version {version}")
        }
    };
    let seen = format!(
        "worse by {} (negative is better), interval {}",
        quantity(metric, difference),
        interval(metric, lower, upper)
    );
    let text = match verdict {
        Verdict::Pass => format!("{metric} is {claim}: {seen}, {units} units"),
        Verdict::Fail => format!("{metric} fails to be {claim}: {seen}, {units} units"),
        Verdict::Undecided => {
            format!("{units} units do not show whether {metric} is {claim}: {seen}")
        }
    };
    match rescored {
        true => format!("{text}; version {version} was scored again under this protocol"),
        false => text,
    }
}

pub(super) fn same_bundle(version: u32) -> String {
    format!("it is the bundle of version {version}, scored again")
}

pub(super) fn incomparable(error: &ScoringError, version: u32) -> String {
    match error {
        ScoringError::UnlikeProtocols { .. } => {
            format!(
                "{error}. Version {version} stays. Both are scored under one protocol on a test part or a holdout: install a test \
                 part, or set `split.holdout`. Or take the new protocol on without a comparison: `pdm-ml registry register \
                 --refused`, then `pdm-ml promote --model NAME/VERSION --force --reason TEXT`"
            )
        }
        _ => format!("cannot be compared with version {version}: {error}"),
    }
}

fn margin(gate: &GateOptions) -> String {
    match gate.relative {
        true => Measure::Share.exact(gate.margin),
        false => gate.metric.measure().with_unit(gate.margin.to_string()),
    }
}

fn quantity(metric: Metric, value: f64) -> String {
    let measure = metric.measure();
    measure.with_unit(measure.as_written(value))
}

fn interval(metric: Metric, lower: f64, upper: f64) -> String {
    let measure = metric.measure();
    format!(
        "{} to {}",
        measure.as_written(lower),
        measure.as_written(upper)
    )
}
