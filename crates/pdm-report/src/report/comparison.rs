//! The comparison of two models as text.

use super::{Align, table};
use pdm_core::scoring::{PairedDifference, ScoreChange, SideBySide};

/// Returns the scores of two models, named `a` and `b`, with the interval of how much worse `b` is; or why they cannot be
/// compared.
pub fn side_by_side(found: &SideBySide, a: &str, b: &str) -> String {
    match found {
        SideBySide::Unlike {
            a: first,
            b: second,
            differ,
        } => {
            let [first, second] =
                [first, second].map(|(digest, words)| format!("{words} ({})", digest.short()));
            let differ = differ.join("; ");
            format!(
                "scores are not compared: they were computed under different protocols ({differ})\n{a}: {first}\n{b}: {second}"
            )
        }
        SideBySide::Compared {
            judged,
            units,
            rows,
            unpaired,
            ..
        } => {
            let note = match unpaired {
                Some(why) => format!("no intervals: {why}"),
                None => format!(
                    "{b} is worse by: interval over the same {units} units, resampled in pairs; below zero is better"
                ),
            };
            format!("{}\n{judged}\n{note}", compared(rows, a, b))
        }
    }
}

fn compared(rows: &[ScoreChange], a: &str, b: &str) -> String {
    let difference = format!("{b} - {a}");
    let worse = format!("{b} is worse by");
    let header = [
        ("score", Align::Left),
        (a, Align::Right),
        (b, Align::Right),
        (difference.as_str(), Align::Right),
        (worse.as_str(), Align::Right),
        ("", Align::Left),
    ];
    let rows = rows.iter().map(|row| {
        let cell = |value: Option<f64>| {
            value
                .map(|value| row.metric.figure(value))
                .unwrap_or_default()
        };
        let worse = row.worse.as_ref();
        let interval = worse
            .map(|worse| format!("[{}, {}]", cell(Some(worse.lower)), cell(Some(worse.upper))));
        [
            row.metric.heading(),
            cell(row.a.map(|score| score.value)),
            cell(row.b.map(|score| score.value)),
            cell(row.difference),
            interval.unwrap_or_default(),
            worse.map(verdict).unwrap_or_default().to_owned(),
        ]
    });
    table(&header, rows)
}

/// Returns the verdict of an interval; empty if it contains zero.
fn verdict(worse: &PairedDifference) -> &'static str {
    if worse.upper < 0.0 {
        "better"
    } else if worse.lower > 0.0 {
        "worse"
    } else {
        ""
    }
}
