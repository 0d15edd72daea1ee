//! The text output of a search.

use pdm_engine::config::toml_of;
use pdm_engine::engine::{Confirmation, EdgeRow, Ended, TrialRow, Tuned};
use pdm_models::tune::{Choose, End};
use pdm_report::report::{Align, table};

/// Maximum number of trials in the table, besides the chosen one and the file.
const TOP: usize = 10;

/// Returns the best trials, which one was chosen and why, and how reliable its score is.
pub(super) fn text(tuned: &Tuned) -> String {
    let counts = [Ended::Complete, Ended::Pruned, Ended::Failed].map(|ended| tuned.count(ended));
    let [complete, pruned, failed] = counts;
    let mut lines = vec![
        format!(
            "{} · {} · study {}",
            tuned.pipeline,
            tuned.file,
            tuned.study.short()
        ),
        String::new(),
        trials(tuned),
        format!(
            "{} trials: {complete} complete, {pruned} stopped early, {failed} failed",
            tuned.trials.len()
        ),
    ];
    if tuned.exhausted {
        lines.push("all combinations have been tried".to_owned());
    }
    lines.push(String::new());
    lines.push(why(tuned));
    lines.extend(tuned.confirmed.iter().map(confirmation));
    lines.extend(tuned.at_edge.iter().map(|row| edge(tuned, row)));
    lines.push(warning(tuned));
    lines.push(format!("written: {}", tuned.output.display()));
    lines.join("\n")
}

fn trials(tuned: &Tuned) -> String {
    let metric = tuned.metric.to_string();
    let header = [
        ("", Align::Left),
        ("trial", Align::Right),
        (metric.as_str(), Align::Right),
        ("behind the best", Align::Right),
        ("values", Align::Left),
    ];
    let mut complete: Vec<_> = tuned
        .trials
        .iter()
        .filter(|trial| trial.ended == Ended::Complete)
        .collect();
    complete.sort_by(|a, b| {
        a.difference
            .unwrap_or(f64::INFINITY)
            .total_cmp(&b.difference.unwrap_or(f64::INFINITY))
    });
    let shown = complete
        .iter()
        .enumerate()
        .filter(|(i, row)| *i < TOP || [0, tuned.chosen].contains(&row.number));
    table(&header, shown.map(|(_, row)| cells(tuned, row)))
}

fn cells(tuned: &Tuned, row: &TrialRow) -> [String; 5] {
    let mark = if row.number == tuned.chosen {
        "→"
    } else {
        ""
    };
    let name = if row.number == 0 {
        "file".to_owned()
    } else {
        row.number.to_string()
    };
    let value = row
        .value
        .map(|value| format!("{value:.3}"))
        .unwrap_or_default();
    let behind = match (row.difference, row.standard_error) {
        _ if row.number == tuned.best => String::new(),
        (Some(difference), Some(error)) => format!("{difference:.3} ± {error:.3}"),
        _ => String::new(),
    };
    let values: Vec<_> = row
        .values
        .iter()
        .map(|(key, value)| format!("{key}={}", toml_of(value)))
        .collect();
    [mark.to_owned(), name, value, behind, values.join(" ")]
}

fn why(tuned: &Tuned) -> String {
    let Tuned {
        chosen,
        best,
        within,
        ..
    } = tuned;
    let name = |number: usize| {
        if number == 0 {
            "the unchanged file".to_owned()
        } else {
            format!("trial {number}")
        }
    };
    let (chosen_name, best_name) = (name(*chosen), name(*best));
    if tuned.rule == Choose::Best {
        return format!("chosen: {chosen_name}, which has the best score");
    }
    let simplest = match tuned.simpler_by.as_slice() {
        [] => "the smallest model".to_owned(),
        keys => format!("the simplest by {}", keys.join(", then ")),
    };
    match within {
        1 => {
            format!("chosen: {chosen_name}, the best; no other is within one standard error of it")
        }
        _ if chosen == best => {
            format!(
                "chosen: {chosen_name}, the best and {simplest} of {within} within one standard error"
            )
        }
        _ => {
            format!(
                "chosen: {chosen_name}, {simplest} of {within} within one standard error of the best, {best_name}"
            )
        }
    }
}

/// Warns about a value at an end of its range: the key, the end, and how to widen the range.
fn edge(tuned: &Tuned, row: &EdgeRow) -> String {
    let EdgeRow { trial, edge } = row;
    let whose = if *trial == tuned.chosen {
        "the chosen"
    } else {
        "the best trial's"
    };
    let (end, widen) = match edge.end {
        End::Low => (
            "lower",
            format!("a smaller `low` than {}", toml_of(&edge.low)),
        ),
        End::High => (
            "upper",
            format!("a larger `high` than {}", toml_of(&edge.high)),
        ),
    };
    let place = if edge.is_outside {
        let side = match edge.end {
            End::Low => "below",
            End::High => "above",
        };
        format!(
            "is {side} the searched range, {} to {}",
            toml_of(&edge.low),
            toml_of(&edge.high)
        )
    } else {
        format!(
            "is at the {end} end of {} to {}",
            toml_of(&edge.low),
            toml_of(&edge.high)
        )
    };
    format!(
        "warning: {whose} {} = {} {place}, so better values may be outside it; if the key \
         allows them, give \"{}\" in [tune.space] {widen}, and search again",
        edge.key,
        toml_of(&edge.value),
        edge.key
    )
}

fn confirmation(again: &Confirmation) -> String {
    let file = match (again.file, again.difference, again.standard_error) {
        (Some(file), Some(difference), Some(error)) => {
            format!("; the file {file:.3} ({difference:+.3} ± {error:.3})")
        }
        _ => String::new(),
    };
    format!("on new folds: {:.3}{file}", again.chosen)
}

fn warning(tuned: &Tuned) -> String {
    let score = tuned
        .trial(tuned.chosen)
        .and_then(|row| row.value)
        .unwrap_or(f64::NAN);
    let trust = if tuned.confirmed.is_empty() {
        "set tune.confirm = 1"
    } else {
        "the line above is more reliable"
    };
    let trials = tuned.trials.len();
    format!(
        "note: {score:.3} is the best of {trials} trials and therefore too optimistic; {trust}, and the test part is most reliable"
    )
}
