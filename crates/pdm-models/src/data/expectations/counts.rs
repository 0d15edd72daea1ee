//! Expectations about the numbers of units and rows, and about true remaining useful lives.

use std::collections::BTreeSet;

use super::super::cmapss::RulRow;
use super::super::findings::{FindingLocation, FindingLog};
use super::super::ingest::{FileContent, RawPart};
use super::super::number::named;
use super::super::rows::Rows;
use super::super::{Expectation, Role, Severity};
use super::{Scope, Subject};
use pdm_core::domain::UnitId;

/// The numbers of units and rows are those the data set is known to have.
pub(super) fn unit_counts(subject: &Subject<'_>, log: &mut FindingLog) -> Scope {
    let mut files = 0;
    for part in &subject.raw.parts {
        let Some(expected) = part.expected else {
            continue;
        };
        let (units, rows) = match &part.content {
            FileContent::Histories(rows) => (rows.units() as u64, rows.len() as u64 + rows.dropped),
            FileContent::Rul(rows) => (rows.len() as u64, rows.len() as u64),
            FileContent::Events(_) | FileContent::Joined | FileContent::Unread => continue,
        };
        files += 1;
        let mut note = |message| {
            log.add(
                subject.severity,
                Expectation::UnitCounts,
                FindingLocation::file(&part.file),
                message,
            )
        };
        if units != expected.units {
            note(format!("has {units} units, expected {}", expected.units));
        }
        if let Some(expected) = expected.rows
            && rows != expected
        {
            note(format!("has {rows} rows, expected {expected}"));
        }
    }
    match files {
        0 => Scope::Skipped("no counts are known for this data".to_owned()),
        _ => Scope::Examined(format!("{files} files")),
    }
}

/// There is one true remaining useful life for each test unit.
pub(super) fn rul_rows(subject: &Subject<'_>, log: &mut FindingLog) -> Scope {
    let mut units = None;
    for (part, rul) in subject.raw.rul() {
        let Some(test) = subject.raw.test_of(part) else {
            continue;
        };
        if rul.iter().any(|row| row.unit.is_some()) {
            match_by_name(part, test, rul, log);
        } else if rul.len() != test.units() {
            let message = format!("has {} rows for {} test units", rul.len(), test.units());
            log.error(
                Expectation::RulRows,
                FindingLocation::file(&part.file),
                message,
            );
        }
        units = Some(units.unwrap_or(0) + test.units());
    }
    match units {
        Some(units) => Scope::Examined(format!("{units} test units")),
        None => Scope::Skipped("there is no test part".to_owned()),
    }
}

fn match_by_name(part: &RawPart, test: &Rows, rul: &[RulRow], log: &mut FindingLog) {
    let units: BTreeSet<&UnitId> = test.runs.iter().map(|run| &run.unit).collect();
    let mut listed = BTreeSet::new();
    for (unit, row) in rul.iter().filter_map(|row| Some((row.unit.as_ref()?, row))) {
        let location = FindingLocation::file(&part.file).line(row.line);
        if !units.contains(unit) {
            log.error(
                Expectation::RulRows,
                location,
                format!("unit {} is not in the test part", named(unit)),
            );
        }
        if !listed.insert(unit) {
            log.error(
                Expectation::RulRows,
                location,
                format!("unit {} is listed twice", named(unit)),
            );
        }
    }
    for unit in units.difference(&listed) {
        log.error(
            Expectation::RulRows,
            FindingLocation::file(&part.file),
            format!("test unit {} is missing", named(unit)),
        );
    }
}

/// The largest cycle number, which no life exceeds.
const LONGEST_LIFE: f64 = u32::MAX as f64;

/// A life that exceeds the longest training history by this factor is probably a placeholder.
const TIMES_THE_LONGEST: f64 = 10.0;

/// Returns the last cycle of the longest training history.
fn longest_of_training(subject: &Subject<'_>) -> Option<u32> {
    let training = subject
        .raw
        .histories()
        .filter(|(part, _)| part.role == Role::Train);
    training
        .filter_map(|(_, rows)| rows.cycles.iter().copied().max())
        .max()
}

/// No true remaining useful life is negative or larger than a cycle number can be.
pub(super) fn rul_values(subject: &Subject<'_>, log: &mut FindingLog) -> Scope {
    let mut rows = None;
    let longest = longest_of_training(subject).map(f64::from);
    for (part, rul) in subject.raw.rul() {
        for row in rul {
            let Some(longest) = longest.filter(|longest| row.value > TIMES_THE_LONGEST * longest)
            else {
                continue;
            };
            if row.value > LONGEST_LIFE {
                continue;
            }
            let message = format!(
                "remaining useful life {} is more than ten times the longest training history ({longest} cycles); it may be a \
                placeholder for an unknown life",
                row.value
            );
            let location = FindingLocation::file(&part.file)
                .line(row.line)
                .column("rul");
            log.add(
                subject.severity.max(Severity::Warning),
                Expectation::RulValues,
                location,
                message,
            );
        }
        for row in rul.iter().filter(|row| row.value < 0.0) {
            let message = format!("remaining useful life {} is negative", row.value);
            log.error(
                Expectation::RulValues,
                FindingLocation::file(&part.file)
                    .line(row.line)
                    .column("rul"),
                message,
            );
        }
        for row in rul.iter().filter(|row| row.value > LONGEST_LIFE) {
            let message = format!(
                "remaining useful life {:e} is longer than {LONGEST_LIFE} cycles",
                row.value
            );
            log.error(
                Expectation::RulValues,
                FindingLocation::file(&part.file)
                    .line(row.line)
                    .column("rul"),
                message,
            );
        }
        rows = Some(rows.unwrap_or(0) + rul.len());
    }
    match rows {
        Some(rows) => Scope::Examined(format!("{rows} rows")),
        None => Scope::Skipped("there is no test part".to_owned()),
    }
}
