//! What gates and a look for drift found, as figures for those who watch.

use pdm_core::gates::{GateReport, GateRow, Observed, Rule};
use pdm_core::scoring::Verdict;
use pdm_tracking::observe::GateFact;

/// Returns what each gate of a report found, in order.
pub fn gate_facts(report: &GateReport) -> Vec<GateFact> {
    report
        .rows
        .iter()
        .enumerate()
        .map(|(at, row)| of_row(at + 1, row))
        .collect()
}

fn of_row(number: usize, row: &GateRow) -> GateFact {
    let gate = &row.gate;
    let margin = match row.observed {
        Some(Observed::Score(_)) => None,
        Some(Observed::Difference(worse)) if gate.relative => {
            Some(worse.relative_margin(gate.margin))
        }
        Some(Observed::Difference(_)) => Some(gate.margin),
        // Without a champion, a relative margin has no value.
        None => (!gate.relative).then_some(gate.margin),
    };
    let limits = match gate.rule {
        Rule::AtMost => [None, gate.value],
        Rule::AtLeast => [gate.value, None],
        Rule::Between => [gate.low, gate.high],
        Rule::NonInferior => [None, margin],
        Rule::Better => [None, margin.map(|margin| -margin)],
    };
    let (metric, rule, verdict) = (gate.metric.name(), gate.rule.to_string(), row.verdict);
    GateFact {
        number,
        metric,
        rule,
        verdict,
        observed: row.observed.map(|observed| observed.numbers()),
        limits,
    }
}

/// Returns the figures of a gate by name, for a tracker of runs: its verdict as 1 for pass, 0 for undecided and -1 for fail.
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
    let known = figures
        .into_iter()
        .filter_map(|(figure, value)| Some((figure, value?)));
    known
        .map(|(figure, value)| (format!("gate/{number}_{metric}_{rule}/{figure}"), value))
        .collect()
}
