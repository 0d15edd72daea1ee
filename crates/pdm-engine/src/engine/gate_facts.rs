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

fn gate_fact(number: usize, row: &GateRow) -> GateFact {
    let gate = &row.gate;
    let margin = match row.observed {
        Some(Observed::Score(_)) => None,
        Some(Observed::Difference(worse)) if gate.relative => {
            Some(worse.relative_margin(gate.margin))
        }
        Some(Observed::Difference(_)) => Some(gate.margin),
        // A relative margin is a share of the champion's value, which is missing.
        None => (!gate.relative).then_some(gate.margin),
    };
    let limits = match gate.rule {
        Rule::AtMost => [None, gate.value],
        Rule::AtLeast => [gate.value, None],
        Rule::Between => [gate.low, gate.high],
        Rule::NonInferior => [None, margin],
        Rule::Better => [None, margin.map(|margin| -margin)],
    };
    GateFact {
        number,
        metric: gate.metric.name(),
        rule: gate.rule.to_string(),
        verdict: row.verdict,
        observed: row.observed.map(|observed| observed.numbers()),
        limits,
    }
}

/// Returns the figures of a gate by name, for a run tracker: its verdict is 1 for pass, 0 for undecided and -1 for fail.
pub(super) fn metrics_of(gate: &GateFact) -> Vec<(String, f64)> {
    let GateFact {
        number,
        metric,
        rule,
        ..
    } = gate;
    let verdict = match gate.verdict {
        Verdict::Pass => 1.0,
        Verdict::Undecided => 0.0,
        Verdict::Fail => -1.0,
    };
    let mut figures = vec![("verdict", Some(verdict)), ("margin", gate.margin())];
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
            metrics.push((format!("gate/{number}_{metric}_{rule}/{figure}"), value));
        }
    }
    metrics
}
