//! Names of units that stand in the training part and in the test part.

use std::collections::BTreeMap;

use super::super::super::findings::{FindingLocation, FindingLog};
use super::super::super::ingest::RawPart;
use super::super::super::number::named;
use super::super::super::rows::{RowRun, Rows};
use super::super::super::{Expectation, Role, Severity};
use super::super::Subject;
use pdm_core::domain::UnitId;

/// Notes units whose history goes on in the other part, and names that both parts have.
///
/// Where both parts number their units from 1, as C-MAPSS does, equal numbers are different machines. Where the counter of the
/// training unit goes on after that of the test unit they are one machine, whatever it is called.
pub(super) fn note(subject: &Subject<'_>, log: &mut FindingLog) {
    if subject.raw.numbered {
        return;
    }
    let mut training: BTreeMap<(&UnitId, Option<&str>), (&RawPart, &Rows, &RowRun)> =
        BTreeMap::new();
    for (part, rows) in subject
        .raw
        .histories()
        .filter(|(part, _)| part.role == Role::Train)
    {
        for run in &rows.runs {
            training
                .entry((&run.unit, part.group.as_deref()))
                .or_insert((part, rows, run));
        }
    }
    for (part, rows) in subject
        .raw
        .histories()
        .filter(|(part, _)| part.role == Role::Test)
    {
        for run in &rows.runs {
            let Some((other_part, other_rows, other)) =
                training.get(&(&run.unit, part.group.as_deref()))
            else {
                continue;
            };
            let whose = format!(
                "line {} of {}",
                other_rows.line(other.rows.start),
                other_part.file
            );
            let place = FindingLocation::file(&part.file)
                .line(rows.line(run.rows.start))
                .column(&subject.raw.schema.unit);
            let (ends, begins) = (
                rows.cycles[run.rows.end - 1],
                other_rows.cycles[other.rows.start],
            );
            if begins > ends {
                let message = format!(
                    "unit {} ends at cycle {ends} and goes on with cycle {begins} at {whose}, so it is in both parts",
                    named(&run.unit)
                );
                log.add(subject.severity, Expectation::CopiedUnits, place, message);
            } else if run.unit.number().is_none() {
                let message = format!(
                    "unit {} has the name of the unit at {whose}; if both are one machine, a model is judged on what it learnt from",
                    named(&run.unit)
                );
                log.add(
                    subject.severity.max(Severity::Warning),
                    Expectation::CopiedUnits,
                    place,
                    message,
                );
            }
        }
    }
}
