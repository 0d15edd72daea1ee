//! Quality reports as text and JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Align, table};
use pdm_core::codes::Code;
use pdm_models::data::{
    Cause, CheckOutcome, Expectation, FileReport, Pinned, QualityReport, causes,
};

/// Most causes shown of one expectation for one file; the JSON lists all.
const SHOWN: usize = 20;

/// Most causes shown of one expectation for all files.
const SHOWN_OF_ALL_FILES: usize = 80;

/// Most files shown of one role.
const SHOWN_FILES: usize = 20;

/// Returns a quality report as text: files, expectations, and each cause of findings once, with its first locations.
pub fn quality(report: &QualityReport) -> String {
    let mut text = files(report);
    if let Some(preparation) = &report.preparation {
        text.push_str(&format!("\n\n{}", preparation.sentences().join("\n")));
    }
    text.push_str(&format!("\n\n{}", checks(report)));
    let shown = shown(report);
    if !shown.is_empty() {
        let causes = shown.iter().map(ToString::to_string).collect::<Vec<_>>();
        text.push_str(&format!("\n\n{}", causes.join("\n")));
    }
    let counts = report.counts;
    let listed: u64 = shown.iter().map(|cause| cause.count).sum();
    let hidden = (counts.errors + counts.warnings + counts.infos).saturating_sub(listed);
    if hidden > 0 {
        text.push_str(&format!(
            "\n… and {hidden} more; `data validate --report FILE` writes them all"
        ));
    }
    text.push_str(&format!(
        "\n\n{}: {} errors, {} warnings",
        report.dataset, counts.errors, counts.warnings
    ));
    text
}

/// Returns a quality report for programs: each check, cause and finding with its code.
pub fn quality_json(report: &QualityReport) -> Value {
    let mut object = json!(report);
    let checks = report.checks.iter().map(|check| check.expectation.code());
    let findings = report
        .findings
        .iter()
        .map(|finding| finding.expectation.code());
    add_codes(&mut object["checks"], checks);
    add_codes(&mut object["findings"], findings);
    let causes = causes(&report.findings);
    object["causes"] = json!(causes);
    add_codes(
        &mut object["causes"],
        causes.iter().map(|cause| cause.first.expectation.code()),
    );
    object
}

fn add_codes(list: &mut Value, codes: impl Iterator<Item = Code>) {
    for (item, code) in list.as_array_mut().into_iter().flatten().zip(codes) {
        item["code"] = json!(code);
    }
}

fn shown(report: &QualityReport) -> Vec<Cause> {
    let mut seen = BTreeMap::new();
    let mut of_all_files: BTreeMap<Expectation, usize> = BTreeMap::new();
    let mut shown = causes(&report.findings);
    shown.retain(|cause| {
        let count: &mut usize = seen
            .entry((cause.first.expectation, cause.first.file.clone()))
            .or_default();
        *count += 1;
        let of_expectation = of_all_files.entry(cause.first.expectation).or_insert(0);
        *of_expectation += 1;
        *count <= SHOWN && *of_expectation <= SHOWN_OF_ALL_FILES
    });
    shown
}

fn files(report: &QualityReport) -> String {
    let header = [
        ("part", Align::Left),
        ("file", Align::Left),
        ("units", Align::Right),
        ("rows", Align::Right),
        ("sha256", Align::Left),
    ];
    let mut of_role: BTreeMap<_, usize> = BTreeMap::new();
    let mut shown: Vec<&FileReport> = Vec::new();
    for file in &report.files {
        let count = of_role.entry(file.role).or_insert(0);
        *count += 1;
        if *count <= SHOWN_FILES {
            shown.push(file);
        }
    }
    let hidden = report.files.len() - shown.len();
    let rows = shown.into_iter().map(|file| {
        let pinned = match file.pinned {
            Pinned::Matches => " as pinned",
            Pinned::Differs => " DIFFERS",
            Pinned::Unchecked => " not checked",
            Pinned::Unknown => "",
        };
        let digest = format!("{}…{pinned}", file.sha256.short());
        [
            file.role.to_string(),
            file.path.clone(),
            file.units.to_string(),
            file.rows.to_string(),
            digest,
        ]
    });
    let listed = table(&header, rows);
    match hidden {
        0 => listed,
        hidden => format!("{listed}\n… and {hidden} more files"),
    }
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
            CheckOutcome::Pass => "pass",
            CheckOutcome::Warn => "warn",
            CheckOutcome::Fail => "FAIL",
            CheckOutcome::Skipped => "skipped",
        };
        let name = check.expectation.to_string();
        let code = check.expectation.code().to_string();
        [
            name,
            code,
            outcome.to_owned(),
            check.findings.to_string(),
            check.scope.clone(),
        ]
    });
    table(&header, rows)
}
