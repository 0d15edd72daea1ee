//! What the receivers of `[[notify]]` get about a run.

use serde_json::json;

use super::{Outcome, RetrainResult, Retrained, StageAction};
use crate::config::Stage;
use pdm_core::codes::unmarked;
use pdm_core::scoring::{Metric, Verdict};
use pdm_tracking::notify::{Notice, Occasion};

/// Returns the notice of a run that finished.
pub fn notice(outcome: &Outcome) -> Notice {
    let occasion = occasion(outcome);
    let mut notice = Notice::new(occasion, outcome.pipeline.clone(), title(outcome, occasion))
        .text(text(outcome, occasion));
    notice.run = outcome.run.clone();
    notice.version = version(outcome);
    notice.scores = outcome
        .scores
        .as_ref()
        .map(|scores| scores.scorecard.scores.clone())
        .unwrap_or_default();
    notice.details = json!({
        "verdict": outcome.gates.as_ref().map(|gates| gates.verdict),
        "gates": outcome.gates,
        "alias": outcome.alias,
        "judged_on": outcome.scores.as_ref().map(|scores| scores.on),
        "protocol": outcome.scores.as_ref().map(|scores| scores.scorecard.protocol.to_string()),
        "units": outcome.scores.as_ref().map(|scores| scores.scorecard.units),
        "bundle": outcome.version.as_ref().map(|version| version.bundle),
    });
    notice
}

/// Returns the notice of a `retrain`; `summary` is its one-line summary.
pub fn notice_of_retrain(retrained: &Retrained, summary: String) -> Notice {
    let occasion = occasion_of_retrain(retrained.result);
    let model = &retrained.model;
    let version = retrained
        .version
        .map(|version| format!("{model}/{version}"));
    let title = match (retrained.result, &version) {
        (RetrainResult::Promoted, Some(version)) => format!("{version} is {}", retrained.alias),
        (RetrainResult::Refused, Some(version)) => format!("{version} was refused by its gates"),
        (RetrainResult::Undecided, Some(version)) => {
            format!("the gates of {version} are undecided")
        }
        (
            RetrainResult::Promoted
            | RetrainResult::Refused
            | RetrainResult::Undecided
            | RetrainResult::Nothing
            | RetrainResult::Kept,
            _,
        ) => format!("{model}@{} stays: {}", retrained.alias, retrained.why),
    };
    let mut notice = Notice::new(occasion, retrained.pipeline.clone(), title).text(summary);
    notice.run = retrained.run.clone();
    notice.version = version;
    notice.scores = retrained.scores.clone();
    notice.details = json!(retrained);
    notice
}

fn occasion_of_retrain(result: RetrainResult) -> Occasion {
    match result {
        RetrainResult::Nothing => Occasion::Unchanged,
        RetrainResult::Promoted => Occasion::Promoted,
        RetrainResult::Refused => Occasion::Refused,
        RetrainResult::Undecided => Occasion::Undecided,
        RetrainResult::Kept => Occasion::Passed,
    }
}

/// Returns the notice of a run that failed; `message` says why.
pub fn notice_of_error(pipeline: &str, occasion: Occasion, message: &str) -> Notice {
    let first = unmarked(message.lines().next().unwrap_or_default());
    Notice::new(occasion, pipeline, format!("{pipeline} failed: {first}")).text(message.to_owned())
}

fn occasion(outcome: &Outcome) -> Occasion {
    let promote_ran = outcome
        .stages
        .iter()
        .any(|row| row.stage == Stage::Promote && row.action == StageAction::Ran);
    match outcome.gates.as_ref().map(|gates| gates.verdict) {
        Some(Verdict::Fail) => Occasion::Refused,
        Some(Verdict::Undecided) => Occasion::Undecided,
        Some(Verdict::Pass) | None if promote_ran && outcome.alias.is_some() => Occasion::Promoted,
        Some(Verdict::Pass) | None if outcome.did_something() => Occasion::Passed,
        Some(Verdict::Pass) | None => Occasion::Unchanged,
    }
}

fn version(outcome: &Outcome) -> Option<String> {
    outcome
        .version
        .as_ref()
        .map(|version| format!("{}/{}", version.model, version.version))
}

fn title(outcome: &Outcome, occasion: Occasion) -> String {
    let name = &outcome.pipeline;
    match occasion {
        Occasion::Promoted => match (version(outcome), &outcome.alias) {
            (Some(version), Some(alias)) => format!("{version} is {alias}"),
            (None, _) | (_, None) => format!("{name} passed its gates"),
        },
        Occasion::Refused => format!("{name} was refused by its gates"),
        Occasion::Undecided => format!("the gates of {name} are undecided"),
        Occasion::Unchanged => format!("{name} is up to date"),
        // No run ends in an alarm: only `predict` raises one, and it writes its own notice.
        Occasion::Failure | Occasion::Passed | Occasion::Alarm => {
            format!("{name} passed its gates")
        }
    }
}

fn text(outcome: &Outcome, occasion: Occasion) -> String {
    let mut lines = vec![format!("{}.", title(outcome, occasion))];
    if let Some(card) = outcome.scores.as_ref().map(|scores| &scores.scorecard) {
        if let Some(rmse) = card.score(Metric::Rmse) {
            let level = card.bootstrap.confidence * 100.0;
            let lower = Metric::Rmse.figure(rmse.lower);
            let upper = Metric::Rmse.figure(rmse.upper);
            let value = Metric::Rmse.quantity(rmse.value);
            lines.push(format!(
                "RMSE {value}, {level:.0} % interval {lower} to {upper}."
            ));
        }
        lines.push(format!("Judged on {}.", card.protocol));
    }
    if let Some(gates) = &outcome.gates {
        lines.push(match &gates.champion {
            Some(champion) => format!("Compared with version {}.", champion.version),
            None => "There was no champion to compare with.".to_owned(),
        });
        lines.extend(
            gates
                .rows
                .iter()
                .map(|row| format!("{}: {}", row.verdict, row.explanation)),
        );
    }
    lines.join("\n")
}
