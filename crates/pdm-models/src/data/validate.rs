//! Validates a data set that was read.

use std::collections::{BTreeMap, BTreeSet};

use super::cmapss::RulRow;
use super::expectations;
use super::findings::FindingLog;
use super::ingest::{FileContent, RawDataset, RawPart};
use super::quality::FileReport;
use super::rows::Rows;
use super::{
    FindingCounts, Groups, LifeEnd, LifeRecord, Machines, QualityReport, Role, TestPart,
    Trajectory, ValidDataset, ValidateOptions,
};
use pdm_core::domain::UnitId;

/// Result of a validation: a report, and a data set if the report has no errors.
#[derive(Debug, Clone)]
pub struct Validation {
    /// The report.
    pub report: QualityReport,
    /// The valid data set.
    pub dataset: Option<ValidDataset>,
}

/// Checks a data set against its expectations.
pub fn validate(mut raw: RawDataset, options: &ValidateOptions) -> Validation {
    let mut log = std::mem::take(&mut raw.log);
    let checks = expectations::check_all(&raw, options, &mut log);
    let report = report(&raw, checks, log);
    let dataset = if report.is_valid() {
        trusted(raw, report.suspicions())
    } else {
        None
    };
    Validation { report, dataset }
}

fn report(raw: &RawDataset, checks: Vec<super::Check>, log: FindingLog) -> QualityReport {
    QualityReport {
        dataset: raw.name.clone(),
        digest: raw.digest,
        files: raw.parts.iter().map(FileReport::of).collect(),
        checks,
        counts: FindingCounts::of(&log),
        findings: log.into_findings(),
        preparation: raw.preparation.clone(),
    }
}

/// Converts a data set without errors to a valid one.
fn trusted(raw: RawDataset, suspicions: Vec<String>) -> Option<ValidDataset> {
    let truths: Vec<_> = raw
        .rul()
        .map(|(part, rows)| (part.group.clone(), rows.to_vec()))
        .collect();
    let mut train = Vec::new();
    let mut test = Vec::new();
    let mut groups = Groups::default();
    for RawPart {
        role,
        group,
        content,
        ..
    } in raw.parts
    {
        let FileContent::Histories(rows) = content else {
            continue;
        };
        if role == Role::Train {
            train.extend(named(rows, group.as_deref(), &mut groups));
        } else if let Some((_, truth)) = truths.iter().find(|(of, _)| *of == group) {
            let truth = in_order(&rows, truth)?;
            test.extend(
                named(rows, group.as_deref(), &mut groups)
                    .into_iter()
                    .zip(truth),
            );
        }
    }
    let mut running = Vec::new();
    let mut machines = Machines::default();
    if !raw.lives.is_empty() {
        (train, running) = by_end(train, &raw.lives, &mut machines);
    }
    train.sort_by(|a, b| a.unit.cmp(&b.unit));
    test.sort_by(|a, b| a.0.unit.cmp(&b.0.unit));
    let (units, rul): (Vec<_>, Vec<_>) = test.into_iter().unzip();
    let test = (!units.is_empty()).then_some(TestPart { units, rul });
    let RawDataset {
        name,
        digest,
        schema,
        ..
    } = raw;
    if train.is_empty() {
        return None;
    }
    Some(ValidDataset {
        name,
        digest,
        schema,
        train,
        running,
        machines,
        test,
        holdout: None,
        groups,
        suspicions,
    })
}

/// Divides histories into those that ended in failure and all others, and records the machine of each.
fn by_end(
    histories: Vec<Trajectory>,
    lives: &BTreeMap<UnitId, LifeRecord>,
    machines: &mut Machines,
) -> (Vec<Trajectory>, Vec<Trajectory>) {
    let mut failed = Vec::new();
    let mut running = Vec::new();
    for mut history in histories {
        let Some(record) = lives.get(&history.unit) else {
            continue;
        };
        history.rest = record.rest;
        machines.admit(&history.unit, &record.machine);
        match record.end {
            LifeEnd::Failed { .. } => failed.push(history),
            LifeEnd::Replaced | LifeEnd::Running => running.push(history),
        }
    }
    (failed, running)
}

/// Returns the histories of a file; units of pooled data sets get the group as a prefix.
fn named(rows: Rows, group: Option<&str>, groups: &mut Groups) -> Vec<Trajectory> {
    let named = |unit: Trajectory| Trajectory {
        unit: groups.admit(&unit.unit, group),
        ..unit
    };
    rows.into_trajectories().into_iter().map(named).collect()
}

/// Returns the truth of each test unit, in ascending order of unit: matched by name if the file has names, else by position.
fn in_order(rows: &Rows, rul: &[RulRow]) -> Option<Vec<f64>> {
    let ranks = rows.runs.iter().map(|run| &run.unit).zip(rul);
    let truth: BTreeMap<&UnitId, f64> = ranks
        .map(|(unit, row)| (row.unit.as_ref().unwrap_or(unit), row.value))
        .collect();
    let units: BTreeSet<&UnitId> = rows.runs.iter().map(|run| &run.unit).collect();
    units
        .into_iter()
        .map(|unit| truth.get(unit).copied())
        .collect()
}
