//! Finds units that are copies of another unit, and test units that are parts of a training unit.
//!
//! Rows are compared by the ranks of their values, so that neither the scale of a sensor nor its operating regime matters.
//! [`Fleet`] ranks the most distinctive sensors, `candidates` finds pairs of units that may share rows by sorting the rows of
//! the whole data set a few times, and `alignment` judges each pair: a copy agrees far better than successive rows of a unit
//! do, and more often than chance explains in a data set of this size.

mod alignment;
mod candidates;
mod channel;
mod fleet;
mod names;

use std::collections::BTreeSet;

use rayon::prelude::*;

use self::alignment::Alignment;
use self::candidates::{Candidates, SharedRow};
use self::fleet::{Fleet, FleetUnit};
use super::super::findings::{FindingLocation, FindingLog};
use super::super::number::named;
use super::super::{Expectation, Role, Severity};
use super::{Scope, Subject};

/// Share of shared rows from which a unit counts as a copy.
const COPY_SHARE: f64 = 0.5;
/// Minimum number of shared rows for a warning.
const FEWEST_ROWS: usize = 5;

/// No unit has the rows of another one.
pub(super) fn copied_units(subject: &Subject<'_>, log: &mut FindingLog) -> Scope {
    let has_unread = [Expectation::Types, Expectation::Finite]
        .into_iter()
        .any(|expectation| log.worst(expectation) == Some(Severity::Error));
    if has_unread {
        return Scope::Skipped("some cells could not be read".to_owned());
    }
    names::note(subject, log);
    let fleet = Fleet::of(subject.raw);
    let copies = copies(&fleet);
    for copy in &copies {
        note(subject, &fleet, copy, log);
    }
    note_equal(subject, &fleet, &copies, log);
    subject.scope_of_units()
}

/// A unit and the unit that it is probably a copy of.
struct Copy {
    unit: usize,
    of: usize,
    alignment: Alignment,
}

/// Returns for every copied unit the best original, in file order.
fn copies(fleet: &Fleet<'_>) -> Vec<Copy> {
    let Candidates { pairs, rows } = candidates::candidates(fleet);
    let mut judged: Vec<Copy> = pairs
        .into_par_iter()
        .map(|pair| {
            let (unit, of) = fleet.in_order(pair.a, pair.b);
            Copy {
                unit,
                of,
                alignment: alignment::judge(fleet, pair),
            }
        })
        .collect();
    judged.extend(copies_in_any_order(fleet, rows));
    let certain = fleet.certain();
    judged.retain(|Copy { alignment, .. }| {
        let shares_rows = alignment.matched >= FEWEST_ROWS || alignment.share() >= COPY_SHARE;
        alignment.evidence > certain && shares_rows
    });
    judged.sort_by_key(|copy| {
        (
            copy.unit,
            std::cmp::Reverse(copy.alignment.matched),
            copy.of,
        )
    });
    judged.dedup_by_key(|copy| copy.unit);
    judged
}

/// Judges units that share rows in a different order.
fn copies_in_any_order(fleet: &Fleet<'_>, mut rows: Vec<SharedRow>) -> Vec<Copy> {
    rows.sort_by(|a, b| {
        (a.unit, a.of, a.row)
            .cmp(&(b.unit, b.of, b.row))
            .then(b.evidence.total_cmp(&a.evidence))
    });
    rows.dedup_by_key(|row| (row.unit, row.of, row.row));
    let of_pair = rows.chunk_by(|a, b| (a.unit, a.of) == (b.unit, b.of));
    let judge = |shared: &[SharedRow]| {
        let alignment = alignment::judge_rows(fleet, shared)?;
        Some(Copy {
            unit: shared[0].unit,
            of: shared[0].of,
            alignment,
        })
    };
    of_pair.filter_map(judge).collect()
}

fn note(subject: &Subject<'_>, fleet: &Fleet<'_>, copy: &Copy, log: &mut FindingLog) {
    let unit = &fleet.members[copy.unit];
    let of = &fleet.members[copy.of];
    let Alignment {
        matched,
        rows,
        exact,
        ..
    } = copy.alignment;
    let is_copy = copy.alignment.share() >= COPY_SHARE;
    let is_leak = is_copy && of.part.role == Role::Train;
    let severity = if is_leak {
        subject.severity
    } else {
        subject.severity.max(Severity::Warning)
    };
    let values = if exact {
        "the values"
    } else {
        "almost the values"
    };
    let whose = format!(
        "unit {} at line {} of {}",
        named(&of.run.unit),
        of.line(),
        of.file()
    );
    let verdict = match (is_copy, of.part.role) {
        (false, _) => "which may be a leak",
        (true, Role::Train) if unit.part.role == Role::Test => {
            "so a model would be scored on data it learnt from"
        }
        (true, Role::Train) => {
            "so one of the two would be scored by a model that learnt from the other"
        }
        (true, Role::Test | Role::Rul | Role::Events) => "so the same history is scored twice",
    };
    let message = format!(
        "unit {} has {values} of {whose}: {matched} of its {rows} rows agree, {verdict}",
        named(&unit.run.unit)
    );
    log.add(
        severity,
        Expectation::CopiedUnits,
        location(unit, subject),
        message,
    );
}

/// Warns of histories that are equal in every value, but have too few distinct values to prove a copy.
fn note_equal(subject: &Subject<'_>, fleet: &Fleet<'_>, copies: &[Copy], log: &mut FindingLog) {
    let reported: BTreeSet<usize> = copies.iter().map(|copy| copy.unit).collect();
    for (unit, of) in fleet.equal_histories() {
        if reported.contains(&unit) {
            continue;
        }
        let unit = &fleet.members[unit];
        let of = &fleet.members[of];
        let whose = format!(
            "unit {} at line {} of {}",
            named(&of.run.unit),
            of.line(),
            of.file()
        );
        let message = format!(
            "unit {} has the same values as {whose} in all of its rows",
            named(&unit.run.unit)
        );
        let severity = subject.severity.max(Severity::Warning);
        log.add(
            severity,
            Expectation::CopiedUnits,
            location(unit, subject),
            message,
        );
    }
}

fn location<'a>(unit: &'a FleetUnit<'a>, subject: &Subject<'a>) -> FindingLocation<'a> {
    FindingLocation::file(unit.file())
        .line(unit.line())
        .column(&subject.raw.schema.unit)
}
