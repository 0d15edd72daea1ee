//! The text output of a run.

use std::path::Path;

use super::exit::Exit;
use pdm_core::gates::GateReport;
use pdm_core::scoring::Part;
use pdm_engine::config::Stage;
use pdm_engine::engine::{Judged, Outcome, StageAction, StageRow};
use pdm_models::data::Role;
use pdm_report::report::{self, Align, table};
use pdm_tracking::tracking::Looks;

/// Returns the result of a run: stages, scores, gates, and the version that now holds the alias.
pub(super) fn text(outcome: &Outcome, until: Stage) -> String {
    let mut parts = vec![
        format!("{} · {}", outcome.pipeline, outcome.file),
        stages(&outcome.stages),
    ];
    let stopped = outcome
        .stages
        .iter()
        .any(|row| row.action == StageAction::Stopped);
    if !outcome.did_something() && !stopped {
        parts.push("nothing to do: every stage is up to date".to_owned());
    }
    if let Some(path) = outcome
        .learning_curves
        .as_ref()
        .filter(|_| until == Stage::Calibrate)
    {
        parts.push(format!("learning curves: {}", short(path)));
    }
    if let Some(scores) = outcome.scores.as_ref().filter(|_| until >= Stage::Evaluate) {
        parts.extend(scored(scores, until));
    }
    if let Some(report) = &outcome.gates {
        parts.push(gates(report));
    }
    parts.extend(version(outcome));
    parts.join("\n\n")
}

/// Returns the scores: first the out-of-fold ones, for choosing a model, then those of the part for the final model only.
fn scored(scores: &Judged, until: Stage) -> Vec<String> {
    let mut parts = Vec::new();
    if scores.on != Part::OutOfFold {
        let card = &scores.out_of_fold;
        // `evaluate` is for comparing models; other commands are for the verdict.
        let text = if until == Stage::Evaluate {
            report::scores(card)
        } else {
            report::scores_in_a_line(card)
        };
        parts.push(format!(
            "out of fold: each unit predicted by a model that was not trained on it\n\n{text}"
        ));
        // Some groups may have no test part.
        let groups = if until == Stage::Evaluate {
            None
        } else {
            report::group_scores(card)
        };
        parts.extend(groups);
    }
    parts.push(format!(
        "{}\n\n{}",
        judged_on(scores.on),
        report::scores(&scores.scorecard)
    ));
    parts.extend(scores.looks.map(|looks| looked(scores.on, looks)));
    parts
}

/// Returns how many models were scored on the part, and what that means.
fn looked(part: Part, looks: Looks) -> String {
    let again = if looks.new {
        ""
    } else {
        "; this one had been scored before"
    };
    match looks.models {
        1 => format!("looks at this {part}: 1 model was scored on it{again}"),
        models => format!(
            "looks at this {part}: {models} models were scored on it{again}; the best score of many is too optimistic, so choose a model by its scores out of fold"
        ),
    }
}

/// Returns a path relative to the current folder.
fn short(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here)
        .unwrap_or(path)
        .display()
        .to_string()
}

fn judged_on(part: Part) -> &'static str {
    match part {
        Part::Test => "judged on the test part",
        Part::Holdout => "judged on the holdout: units that no model was trained on",
        Part::OutOfFold => "no test part: judged by out-of-fold scores only",
    }
}

fn stages(rows: &[StageRow]) -> String {
    let header = [
        ("stage", Align::Left),
        ("", Align::Left),
        ("time", Align::Right),
        ("what", Align::Left),
    ];
    let rows = rows.iter().map(|row| {
        let action = match row.action {
            StageAction::Ran => "ran",
            StageAction::Cached => "cached",
            StageAction::Skipped => "skipped",
            StageAction::Stopped => "not reached",
        };
        let time = if row.action == StageAction::Ran {
            seconds(row.elapsed_ms)
        } else {
            String::new()
        };
        let what = match row.action {
            StageAction::Ran => row.summary.text.clone(),
            StageAction::Cached => format!("{} ({})", row.summary.text, row.why),
            StageAction::Skipped | StageAction::Stopped => row.why.clone(),
        };
        [row.stage.to_string(), action.to_owned(), time, what]
    });
    table(&header, rows)
}

/// Returns a gate report as a table.
pub(super) fn gates(report: &GateReport) -> String {
    if report.rows.is_empty() {
        return "no gates: every model passes; add a [[gate]] to the pipeline".to_owned();
    }
    let header = [
        ("gate", Align::Left),
        ("verdict", Align::Left),
        ("units", Align::Right),
        ("why", Align::Left),
    ];
    let rows = report.rows.iter().map(|row| {
        let gate = format!("{} {}", row.gate.metric, row.gate.rule);
        [
            gate,
            row.verdict.to_string(),
            row.units.to_string(),
            row.explanation.clone(),
        ]
    });
    format!("{}\ngates: {}", table(&header, rows), report.verdict)
}

fn version(outcome: &Outcome) -> Option<String> {
    let version = outcome.version.as_ref()?;
    let (model, number) = (&version.model, version.version);
    let registered = match &outcome.alias {
        Some(alias) => format!("{model} v{number} is {alias}"),
        None => format!("{model} v{number} is registered"),
    };
    Some(format!("{registered} (bundle sha256 {})", version.bundle))
}

/// Returns the one command to try next.
///
/// `file` is the pipeline file, where there is one.
pub(super) fn next(outcome: &Outcome, file: Option<&str>, until: Stage, exit: Exit) -> String {
    let file = file.map_or_else(String::new, |file| format!(" {file}"));
    if exit != Exit::Done {
        return "pdm-ml runs list".to_owned();
    }
    match until {
        Stage::Promote => match (&outcome.version, &outcome.alias, test_file(outcome)) {
            (Some(version), Some(alias), Some(input)) => {
                format!(
                    "pdm-ml predict --model {}@{alias} --input {input}",
                    version.model
                )
            }
            (Some(version), _, _) => format!("pdm-ml registry history {}", version.model),
            (None, _, _) => format!("pdm-ml run{file}"),
        },
        Stage::Features => format!("pdm-ml train{file}"),
        Stage::Calibrate => format!("pdm-ml evaluate{file}"),
        Stage::Evaluate => format!("pdm-ml gate{file}"),
        Stage::Validate | Stage::Train | Stage::Gate | Stage::Register => {
            format!("pdm-ml run{file}")
        }
    }
}

/// Returns the file of the test part, quoted for a shell; `None` if it does not exist. The training file is not used for
/// predictions: its units have failed.
fn test_file(outcome: &Outcome) -> Option<String> {
    let mut files = outcome.quality.iter().flat_map(|quality| &quality.files);
    let test = files.find(|file| file.role == Role::Test && Path::new(&file.path).is_file())?;
    shlex::try_quote(&test.path)
        .ok()
        .map(|quoted| quoted.into_owned())
}

/// Returns a time in seconds, with one decimal place.
pub(super) fn seconds(elapsed_ms: u64) -> String {
    format!("{:.1} s", elapsed_ms as f64 / 1000.0)
}
