//! A model's verdict and gates, as the reports for CI show them.

use super::{EngineError, Job, Outcome};
use crate::config::Source;
use pdm_core::gates::{GateOptions, GateReport, GateRow, Rule};
use pdm_report::report::gate::{Bound, FileLine, GateLine, JudgedModel, Judgement};

/// Returns the judgement of a model for the reports that CI reads; without a verdict where the run did not reach its gates.
///
/// `seen_from_top` returns the path of a pipeline file relative to the top of its repository.
///
/// # Errors
/// The judged predictions cannot be read.
pub fn judgement(
    job: &Job,
    outcome: &Outcome,
    seen_from_top: &dyn Fn(&str) -> String,
) -> Result<Judgement, EngineError> {
    let mut gates = Vec::new();
    let mut model = None;
    if let Some(report) = &outcome.gates {
        for (at, row) in report.rows.iter().enumerate() {
            gates.push(gate_line(row, place(job, at, seen_from_top)));
        }
        model = judged_model(job, outcome, report)?;
    }
    Ok(Judgement {
        pipeline: outcome.pipeline.clone(),
        file: file(job).map(seen_from_top),
        verdict: outcome.gates.as_ref().map(|report| report.verdict),
        evidence: model,
        gates,
        troubles: Vec::new(),
    })
}

/// Returns the pipeline file as the user named it; none for the embedded one.
fn file(job: &Job) -> Option<&str> {
    if job.is_embedded() {
        return None;
    }
    Some(&job.label)
}

fn judged_model(
    job: &Job,
    outcome: &Outcome,
    report: &GateReport,
) -> Result<Option<JudgedModel>, EngineError> {
    let Some(scores) = &outcome.scores else {
        return Ok(None);
    };
    let registered = outcome.version.as_ref();
    let model = job.spec.registry.model_name(&job.spec.project.name)?;
    Ok(Some(JudgedModel {
        bundle: report.challenger,
        version: registered.map(|version| version.version),
        model: model.to_string(),
        champion: report.champion,
        seeds: job.spec.train.seeds,
        protocol: scores.scorecard.protocol.to_string(),
        scorecard: scores.scorecard.clone(),
        predictions: outcome.predictions()?,
    }))
}

fn gate_line(row: &GateRow, place: Option<FileLine>) -> GateLine {
    GateLine {
        metric: row.gate.metric,
        rule: row.gate.rule.to_string(),
        bound: bound(&row.gate),
        verdict: row.verdict,
        observed: row.observed,
        units: row.units,
        why: row.explanation.clone(),
        place,
    }
}

/// Returns the bound of a gate. A gate that was loaded has the limits its rule needs; one from elsewhere may lack them, and is
/// shown with NaN.
fn bound(gate: &GateOptions) -> Bound {
    let GateOptions {
        value,
        low,
        high,
        margin,
        relative,
        ..
    } = *gate;
    match gate.rule {
        Rule::AtMost => Bound::AtMost {
            value: value.unwrap_or(f64::NAN),
        },
        Rule::AtLeast => Bound::AtLeast {
            value: value.unwrap_or(f64::NAN),
        },
        Rule::Between => Bound::Between {
            low: low.unwrap_or(f64::NAN),
            high: high.unwrap_or(f64::NAN),
        },
        Rule::NonInferior => Bound::NonInferior { margin, relative },
        Rule::Better => Bound::Better { margin, relative },
    }
}

/// Returns the file and the line of a value, also of one that names an environment variable there.
fn line_of(source: &Source) -> Option<(&String, usize)> {
    match source {
        Source::File { file, line } => Some((file, *line)),
        Source::Environment { written, .. } => line_of(written),
        Source::Default | Source::Variable { .. } | Source::Override { .. } => None,
    }
}

/// Returns where a gate is written: the line of its header, or of its first key where the header cannot be found.
fn place(job: &Job, at: usize, seen_from_top: &dyn Fn(&str) -> String) -> Option<FileLine> {
    let prefix = format!("gate.{at}.");
    let of_gate = job
        .origins
        .as_slice()
        .iter()
        .filter(|origin| origin.key.starts_with(&prefix));
    let lines = of_gate.filter_map(|origin| line_of(&origin.source));
    let (file, line) = lines.min_by_key(|(_, line)| *line)?;
    let line = if *file == job.label {
        header(&job.text, line).unwrap_or(line)
    } else {
        line
    };
    Some(FileLine {
        file: seen_from_top(file),
        line,
        column: None,
    })
}

/// Returns the line of the `[[gate]]` that the key at `line` belongs to.
fn header(text: &str, line: usize) -> Option<usize> {
    let lines: Vec<_> = text.lines().take(line).map(str::trim_start).collect();
    let above = lines.iter().rposition(|line| line.starts_with('['))?;
    lines[above].starts_with("[[").then_some(above + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_of_a_gate_is_the_table_its_keys_belong_to() {
        let text =
            "[a]\nx = 1\n\n  [[gate]]  # first\n# about it\nmetric = 'rmse'\n[b]\ngate = 1\n";
        assert_eq!(
            (header(text, 6), header(text, 8), header("gate = []", 1)),
            (Some(4), None, None)
        );
    }
}
