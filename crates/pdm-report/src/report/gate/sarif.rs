//! Judgements as SARIF.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::bound::Bound;
use super::judgement::{EarlyEnd, FileLine, GateLine, Judgement};
use super::words;
use pdm_core::content::Digest;
use pdm_core::scoring::Verdict;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Returns a judgement as SARIF 2.1.0: one result for each gate that does not pass, and for each early end of the run.
///
/// Passed gates are in the run's properties, because code scanning shows every result as an alert, whatever its kind.
///
/// # Panics
/// Never: a JSON value has a JSON form.
pub fn sarif(judgement: &Judgement) -> String {
    let not_passed = judgement
        .gates
        .iter()
        .filter(|gate| gate.verdict != Verdict::Pass);
    let results: Vec<_> = judgement
        .troubles
        .iter()
        .map(|end| of_early_end(judgement, end))
        .chain(not_passed.map(|gate| of_gate(judgement, gate)))
        .collect();
    let run = json!({
        "tool": { "driver": {
            "name": "pdm-ml",
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "rules": rules(judgement),
        } },
        "columnKind": "unicodeCodePoints",
        "automationDetails": { "id": format!("pdm-ml/gate/{}/", judgement.pipeline) },
        "invocations": [invocation(judgement)],
        "results": results,
        "properties": properties(judgement),
    });
    let log = json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": [run] });
    serde_json::to_string_pretty(&log).expect("a JSON value has a JSON form") + "\n"
}

/// Returns a rule for each kind of gate and of early end.
fn rules(judgement: &Judgement) -> Vec<Value> {
    let gate = |gate: &GateLine| {
        let words = format!(
            "The score {} must be shown to be {}",
            gate.metric,
            words_of(gate)
        );
        (rule_of(gate), words)
    };
    let early_end = |end: &EarlyEnd| {
        let words = format!("The run ended early: {}", end.kind.replace('_', " "));
        (rule_of_early_end(end), words)
    };
    let rules: BTreeMap<_, _> = judgement
        .gates
        .iter()
        .map(gate)
        .chain(judgement.troubles.iter().map(early_end))
        .collect();
    let rule =
        |(id, words): (String, String)| json!({ "id": id, "shortDescription": { "text": words } });
    rules.into_iter().map(rule).collect()
}

fn words_of(gate: &GateLine) -> &'static str {
    match gate.bound {
        Bound::AtMost { .. } => "at most a limit",
        Bound::AtLeast { .. } => "at least a limit",
        Bound::Between { .. } => "between two limits",
        Bound::NonInferior { .. } => "not much worse than the champion's",
        Bound::Better { .. } => "better than the champion's",
    }
}

fn rule_of(gate: &GateLine) -> String {
    format!("gate/{}/{}", gate.rule, gate.metric)
}

fn rule_of_early_end(end: &EarlyEnd) -> String {
    format!("line/{}", end.kind)
}

fn of_gate(judgement: &Judgement, gate: &GateLine) -> Value {
    // With a level, `kind` must be `fail`, which is the default.
    let (level, verdict) = match gate.verdict {
        Verdict::Fail => ("error", "fails"),
        Verdict::Undecided | Verdict::Pass => ("warning", "is undecided"),
    };
    let message = format!("gate {verdict}: {}", gate.why);
    result(
        judgement,
        &rule_of(gate),
        level,
        &message,
        gate.place.as_ref(),
    )
}

fn of_early_end(judgement: &Judgement, end: &EarlyEnd) -> Value {
    result(
        judgement,
        &rule_of_early_end(end),
        "error",
        &words::early_end(end),
        end.place.as_ref(),
    )
}

fn result(
    judgement: &Judgement,
    rule: &str,
    level: &str,
    message: &str,
    place: Option<&FileLine>,
) -> Value {
    // A gate that fails repeatedly is one alert, whatever its values.
    let identity = Digest::of(format!("{}\n{rule}", judgement.pipeline)).to_string();
    let mut result = json!({
        "ruleId": rule,
        "level": level,
        "message": { "text": message },
        "partialFingerprints": { "gate/v1": identity },
    });
    // Code scanning refuses results without a location.
    let top = judgement.file.as_ref().map(|file| FileLine {
        file: file.clone(),
        line: 1,
        column: None,
    });
    if let Some(place) = place.cloned().or(top) {
        result["locations"] = json!([location(&place)]);
    }
    result
}

fn location(place: &FileLine) -> Value {
    let mut region = json!({ "startLine": place.line });
    if let Some(column) = place.column {
        region["startColumn"] = json!(column);
    }
    json!({ "physicalLocation": {
        "artifactLocation": { "uri": uri(&place.file), "uriBaseId": "%SRCROOT%" },
        "region": region,
    } })
}

/// Returns a relative path as a relative URI.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte))
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}

fn invocation(judgement: &Judgement) -> Value {
    let notice =
        |end: &EarlyEnd| json!({ "level": "error", "message": { "text": words::early_end(end) } });
    json!({
        "executionSuccessful": judgement.troubles.is_empty(),
        "toolExecutionNotifications": judgement.troubles.iter().map(notice).collect::<Vec<_>>(),
    })
}

fn properties(judgement: &Judgement) -> Value {
    let gates: Vec<_> = judgement
        .gates
        .iter()
        .map(
            |gate| json!({ "gate": gate.title(), "verdict": gate.verdict, "observed": gate.observed, "why": gate.why }),
        )
        .collect();
    let mut properties = json!({ "verdict": words::verdict_line(judgement), "gates": gates });
    if let Some(evidence) = &judgement.evidence {
        properties["bundle"] = json!(evidence.bundle);
        properties["champion"] = json!(evidence.champion);
        properties["protocol"] = json!(words::protocol(evidence));
        properties["units"] = json!(evidence.scorecard.units);
        properties["interval"] = json!(words::interval_method(evidence));
        properties["seeds"] = json!(evidence.seeds);
    }
    properties
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_uri() {
        assert_eq!(
            uri("pipelines/größe 1.toml"),
            "pipelines/gr%C3%B6%C3%9Fe%201.toml"
        );
    }
}
