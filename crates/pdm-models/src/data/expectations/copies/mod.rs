//! No unit is another unit's history under a second name, and no test unit is a piece of a training unit.
//!
//! Rows are compared by the ranks of their values, so that neither the scale of a sensor nor its operating regime matters.
//! [`Fleet`] ranks the sensors that tell most, `candidates` finds pairs of units that may share rows by sorting the rows of
//! the whole data set a few times, and `alignment` judges each pair: a copy agrees far better than two successive rows of one
//! unit do, and oftener than chance explains anywhere in a data set of this size.

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

/// From which share of its rows a unit counts as a copy of another one.
const MOST: f64 = 0.5;
/// Fewest rows that are worth a warning.
const FEWEST_ROWS: usize = 5;

/// No unit has the rows of another one.
pub(super) fn copied_units(subject: &Subject<'_>, log: &mut FindingLog) -> Scope {
    let unread = log.total(Expectation::Types) + log.total(Expectation::Finite);
    if unread > 0 {
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

/// A unit and the other one that most of its rows agree with.
struct Copy {
    unit: usize,
    of: usize,
    alignment: Alignment,
}

/// Returns for every unit the best of the other units whose rows it has, in file order.
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
        let shares_rows = alignment.matched >= FEWEST_ROWS || alignment.share() >= MOST;
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

/// Judges units that share rows, but not one after the other.
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
    let (unit, of) = (&fleet.members[copy.unit], &fleet.members[copy.of]);
    let Alignment {
        matched,
        rows,
        exact,
        ..
    } = copy.alignment;
    let is_copy = copy.alignment.share() >= MOST;
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
        of.part.file
    );
    let verdict = match (is_copy, of.part.role) {
        (false, _) => "which may be a leak",
        (true, Role::Train) if unit.part.role == Role::Test => {
            "so a model would be judged on what it learnt from"
        }
        (true, Role::Train) => {
            "so one of the two would be judged by a model that learnt from the other"
        }
        (true, Role::Test | Role::Rul) => "so the same history is judged twice",
    };
    let message = format!(
        "unit {} has {values} of {whose}: {matched} of its {rows} rows agree, {verdict}",
        named(&unit.run.unit)
    );
    log.add(
        severity,
        Expectation::CopiedUnits,
        place(unit, subject),
        message,
    );
}

/// Warns of whole histories that are equal in every value, where too few values differ between units to call that a copy.
fn note_equal(subject: &Subject<'_>, fleet: &Fleet<'_>, copies: &[Copy], log: &mut FindingLog) {
    let told: BTreeSet<usize> = copies.iter().map(|copy| copy.unit).collect();
    for (unit, of) in fleet.equal_histories() {
        if told.contains(&unit) {
            continue;
        }
        let (unit, of) = (&fleet.members[unit], &fleet.members[of]);
        let whose = format!(
            "unit {} at line {} of {}",
            named(&of.run.unit),
            of.line(),
            of.part.file
        );
        let message = format!(
            "unit {} has the same values as {whose} in all of its rows",
            named(&unit.run.unit)
        );
        let severity = subject.severity.max(Severity::Warning);
        log.add(
            severity,
            Expectation::CopiedUnits,
            place(unit, subject),
            message,
        );
    }
}

fn place<'a>(unit: &FleetUnit<'a>, subject: &Subject<'a>) -> FindingLocation<'a> {
    FindingLocation::file(&unit.part.file)
        .line(unit.line())
        .column(&subject.raw.schema.unit)
}
