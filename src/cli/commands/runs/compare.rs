//! `runs compare`: the differences between runs, and their scores on the same units.

use serde::Serialize;

use super::open;
use crate::cli::args::RunStoreArgs;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use pdm_engine::engine::{self, ComparedPart, ComparedRuns};
use pdm_report::report::{self, Align, table};
use pdm_tracking::tracking::{RunComparison, compare};

/// Runs side by side.
#[derive(Serialize)]
struct Compared {
    /// Version of this document's format.
    format: u32,
    #[serde(flatten)]
    comparison: RunComparison,
    /// The first run compared with each of the others, with paired intervals.
    scores: Vec<ComparedRuns>,
}

pub(super) fn run(prefixes: &[String], store: &RunStoreArgs, ui: &Ui) -> Result<(), CliError> {
    let store = open(store, ui)?;
    let runs = prefixes
        .iter()
        .map(|prefix| store.load(prefix))
        .collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<_> = runs.iter().map(|run| run.id).collect();
    let scores = engine::compare_runs(&store, &ids)?;
    let compared = Compared {
        format: 1,
        comparison: compare(&runs),
        scores,
    };
    ui.show(&compared, || text(&compared))
}

fn text(compared: &Compared) -> String {
    let names: Vec<_> = compared
        .comparison
        .runs
        .iter()
        .map(|run| run.short.as_str())
        .collect();
    let mut parts = vec![params(&compared.comparison, &names)];
    if !compared.comparison.metrics.is_empty() {
        parts.push(metrics(&compared.comparison, &names));
    }
    for (scores, b) in compared.scores.iter().zip(&names[1..]) {
        if scores.parts.is_empty() {
            parts.push(format!(
                "{} and {b} have no scores with predictions to compare",
                names[0]
            ));
        }
        parts.extend(scores.parts.iter().map(|part| part_text(part, names[0], b)));
    }
    parts.join("\n\n")
}

/// Returns one part of a comparison under its heading, or why it is not compared.
pub(in crate::cli) fn part_text(part: &ComparedPart, a: &str, b: &str) -> String {
    let text = match (&part.scores, &part.why_not) {
        (Some(scores), _) => report::side_by_side(scores, a, b),
        (None, Some(why)) => format!("not compared: {why}"),
        (None, None) => "not compared".to_owned(),
    };
    format!("{}\n\n{text}", part.part)
}

fn header<'a>(first: &'a str, names: &[&'a str]) -> Vec<(&'a str, Align)> {
    let runs = names.iter().map(|name| (*name, Align::Right));
    std::iter::once((first, Align::Left)).chain(runs).collect()
}

fn params(comparison: &RunComparison, names: &[&str]) -> String {
    if comparison.params.is_empty() {
        return "all options are equal".to_owned();
    }
    let rows = comparison.params.iter().map(|row| {
        let values = row
            .values
            .iter()
            .map(|value| value.clone().unwrap_or_else(|| "-".to_owned()));
        std::iter::once(row.key.clone())
            .chain(values)
            .collect::<Vec<_>>()
    });
    table(&header("differs", names), rows)
}

fn metrics(comparison: &RunComparison, names: &[&str]) -> String {
    let rows = comparison.metrics.iter().map(|row| {
        let values = row
            .values
            .iter()
            .map(|value| value.map_or_else(|| "-".to_owned(), |v| format!("{:.4}", v.0)));
        std::iter::once(row.key.clone())
            .chain(values)
            .collect::<Vec<_>>()
    });
    table(&header("metric", names), rows)
}
