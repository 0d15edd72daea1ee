//! Texts that all formats share.

use super::judgement::{EarlyEnd, GateLine, JudgedModel, Judgement};
use pdm_core::gates::Observed;
use pdm_core::scoring::{Metric, Verdict};

/// Returns the verdict in one line: `refused: 1 of 3 gates fail, 1 undecided`.
pub(super) fn verdict_line(judgement: &Judgement) -> String {
    let Some(verdict) = judgement.verdict else {
        return match judgement.troubles.as_slice() {
            [] => "no verdict: the gates were not reached".to_owned(),
            [first, ..] => format!("no verdict: {}", first_line(&first.message)),
        };
    };
    let all = judgement.gates.len();
    let failed = judgement.count(Verdict::Fail);
    let open = judgement.count(Verdict::Undecided);
    match (verdict, all) {
        (Verdict::Pass, 0) => "passed: there are no gates".to_owned(),
        (Verdict::Pass, _) => format!("passed: {all} of {all} gates"),
        (Verdict::Fail, _) if open > 0 => {
            format!("refused: {failed} of {all} gates fail, {open} undecided")
        }
        (Verdict::Fail, _) => format!("refused: {failed} of {all} gates fail"),
        (Verdict::Undecided, _) => format!("undecided: {open} of {all} gates are undecided"),
    }
}

/// Returns the version that a model was compared with.
pub(super) fn champion(evidence: &JudgedModel) -> String {
    match &evidence.champion {
        Some(champion) => format!(
            "version {} (bundle {})",
            champion.version,
            champion.bundle.short()
        ),
        None => "no champion yet".to_owned(),
    }
}

/// Returns the method of the intervals: `95 %, percentile bootstrap over units, 2000 resamples`.
pub(super) fn interval_method(evidence: &JudgedModel) -> String {
    let options = &evidence.scorecard.bootstrap;
    format!(
        "{}, percentile bootstrap over units, {} resamples",
        level(evidence),
        options.resamples
    )
}

/// Returns the level of the intervals, such as `95 %`.
pub(super) fn level(evidence: &JudgedModel) -> String {
    format!(
        "{} %",
        (evidence.scorecard.bootstrap.confidence * 1e5).round() / 1e3
    )
}

/// Returns the protocol of the judged scores, with its digest.
pub(super) fn protocol(evidence: &JudgedModel) -> String {
    format!(
        "{} (protocol {})",
        evidence.protocol,
        evidence.scorecard.protocol_digest.short()
    )
}

/// Returns how often each fit was repeated.
pub(super) fn seeds(evidence: &JudgedModel) -> String {
    match evidence.seeds {
        1 => "1 seed: another training of the same model may give other scores".to_owned(),
        seeds => format!("the mean of {seeds} seeds"),
    }
}

/// Returns what was observed: `11.75 cycles [9.62, 13.99]`, or the paired difference with both values.
pub(super) fn observed(gate: &GateLine) -> String {
    let metric = gate.metric;
    let Some(observed) = &gate.observed else {
        return "–".to_owned();
    };
    let [lower, value, upper] = observed.numbers();
    match observed {
        Observed::Score(_) => format!(
            "{} {}",
            metric.quantity(value),
            interval(metric, lower, upper)
        ),
        Observed::Difference(difference) => format!(
            "{} [{}, {}] ({} against {})",
            metric.measure().with_unit(metric.difference(value)),
            metric.difference(lower),
            metric.difference(upper),
            metric.figure(difference.challenger),
            metric.figure(difference.champion)
        ),
    }
}

fn interval(metric: Metric, lower: f64, upper: f64) -> String {
    format!("[{}, {}]", metric.figure(lower), metric.figure(upper))
}

/// Returns the message of an early end with its hint.
pub(super) fn early_end(end: &EarlyEnd) -> String {
    match &end.hint {
        Some(hint) => format!("{}\nhint: {hint}", end.message),
        None => end.message.clone(),
    }
}

pub(super) fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
