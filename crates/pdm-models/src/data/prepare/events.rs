//! Failures and replacements of machines, by a file of events.

use std::collections::BTreeMap;

use pdm_core::domain::UnitId;

use super::super::csv::{self, TextRow};
use super::super::findings::{FindingLocation, FindingLog};
use super::super::number::named;
use super::super::rows::composed;
use super::super::time::TimeReader;
use super::super::{Expectation, LifeOptions, Schema, Severity};
use super::lives::{EndPoint, LifeEnd};

/// The ends of lives, by machine.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Events {
    ends: BTreeMap<UnitId, Vec<EndPoint>>,
    file: String,
    /// Line of the first event of each machine.
    lines: BTreeMap<UnitId, u64>,
}

/// The columns of an events file.
struct EventColumns<'a> {
    unit: &'a str,
    time: &'a str,
    kind: Option<&'a str>,
    mode: Option<&'a str>,
}

impl<'a> EventColumns<'a> {
    /// Returns the columns that the options name; `None` without [dataset.time].
    fn of(life: &'a LifeOptions, schema: &'a Schema) -> Option<Self> {
        let time = schema.time.as_ref()?;
        Some(Self {
            unit: life.unit.as_deref().unwrap_or(&schema.unit),
            time: life.time.as_deref().unwrap_or(&time.column),
            kind: life.kind.as_deref(),
            mode: life.mode.as_deref(),
        })
    }

    /// Returns the names: unit, time, then those of kind and mode that are given.
    fn names(&self) -> Vec<&'a str> {
        let optional = self.kind.into_iter().chain(self.mode);
        [self.unit, self.time].into_iter().chain(optional).collect()
    }
}

impl Events {
    /// Reads the events that end a life, and logs what is wrong with their lines.
    pub(in super::super) fn read(
        bytes: &[u8],
        life: &LifeOptions,
        schema: &Schema,
        requested: csv::RequestedCsv,
        file: &str,
        log: &mut FindingLog,
    ) -> Self {
        let mut events = Self {
            file: file.to_owned(),
            ..Self::default()
        };
        let (Some(columns), Some(time)) = (EventColumns::of(life, schema), &schema.time) else {
            return events;
        };
        let Some(rows) = csv::read_texts(bytes, &columns.names(), requested, file, log) else {
            return events;
        };
        let time_reader = TimeReader::of(time);
        for row in &rows {
            events.add(row, &columns, life, &time_reader, log);
        }
        for ends in events.ends.values_mut() {
            ends.sort_by_key(|end| end.at);
        }
        events
    }

    fn add(
        &mut self,
        row: &TextRow,
        columns: &EventColumns<'_>,
        life: &LifeOptions,
        time_reader: &TimeReader,
        log: &mut FindingLog,
    ) {
        let location = FindingLocation::file(&self.file).line(row.line);
        let mut cells = row.cells.iter().map(String::as_str);
        let unit = cells.next().unwrap_or_default();
        let time = cells.next().unwrap_or_default();
        let kind = columns.kind.map(|_| cells.next().unwrap_or_default());
        let mode = columns.mode.map(|_| cells.next().unwrap_or_default());
        let Some(end) = end_of(life, kind, mode) else {
            return;
        };
        if unit.is_empty() {
            let message = format!("column {} is empty", columns.unit);
            log.error(Expectation::Finite, location.column(columns.unit), message);
            return;
        }
        let label = format!("column {}", columns.time);
        match time_reader.read(time, &label) {
            Ok(time) => {
                let unit = UnitId::new(&*composed(unit));
                self.lines.entry(unit.clone()).or_insert(row.line);
                let ends = self.ends.entry(unit).or_default();
                ends.push(EndPoint { at: time.at, end });
            }
            Err(bad) => log.error(bad.expectation, location.column(columns.time), bad.message),
        }
    }

    /// Returns the ends of the lives of a machine, in the order of time.
    pub(super) fn of(&self, machine: &UnitId) -> &[EndPoint] {
        self.ends
            .get(machine)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// Logs the machines that have events and no rows.
    pub(super) fn log_unknown<T>(&self, machines: &BTreeMap<UnitId, T>, log: &mut FindingLog) {
        for (machine, line) in &self.lines {
            if machines.contains_key(machine) {
                continue;
            }
            let message = format!("unit {} has events, but no rows", named(machine));
            let location = FindingLocation::file(&self.file).line(*line);
            log.add(
                Severity::Warning,
                Expectation::UnitCounts,
                location,
                message,
            );
        }
    }
}

/// Returns how an event ends a life; `None` if it does not.
fn end_of(life: &LifeOptions, kind: Option<&str>, mode: Option<&str>) -> Option<LifeEnd> {
    if let Some(kind) = kind {
        let is_one_of = |kinds: &[String]| kinds.iter().any(|known| known == kind);
        if is_one_of(&life.replacements) {
            return Some(LifeEnd::Replaced);
        }
        if !is_one_of(&life.failures) {
            return None;
        }
    }
    let counts = match mode {
        Some(mode) => life.modes.is_empty() || life.modes.iter().any(|known| known == mode),
        None => true,
    };
    if !counts {
        return Some(LifeEnd::Replaced);
    }
    let mode = mode.filter(|mode| !mode.is_empty()).map(str::to_owned);
    Some(LifeEnd::Failed { mode })
}
