//! Declared ranges, minimum history and constant sensors.

use super::super::findings::{FindingLocation, FindingLog};
use super::super::ingest::RawPart;
use super::super::number::named;
use super::super::rows::Rows;
use super::super::{Expectation, Role, Severity};
use super::{Scope, Subject};

/// Values are within the declared ranges.
pub(super) fn ranges(subject: &Subject<'_>, log: &mut FindingLog) -> Scope {
    let ranges = &subject.options.ranges;
    if ranges.is_empty() {
        return Scope::Skipped("no range is declared".to_owned());
    }
    for (column, range) in ranges {
        let Some(channel) = subject.raw.schema.channel(column) else {
            let message =
                format!("a range is declared for `{column}`, but the data has no such column");
            log.error(
                Expectation::Ranges,
                FindingLocation::default().column(column),
                message,
            );
            continue;
        };
        for (part, rows) in subject.raw.histories() {
            check_range(subject.severity, part, rows, (column, channel), *range, log);
        }
    }
    Scope::Examined(format!("{} columns", ranges.len()))
}

fn check_range(
    severity: Severity,
    part: &RawPart,
    rows: &Rows,
    (column, channel): (&str, usize),
    [lowest, highest]: [f64; 2],
    log: &mut FindingLog,
) {
    for (row, value) in rows.channels[channel].iter().enumerate() {
        if *value < lowest || *value > highest {
            let message = format!("{column} is {value}, outside {lowest} to {highest}");
            let location = rows.location(&part.file, row).column(column);
            log.add(severity, Expectation::Ranges, location, message);
        }
    }
}

/// Every unit has a minimum of history.
pub(super) fn minimum_history(subject: &Subject<'_>, log: &mut FindingLog) -> Scope {
    let minimum = subject.options.minimum_cycles as usize;
    for (part, rows) in subject.raw.histories() {
        for run in rows.runs.iter().filter(|run| run.rows.len() < minimum) {
            let message = format!(
                "unit {} has {} cycles, fewer than {minimum}",
                named(&run.unit),
                run.rows.len()
            );
            let location = rows.location(&part.file, run.rows.start);
            log.add(
                subject.severity,
                Expectation::MinimumHistory,
                location,
                message,
            );
        }
    }
    subject.scope_of_units()
}

/// Every sensor varies.
pub(super) fn constant_sensors(subject: &Subject<'_>, log: &mut FindingLog) -> Scope {
    let schema = &subject.raw.schema;
    let mut training = subject
        .raw
        .histories()
        .filter(|(part, rows)| part.role == Role::Train && rows.len() > 1)
        .peekable();
    if training.peek().is_none() {
        return Scope::Skipped("there is no training history".to_owned());
    }
    for (part, rows) in training {
        let sensors = schema
            .sensors
            .iter()
            .zip(&rows.channels[schema.settings.len()..]);
        let constant: Vec<_> = sensors
            .filter(|(_, values)| is_constant(values))
            .map(|(name, _)| name.as_str())
            .collect();
        if !constant.is_empty() {
            let count = constant.len();
            let all = schema.sensors.len();
            let names = constant.join(", ");
            let message =
                format!("{count} of {all} sensors are constant and carry no information: {names}");
            log.add(
                subject.severity,
                Expectation::ConstantSensors,
                FindingLocation::file(&part.file),
                message,
            );
        }
    }
    Scope::Examined(format!("{} sensors", schema.sensors.len()))
}

pub(super) fn is_constant(values: &[f64]) -> bool {
    values.iter().all(|value| *value == values[0])
}
