//! Compares runs.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use super::{Number, Run, RunId, RunStatus};

/// Several runs side by side; every row has one value for each run, in the order of `runs`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunComparison {
    /// The runs compared.
    pub runs: Vec<ComparedRun>,
    /// Parameters that differ, by key.
    pub params: Vec<ParamRow>,
    /// Last values of all metrics, by key.
    pub metrics: Vec<MetricRow>,
}

/// One column of a [`RunComparison`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComparedRun {
    /// Name of the run.
    pub id: RunId,
    /// Shortest prefix of the id that is unique among the compared runs.
    pub short: String,
    /// Display name.
    pub name: String,
    /// Status of the run.
    pub status: RunStatus,
    /// Start time.
    pub started: Timestamp,
}

/// A parameter that is not the same in all runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParamRow {
    /// Dotted key path.
    pub key: String,
    /// Value in each run; `None` if the run has no such parameter.
    pub values: Vec<Option<String>>,
}

/// The last value of a metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricRow {
    /// Name of the metric.
    pub key: String,
    /// Last value in each run; `None` if the run has no such metric.
    pub values: Vec<Option<Number>>,
}

/// Compares the parameters and last metrics of runs.
pub fn compare(runs: &[Run]) -> RunComparison {
    let ids: Vec<_> = runs.iter().map(|run| run.id).collect();
    RunComparison {
        runs: runs.iter().map(|run| column(run, &ids)).collect(),
        params: keys(runs, |run| run.params.keys())
            .filter_map(|key| param_row(runs, key))
            .collect(),
        metrics: keys(runs, |run| run.metrics.keys())
            .map(|key| metric_row(runs, key))
            .collect(),
    }
}

fn column(run: &Run, ids: &[RunId]) -> ComparedRun {
    let name = run.header.name.clone();
    let started = run.header.started;
    ComparedRun {
        id: run.id,
        short: run.id.short_among(ids),
        name,
        status: run.status,
        started,
    }
}

fn keys<'a, I: Iterator<Item = &'a String>>(
    runs: &'a [Run],
    of: impl Fn(&'a Run) -> I,
) -> impl Iterator<Item = &'a str> {
    runs.iter()
        .flat_map(of)
        .map(String::as_str)
        .collect::<BTreeSet<_>>()
        .into_iter()
}

fn param_row(runs: &[Run], key: &str) -> Option<ParamRow> {
    let values: Vec<_> = runs
        .iter()
        .map(|run| run.params.get(key).cloned())
        .collect();
    let differs = values.windows(2).any(|pair| pair[0] != pair[1]);
    differs.then(|| ParamRow {
        key: key.to_owned(),
        values,
    })
}

fn metric_row(runs: &[Run], key: &str) -> MetricRow {
    let last = |run: &Run| {
        run.metrics
            .get(key)
            .and_then(|points| points.last())
            .map(|point| point.value)
    };
    MetricRow {
        key: key.to_owned(),
        values: runs.iter().map(last).collect(),
    }
}
