//! Groups findings that have the same cause into one sentence.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::Finding;

/// Lines of a cause that are listed.
const LISTED_LINES: usize = 5;

/// A problem that occurs in the same way in many places.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cause {
    /// The first finding.
    #[serde(flatten)]
    pub first: Finding,
    /// Number of findings like it, itself included.
    pub count: u64,
    /// The first lines they are on.
    pub lines: Vec<u64>,
}

/// Groups findings that differ only in the line, the value and the unit, in the order of the first of each.
pub fn causes(findings: &[Finding]) -> Vec<Cause> {
    let mut causes: Vec<Cause> = Vec::new();
    let mut known: BTreeMap<CauseKind, usize> = BTreeMap::new();
    for finding in findings {
        let at = *known.entry(kind(finding)).or_insert(causes.len());
        if at == causes.len() {
            causes.push(Cause {
                first: finding.clone(),
                count: 0,
                lines: Vec::new(),
            });
        }
        let cause = &mut causes[at];
        cause.count += 1;
        if cause.lines.len() < LISTED_LINES
            && let Some(line) = finding.line
        {
            cause.lines.push(line);
        }
    }
    causes
}

impl fmt::Display for Cause {
    /// Writes the first finding and, where there are more, how many and on which lines.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        if self.count == 1 {
            return Ok(());
        }
        let lines = self
            .lines
            .iter()
            .map(u64::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        let more = if self.count > self.lines.len() as u64 {
            ", …"
        } else {
            ""
        };
        match self.lines.as_slice() {
            [] => write!(f, " ({} times)", self.count),
            [_, ..] => write!(f, " ({} times, at lines {lines}{more})", self.count),
        }
    }
}

/// What findings of one cause have in common.
type CauseKind = (
    super::Severity,
    super::Expectation,
    Option<String>,
    Option<String>,
    String,
);

fn kind(finding: &Finding) -> CauseKind {
    (
        finding.severity,
        finding.expectation,
        finding.file.clone(),
        finding.column.clone(),
        without_particulars(&finding.message),
    )
}

/// Returns a message without the parts that differ from line to line: quoted text, numbers and names of units.
fn without_particulars(message: &str) -> String {
    let mut kept = String::new();
    for (at, part) in message.split('`').enumerate() {
        if at % 2 == 1 {
            kept.push('`');
            continue;
        }
        let mut before = "";
        for word in part.split(' ') {
            let is_particular = before == "unit" || word.bytes().any(|byte| byte.is_ascii_digit());
            kept.push_str(if is_particular { "#" } else { word });
            kept.push(' ');
            before = word;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::super::findings::{FindingLocation, FindingLog};
    use super::super::{Expectation, Severity};
    use super::*;

    #[test]
    fn one_cause_is_one_sentence() {
        let mut log = FindingLog::default();
        for line in 2..=57_890 {
            let message = format!("`2026-01-{line}` in column 2 (cycle) is not a number");
            log.error(
                Expectation::Types,
                FindingLocation::file("t.csv").line(line).column("cycle"),
                message,
            );
        }
        for (line, unit) in [(5, "a"), (9, "b-7")] {
            let message = format!("unit {unit} has cycle {line} after cycle 8");
            log.error(
                Expectation::AscendingCycles,
                FindingLocation::file("t.csv").line(line),
                message,
            );
        }
        log.add(
            Severity::Info,
            Expectation::ConstantSensors,
            FindingLocation::file("t.csv"),
            "2 sensors",
        );
        let sentences: Vec<_> = causes(&log.into_findings())
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            sentences,
            [
                "t.csv:2: `2026-01-2` in column 2 (cycle) is not a number (57889 times, at lines 2, 3, 4, 5, 6, …)",
                "t.csv:5: unit a has cycle 5 after cycle 8 (2 times, at lines 5, 9)",
                "t.csv: 2 sensors",
            ]
        );
    }
}
