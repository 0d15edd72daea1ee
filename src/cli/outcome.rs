//! What a run came to, in words.

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

/// Returns the scores: first those that a choice may rest on, then those of the part that only the last model should see.
fn scored(scores: &Judged, until: Stage) -> Vec<String> {
    let mut parts = Vec::new();
    if scores.on != Part::OutOfFold {
        let card = &scores.out_of_fold;
        // Who evaluates compares models; who runs the line wants the verdict.
        let text = if until == Stage::Evaluate {
            report::scores(card)
        } else {
            report::scores_in_a_line(card)
        };
        parts.push(format!(
            "out of fold: each unit by a model that did not learn from it\n\n{text}"
        ));
        // Of some groups there may be no test part.
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

/// Returns how often the part was looked at, and what that means.
fn looked(part: Part, looks: Looks) -> String {
    let again = if looks.new {
        ""
    } else {
        "; this one was scored on it before"
    };
    match looks.models {
        1 => format!("looks at this {part}: 1 model was scored on it{again}"),
        models => format!(
            "looks at this {part}: {models} models were scored on it{again}; the best of them flatters, so choose by the scores out of fold"
        ),
    }
}

/// Returns a path as seen from here.
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
        Part::Holdout => "judged on the holdout, units no training ever saw",
        Part::OutOfFold => "no test part is installed: judged by out-of-fold scores alone",
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
    let stand = match &outcome.alias {
        Some(alias) => format!("{model} v{number} is {alias}"),
        None => format!("{model} v{number} is registered"),
    };
    Some(format!("{stand} (bundle sha256 {})", version.bundle))
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

/// Returns the test part's file, as it is written in a shell; none where there is none to be seen from here. The training file
/// is no input to predict from: its units have failed.
fn test_file(outcome: &Outcome) -> Option<String> {
    let mut files = outcome.quality.iter().flat_map(|quality| &quality.files);
    let test = files.find(|file| file.role == Role::Test && Path::new(&file.path).is_file())?;
    shlex::try_quote(&test.path)
        .ok()
        .map(|quoted| quoted.into_owned())
}

/// Returns a time in seconds, with the digits a reader wants.
pub(super) fn seconds(elapsed_ms: u64) -> String {
    format!("{:.1} s", elapsed_ms as f64 / 1000.0)
}
