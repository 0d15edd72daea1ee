//! The text output of `retrain`.

use serde_json::Value;

use super::outcome;
use pdm_core::gates::Observed;
use pdm_core::scoring::Metric;
use pdm_engine::engine::{RetrainResult, Retrained};
use pdm_report::report::{Align, table};

/// Returns the reasons, the gates, and the line for the log.
pub(super) fn text(retrained: &Retrained) -> String {
    let conditions = (!retrained.conditions.is_empty()).then(|| conditions(retrained));
    let gates = retrained.gates.as_ref().map(outcome::gates);
    let parts: Vec<_> = conditions
        .into_iter()
        .chain(gates)
        .chain([line(retrained)])
        .collect();
    parts.join("\n\n")
}

fn conditions(retrained: &Retrained) -> String {
    let header = [
        ("reason", Align::Left),
        ("applies", Align::Left),
        ("figures", Align::Left),
    ];
    let rows = retrained.conditions.iter().map(|found| {
        let holds = if found.holds { "yes" } else { "no" };
        [found.condition.clone(), holds.to_owned(), found.why.clone()]
    });
    table(&header, rows)
}

/// Returns the result in one line: time, result, versions, reasons, scores, run, duration.
pub(super) fn line(retrained: &Retrained) -> String {
    let Retrained {
        time,
        pipeline,
        model,
        alias,
        result,
        ..
    } = retrained;
    let version = retrained.version.map(|version| format!("v{version}"));
    let named =
        |version: Option<u32>| version.map_or("none".to_owned(), |version| format!("v{version}"));
    let moved = match result {
        RetrainResult::Promoted => format!(" (was {})", named(retrained.champion_before)),
        RetrainResult::Nothing
        | RetrainResult::Refused
        | RetrainResult::Undecided
        | RetrainResult::Kept => String::new(),
    };
    let fields = [
        Some(format!(
            "{time} retrain {pipeline}: {}{}",
            result.name(),
            version.map(|v| format!(" {v}")).unwrap_or_default()
        )),
        Some(format!(
            "{model}@{alias} {}{moved}",
            named(retrained.champion)
        )),
        because(retrained),
        scores(retrained),
        Some(retrained.why.clone()).filter(|_| *result != RetrainResult::Promoted),
        retrained.run.as_ref().map(|run| format!("run {run}")),
        Some(outcome::seconds(retrained.elapsed_ms)),
    ];
    one_line(&fields.into_iter().flatten().collect::<Vec<_>>().join(" · "))
}

fn because(retrained: &Retrained) -> Option<String> {
    retrained.version?;
    let held: Vec<_> = retrained
        .conditions
        .iter()
        .filter(|found| found.holds)
        .map(|f| f.condition.as_str())
        .collect();
    Some(format!("because {}", held.join(", ")))
}

/// Returns the RMSE with its interval, and its difference from the champion's on the same units.
fn scores(retrained: &Retrained) -> Option<String> {
    let rmse = retrained
        .scores
        .iter()
        .find(|score| score.metric == Metric::Rmse)?;
    let units = retrained
        .units
        .zip(retrained.judged_on)
        .map(|(units, part)| format!(" on {units} units ({part})"));
    let own = format!(
        "rmse {:.2} [{:.2}, {:.2}]{}",
        rmse.value,
        rmse.lower,
        rmse.upper,
        units.unwrap_or_default()
    );
    let difference = retrained
        .gates
        .iter()
        .flat_map(|gates| &gates.rows)
        .find_map(|row| match row.observed {
            Some(Observed::Difference(difference)) => {
                Some(difference).filter(|seen| seen.metric == Metric::Rmse)
            }
            Some(Observed::Score(_)) | None => None,
        });
    let champion = retrained
        .gates
        .as_ref()
        .and_then(|gates| gates.champion.as_ref())
        .map(|champion| champion.version);
    let compared = difference.zip(champion).map(|(seen, champion)| {
        format!(
            ", {:+.2} [{:+.2}, {:+.2}] against v{champion}",
            seen.difference, seen.lower, seen.upper
        )
    });
    Some(own + &compared.unwrap_or_default())
}

/// Returns a failed retraining in one line, from its summary.
pub(super) fn failed_line(summary: &Value) -> String {
    let text = |key: &str| summary[key].as_str().unwrap_or_default();
    let line = format!(
        "{} retrain {}: failed (exit {}) · {} · {}",
        text("time"),
        text("pipeline"),
        summary["exit"],
        text("why"),
        outcome::seconds(summary["elapsed_ms"].as_u64().unwrap_or_default()),
    );
    one_line(&line)
}

/// Joins a text into one line for the log.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
