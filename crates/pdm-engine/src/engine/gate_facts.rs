//! What gates found, as figures for metrics and trackers.

use pdm_core::gates::{GateReport, GateRow, Observed, Rule};
use pdm_core::scoring::Verdict;
use pdm_tracking::observe::GateFact;

/// Returns what each gate of a report found, in order.
pub fn gate_facts(report: &GateReport) -> Vec<GateFact> {
    report
        .rows
        .iter()
        .enumerate()
        .map(|(at, row)| gate_fact(at + 1, row))
        .collect()
}

fn gate_fact(place: usize, row: &GateRow) -> GateFact {
    let gate = &row.gate;
    let (observed, margin) = match row.observed {
        Some(Observed::Score(score)) => (Some([score.lower, score.value, score.upper]), None),
        Some(Observed::Difference(seen)) => {
            let margin = if gate.relative {
                seen.relative_margin(gate.margin)
            } else {
                gate.margin
            };
            (
                Some([seen.lower, seen.difference, seen.upper]),
                Some(margin),
            )
        }
        // A relative margin is a share of the champion's value, which is missing.
        None => (None, (!gate.relative).then_some(gate.margin)),
    };
    let limits = match gate.rule {
        Rule::AtMost => [None, gate.value],
        Rule::AtLeast => [gate.value, None],
        Rule::Between => [gate.low, gate.high],
        Rule::NonInferior => [None, margin],
        Rule::Better => [None, margin.map(|margin| -margin)],
    };
    GateFact {
        place,
        metric: gate.metric.name(),
        rule: gate.rule.to_string(),
        verdict: row.verdict,
        observed,
        limits,
    }
}

/// Returns the figures of a gate by name, for a run tracker: its verdict is 1 for pass, 0 for undecided and -1 for fail.
pub(super) fn metrics_of(gate: &GateFact) -> Vec<(String, f64)> {
    let GateFact {
        place,
        metric,
        rule,
        ..
    } = gate;
    let verdict = match gate.verdict {
        Verdict::Pass => 1.0,
        Verdict::Undecided => 0.0,
        Verdict::Fail => -1.0,
    };
    let mut figures = vec![("verdict", Some(verdict)), ("margin", gate.room())];
    if let Some([lower, value, upper]) = gate.observed {
        figures.extend([
            ("value", Some(value)),
            ("lower", Some(lower)),
            ("upper", Some(upper)),
        ]);
    }
    let [low, high] = gate.limits;
    figures.extend([("limit_lower", low), ("limit_upper", high)]);
    let mut metrics = Vec::new();
    for (figure, value) in figures {
        if let Some(value) = value {
            metrics.push((format!("gate/{place}_{metric}_{rule}/{figure}"), value));
        }
    }
    metrics
}
