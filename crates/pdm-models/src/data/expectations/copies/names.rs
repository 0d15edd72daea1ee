//! Names of units that are in both the training part and the test part.

use std::collections::BTreeMap;

use super::super::super::findings::{FindingLocation, FindingLog};
use super::super::super::ingest::RawPart;
use super::super::super::number::named;
use super::super::super::rows::{RowRun, Rows};
use super::super::super::{Expectation, Role, Severity};
use super::super::Subject;
use pdm_core::domain::UnitId;

/// Logs units whose history continues in the other part, and names that both parts have.
///
/// If both parts number their units from 1, as in C-MAPSS, equal numbers are different machines. If the cycles of the training
/// unit continue those of the test unit, they are the same machine, whatever its name.
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
            let location = FindingLocation::file(&part.file)
                .line(rows.line(run.rows.start))
                .column(&subject.raw.schema.unit);
            let ends = rows.cycles[run.rows.end - 1];
            let begins = other_rows.cycles[other.rows.start];
            if begins > ends {
                let message = format!(
                    "unit {} ends at cycle {ends} and continues with cycle {begins} at {whose}, so it is in both parts",
                    named(&run.unit)
                );
                log.add(
                    subject.severity,
                    Expectation::CopiedUnits,
                    location,
                    message,
                );
            } else if run.unit.number().is_none() {
                let message = format!(
                    "unit {} has the same name as the unit at {whose}; if both are the same machine, a model is scored on data it learnt from",
                    named(&run.unit)
                );
                log.add(
                    subject.severity.max(Severity::Warning),
                    Expectation::CopiedUnits,
                    location,
                    message,
                );
            }
        }
    }
}
