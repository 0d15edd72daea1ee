//! The order of units and cycles.

use std::collections::{BTreeMap, BTreeSet};

use super::super::findings::{FindingLocation, FindingLog};
use super::super::ingest::RawPart;
use super::super::number::named;
use super::super::rows::{RowRun, Rows};
use super::super::{Expectation, Severity};
use super::{Scope, Subject};
use pdm_core::domain::UnitId;

/// The cycles of a unit ascend.
pub(super) fn ascending_cycles(subject: &Subject<'_>, log: &mut FindingLog) -> Scope {
    for (part, rows) in subject.raw.histories() {
        ascending(part.file.as_str(), &subject.raw.schema.cycle, rows, log);
    }
    subject.scope_of_rows()
}

/// Logs every row whose cycle is not after that of the previous row.
pub(in super::super) fn ascending(file: &str, column: &str, rows: &Rows, log: &mut FindingLog) {
    for run in &rows.runs {
        for row in run.rows.clone().skip(1) {
            let before = rows.cycles[row - 1];
            let cycle = rows.cycles[row];
            if cycle <= before {
                let message = format!(
                    "unit {} has cycle {cycle} after cycle {before}",
                    named(&run.unit)
                );
                let location = rows.location(file, row).column(column);
                log.error(Expectation::AscendingCycles, location, message);
            }
        }
    }
}

/// The cycles of a unit are 1, 2, 3, ….
///
/// Histories on a grid have contiguous steps, and begin later than 1 after a gap; their gaps are already logged.
pub(super) fn contiguous_cycles(subject: &Subject<'_>, log: &mut FindingLog) -> Scope {
    if subject.raw.preparation.is_some() {
        return subject.scope_of_rows();
    }
    for (part, rows) in subject.raw.histories() {
        let mut begun: BTreeSet<&UnitId> = BTreeSet::new();
        for run in &rows.runs {
            if begun.insert(&run.unit) {
                check_start(subject, part, rows, run, log);
            }
            check_steps(subject, part, rows, run, log);
        }
    }
    subject.scope_of_rows()
}

/// Checks the first run of a unit; units that appear again are another expectation.
fn check_start(
    subject: &Subject<'_>,
    part: &RawPart,
    rows: &Rows,
    run: &RowRun,
    log: &mut FindingLog,
) {
    let first = run.rows.start;
    let line = rows.line(first);
    let cycle = rows.cycles[first];
    let before = if first == 0 { 0 } else { rows.line(first - 1) };
    if cycle != 1 && !explained(rows, line - before, u64::from(cycle)) {
        note(
            subject,
            part,
            line,
            format!(
                "unit {} begins at cycle {cycle} instead of 1",
                named(&run.unit)
            ),
            log,
        );
    }
}

fn check_steps(
    subject: &Subject<'_>,
    part: &RawPart,
    rows: &Rows,
    run: &RowRun,
    log: &mut FindingLog,
) {
    for row in run.rows.clone().skip(1) {
        let before = rows.cycles[row - 1];
        let cycle = rows.cycles[row];
        let lines = rows.line(row) - rows.line(row - 1);
        if cycle > before + 1 && !explained(rows, lines, u64::from(cycle - before)) {
            let message = format!(
                "unit {} goes from cycle {before} to {cycle}",
                named(&run.unit)
            );
            note(subject, part, rows.line(row), message, log);
        }
    }
}

/// Returns whether a gap in cycles is explained by lines that could not be read, which are already logged.
fn explained(rows: &Rows, lines: u64, cycles: u64) -> bool {
    rows.dropped > 0 && lines == cycles
}

fn note(subject: &Subject<'_>, part: &RawPart, line: u64, message: String, log: &mut FindingLog) {
    let location = FindingLocation::file(&part.file)
        .line(line)
        .column(&subject.raw.schema.cycle);
    log.add(
        subject.severity,
        Expectation::ContiguousCycles,
        location,
        message,
    );
}

/// The rows of a unit are consecutive; C-MAPSS units are numbered 1, 2, 3, ….
pub(super) fn contiguous_units(subject: &Subject<'_>, log: &mut FindingLog) -> Scope {
    for (part, rows) in subject.raw.histories() {
        let location = FindingLocation::file(&part.file).column(&subject.raw.schema.unit);
        together(location, rows, log);
        if subject.raw.numbered {
            numbered(location, rows, log);
        }
    }
    subject.scope_of_units()
}

/// Logs every unit that appears again after another one.
pub(in super::super) fn together(location: FindingLocation<'_>, rows: &Rows, log: &mut FindingLog) {
    let mut seen: BTreeMap<&UnitId, u64> = BTreeMap::new();
    for run in &rows.runs {
        let line = rows.line(run.rows.start);
        if let Some(first) = seen.get(&run.unit) {
            let message = format!(
                "unit {} appears again; it first appeared at line {first}",
                named(&run.unit)
            );
            log.add(
                Severity::Error,
                Expectation::ContiguousUnits,
                location.line(line),
                message,
            );
        } else {
            seen.insert(&run.unit, line);
        }
    }
}

fn numbered(location: FindingLocation<'_>, rows: &Rows, log: &mut FindingLog) {
    let mut expected = 1;
    for run in &rows.runs {
        let number = run.unit.number().unwrap_or_default();
        if number > expected {
            let message = format!("unit {number} is found where unit {expected} is expected");
            log.error(
                Expectation::ContiguousUnits,
                location.line(rows.line(run.rows.start)),
                message,
            );
        } else if number == 0 {
            let message = "unit 0; units are numbered from 1";
            log.error(
                Expectation::ContiguousUnits,
                location.line(rows.line(run.rows.start)),
                message,
            );
        }
        expected = expected.max(number + 1);
    }
}
