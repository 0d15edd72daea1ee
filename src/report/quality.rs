use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Align, table};
use crate::codes::Code;
use crate::data::{Finding, Outcome, Pinned, QualityReport};

/// How many findings of one expectation are shown for one file; the JSON lists them all.
const SHOWN: usize = 20;

/// Returns a quality report as text: files, expectations, and the first findings of each with file and line.
pub fn quality(report: &QualityReport) -> String {
    let mut text = format!("{}\n\n{}", files(report), checks(report));
    let shown = shown(report);
    if !shown.is_empty() {
        let findings = shown.iter().map(|finding| finding.to_string()).collect::<Vec<_>>();
        text.push_str(&format!("\n\n{}", findings.join("\n")));
    }
    let counts = report.counts;
    let hidden = counts.errors + counts.warnings + counts.infos - shown.len() as u64;
    if hidden > 0 {
        text.push_str(&format!("\n… and {hidden} more; `data validate --report FILE` writes them all"));
    }
    text.push_str(&format!("\n\n{}: {} errors, {} warnings", report.dataset, counts.errors, counts.warnings));
    text
}

/// Returns a quality report for programs: each check and finding with its code.
pub fn quality_json(report: &QualityReport) -> Value {
    let mut object = json!(report);
    let checks = report.checks.iter().map(|check| check.expectation.code());
    let findings = report.findings.iter().map(|finding| finding.expectation.code());
    add_codes(&mut object["checks"], checks);
    add_codes(&mut object["findings"], findings);
    object
}

fn add_codes(list: &mut Value, codes: impl Iterator<Item = Code>) {
    for (item, code) in list.as_array_mut().into_iter().flatten().zip(codes) {
        item["code"] = json!(code);
    }
}

fn shown(report: &QualityReport) -> Vec<&Finding> {
    let mut seen = BTreeMap::new();
    let first = |finding: &&Finding| {
        let count: &mut usize = seen.entry((finding.expectation, finding.file.clone())).or_default();
        *count += 1;
        *count <= SHOWN
    };
    report.findings.iter().filter(first).collect()
}

fn files(report: &QualityReport) -> String {
    let header = [
        ("part", Align::Left),
        ("file", Align::Left),
        ("units", Align::Right),
        ("rows", Align::Right),
        ("sha256", Align::Left),
    ];
    let rows = report.files.iter().map(|file| {
        let pinned = match file.pinned {
            Pinned::Matches => " as pinned",
            Pinned::Differs => " DIFFERS",
            Pinned::Unchecked => " not checked",
            Pinned::Unknown => "",
        };
        let digest = format!("{}…{pinned}", file.sha256.short());
        [file.role.to_string(), file.path.clone(), file.units.to_string(), file.rows.to_string(), digest]
    });
    table(&header, rows)
}

fn checks(report: &QualityReport) -> String {
    let header = [
        ("expectation", Align::Left),
        ("code", Align::Left),
        ("outcome", Align::Left),
        ("findings", Align::Right),
        ("examined", Align::Left),
    ];
    let rows = report.checks.iter().map(|check| {
        let outcome = match check.outcome {
            Outcome::Pass => "pass",
            Outcome::Warn => "warn",
            Outcome::Fail => "FAIL",
            Outcome::Skipped => "skipped",
        };
        let (name, code) = (check.expectation.to_string(), check.expectation.code().to_string());
        [name, code, outcome.to_owned(), check.findings.to_string(), check.scope.clone()]
    });
    table(&header, rows)
}
