//! Recognises a file of events, and what its columns and values mean.

use std::collections::HashMap;

use super::columns::{WholeColumn, WholeTable};
use super::keys::{TableKeys, UnitRows};
use super::life::{InferredEnd, InferredEvents, InferredLife, LifeRows, ObservedLife};
use super::words::{NameHint, hints, is_failure, is_replacement};
use crate::data::number::shown;
use crate::data::profile::statistics::known_ascending;

/// Kinds of events that a column may have.
const MOST_KINDS: usize = 50;

/// An events file, and its events in the units of the histories.
pub(super) struct EventTable {
    pub(super) events: InferredEvents,
    /// How clearly it is about failures.
    pub(super) score: i32,
    list: Vec<UnitEvent>,
}

/// An event that ends a life.
#[derive(Debug, Clone, Copy)]
struct UnitEvent {
    unit: usize,
    time: f64,
    is_failure: bool,
}

impl EventTable {
    /// Reads a table as a file of events of these units; `None` if it does not name them or says nothing of failures.
    pub(super) fn of(table: &WholeTable, histories: &WholeTable, keys: &TableKeys) -> Option<Self> {
        let named_time = &histories.columns[keys.time];
        let unit = unit_column(table, histories, keys)?;
        let time = time_column(table, unit, named_time)?;
        let kind = kind_column(table, unit, time);
        let kinds = kind
            .map(|at| distinct(&table.columns[at]))
            .unwrap_or_default();
        let failures: Vec<String> = kinds
            .iter()
            .filter(|kind| is_failure(kind))
            .cloned()
            .collect();
        let replacements: Vec<String> = kinds
            .iter()
            .filter(|kind| !is_failure(kind) && is_replacement(kind))
            .cloned()
            .collect();
        let named_failures = hints(&table.file, NameHint::Failure)
            || table
                .columns
                .iter()
                .any(|column| hints(&column.name, NameHint::Failure));
        if failures.is_empty() && !named_failures {
            return None;
        }
        let kind = kind.filter(|_| !failures.is_empty());
        let mode = mode_column(table, [Some(unit), Some(time), kind]);
        let name = |at: usize| table.columns[at].name.clone();
        let events = InferredEvents {
            file: table.file.clone(),
            unit: name(unit),
            time: name(time),
            kind: kind.map(name),
            why: why(table, kind.map(name), &failures),
            failures,
            replacements,
            mode: mode.map(name),
        };
        let score = 2 * i32::from(!events.failures.is_empty()) + i32::from(named_failures);
        let list = list(table, keys, [unit, time], kind, &events);
        Some(Self {
            events,
            score,
            list,
        })
    }

    /// Describes lives that end at these events.
    pub(super) fn life(self, histories: &WholeTable, keys: &TableKeys) -> InferredLife {
        let times = histories.columns[keys.time].ordered().unwrap_or_default();
        let mut found = DividedLives::default();
        let mut failed = 0;
        for (unit, rows) in keys.units.rows.iter().enumerate() {
            let of_unit: Vec<UnitEvent> = self
                .list
                .iter()
                .copied()
                .filter(|event| event.unit == unit)
                .collect();
            failed += usize::from(of_unit.iter().any(|event| event.is_failure));
            found.divide(unit, rows, times, of_unit);
        }
        let units = keys.units.names.len();
        let failures = self.list.iter().filter(|event| event.is_failure).count();
        InferredLife {
            end: InferredEnd::Events,
            column: None,
            why: if failed < units {
                format!("{failures} failures of {failed} of {units} units; the others are running")
            } else {
                format!("{failures} failures; each of the {units} units has one")
            },
            events: Some(self.events),
            lives: found.lives,
            pieces: found.pieces,
        }
    }
}

/// The lives of all units, divided at events.
#[derive(Default)]
struct DividedLives {
    lives: Vec<ObservedLife>,
    pieces: Vec<LifeRows>,
}

impl DividedLives {
    fn divide(&mut self, unit: usize, rows: &[usize], times: &[f64], mut events: Vec<UnitEvent>) {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return;
        };
        let (mut since, until) = (times[*first], times[*last]);
        events.sort_by(|a, b| a.time.total_cmp(&b.time));
        let mut begin = 0;
        for event in events {
            if event.time <= since {
                continue;
            }
            let end = rows.partition_point(|row| times[*row] <= event.time);
            self.lives.push(ObservedLife {
                length: event.time - since,
                ended: event.is_failure,
            });
            self.pieces.push(LifeRows {
                unit,
                rows: begin..end,
                ended: event.is_failure,
            });
            (since, begin) = (event.time, end);
        }
        if until > since {
            self.lives.push(ObservedLife {
                length: until - since,
                ended: false,
            });
            self.pieces.push(LifeRows {
                unit,
                rows: begin..rows.len(),
                ended: false,
            });
        }
    }
}

fn why(table: &WholeTable, kind: Option<String>, failures: &[String]) -> String {
    match kind {
        Some(kind) => format!(
            "{} rows; `{kind}` says failure by {}",
            table.rows,
            failures.join(", ")
        ),
        None => format!(
            "{} rows, and its name or columns are about failures: every row is one",
            table.rows
        ),
    }
}

/// Returns the column whose values name units of the histories.
fn unit_column(table: &WholeTable, histories: &WholeTable, keys: &TableKeys) -> Option<usize> {
    let name = keys.unit.map(|at| histories.columns[at].name.as_str());
    if let Some(at) = name.and_then(|name| table.position(name)) {
        return Some(at);
    }
    (0..table.columns.len()).find(|at| {
        let names = distinct(&table.columns[*at]);
        !names.is_empty() && names.iter().all(|name| keys.units.names.contains(name))
    })
}

/// Returns the column with times of the same type as those of the histories.
fn time_column(table: &WholeTable, unit: usize, like: &WholeColumn) -> Option<usize> {
    let fits = |at: usize| {
        at != unit
            && table.columns[at].ordered().is_some()
            && table.columns[at].is_time() == like.is_time()
    };
    let named = table.position(&like.name).filter(|at| fits(*at));
    named
        .or_else(|| {
            (0..table.columns.len())
                .find(|at| fits(*at) && hints(&table.columns[*at].name, NameHint::Time))
        })
        .or_else(|| (0..table.columns.len()).find(|at| fits(*at)))
}

/// Returns the column of texts whose values say which kind of event each row is.
fn kind_column(table: &WholeTable, unit: usize, time: usize) -> Option<usize> {
    let may_be = |at: usize| {
        let texts = table.columns[at].texts();
        at != unit && at != time && texts.is_some_and(|texts| texts.names.len() <= MOST_KINDS)
    };
    let says = |at: &usize| {
        distinct(&table.columns[*at])
            .iter()
            .any(|kind| is_failure(kind))
    };
    let columns = || (0..table.columns.len()).filter(|at| may_be(*at));
    columns()
        .find(|at| says(at) && hints(&table.columns[*at].name, NameHint::Kind))
        .or_else(|| columns().find(says))
        .or_else(|| columns().find(|at| hints(&table.columns[*at].name, NameHint::Kind)))
}

fn mode_column(table: &WholeTable, taken: [Option<usize>; 3]) -> Option<usize> {
    (0..table.columns.len()).find(|at| {
        let column = &table.columns[*at];
        !taken.contains(&Some(*at))
            && column.texts().is_some()
            && hints(&column.name, NameHint::Mode)
    })
}

fn distinct(column: &WholeColumn) -> Vec<String> {
    if let Some(texts) = column.texts() {
        return texts.names.clone();
    }
    let mut values = known_ascending(column.numbers().unwrap_or_default());
    values.dedup();
    values.iter().map(f64::to_string).collect()
}

fn list(
    table: &WholeTable,
    keys: &TableKeys,
    [unit, time]: [usize; 2],
    kind: Option<usize>,
    events: &InferredEvents,
) -> Vec<UnitEvent> {
    let times = table.columns[time].ordered().unwrap_or_default();
    let Some(rows) = grouped(&table.columns[unit], table.rows) else {
        return Vec::new();
    };
    let positions: HashMap<&String, usize> = keys.units.names.iter().zip(0..).collect();
    let mut list = Vec::new();
    for (name, rows) in rows.names.iter().zip(&rows.rows) {
        let Some(unit) = positions.get(name).copied() else {
            continue;
        };
        for row in rows {
            let kind = kind.and_then(|at| table.columns[at].texts()?.get(*row));
            let is_failure =
                kind.is_none_or(|kind| events.failures.iter().any(|failure| failure == kind));
            let ends = is_failure
                || kind.is_some_and(|kind| events.replacements.iter().any(|name| name == kind));
            if ends && !times[*row].is_nan() {
                list.push(UnitEvent {
                    unit,
                    time: times[*row],
                    is_failure,
                });
            }
        }
    }
    list
}

/// Groups the rows of events by unit; a unit may have a single event.
fn grouped(column: &WholeColumn, rows: usize) -> Option<UnitRows> {
    let mut units = UnitRows {
        names: Vec::new(),
        rows: Vec::new(),
        is_contiguous: true,
    };
    let mut positions: HashMap<String, usize> = HashMap::new();
    for row in 0..rows {
        let name = match (column.texts(), column.numbers()) {
            (Some(texts), _) => texts.get(row).unwrap_or_default().to_owned(),
            (None, Some(values)) => values[row].to_string(),
            (None, None) => return None,
        };
        match positions.get(&name) {
            Some(at) => units.rows[*at].push(row),
            None => {
                positions.insert(name.clone(), units.names.len());
                units.names.push(name);
                units.rows.push(vec![row]);
            }
        }
    }
    Some(units)
}

/// Says why a file is not used.
pub(super) fn unused(table: &WholeTable) -> String {
    let names: Vec<_> = table
        .columns
        .iter()
        .take(6)
        .map(|column| shown(&column.name))
        .collect();
    format!(
        "{} is not used: {} rows with the columns {}",
        shown(&table.file),
        table.rows,
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::infer::{keys, text};

    fn table(file: &str, csv: &str) -> WholeTable {
        text::read(csv.as_bytes(), None, file).unwrap()
    }

    fn histories() -> WholeTable {
        let mut csv = "machine,time,s\n".to_owned();
        for machine in ["P-1", "P-2", "P-3"] {
            for hour in 0..10 {
                csv.push_str(&format!("{machine},2026-01-01 {hour:02}:00,{}\n", hour % 3));
            }
        }
        table("telemetry.csv", &csv)
    }

    #[test]
    fn an_events_file_is_read_with_kinds_and_modes() {
        let histories = histories();
        let keys = keys::find(&histories).unwrap();
        let csv = "date,asset,event,component\n2026-01-01 04:00,P-1,failure,seal\n2026-01-01 06:00,P-2,replaced,seal\n\
            2026-01-01 07:00,P-2,inspection,\n";
        let found = EventTable::of(&table("log.csv", csv), &histories, &keys).unwrap();
        let events = found.events.clone();
        assert_eq!(
            (events.unit.as_str(), events.time.as_str()),
            ("asset", "date")
        );
        assert_eq!(
            (events.kind.as_deref(), events.mode.as_deref()),
            (Some("event"), Some("component"))
        );
        assert_eq!(
            (events.failures, events.replacements),
            (vec!["failure".to_owned()], vec!["replaced".to_owned()])
        );
        let life = found.life(&histories, &keys);
        let lives: Vec<_> = life
            .lives
            .iter()
            .map(|life| (life.length / 3600.0, life.ended))
            .collect();
        assert_eq!(
            lives,
            [
                (4.0, true),
                (5.0, false),
                (6.0, false),
                (3.0, false),
                (9.0, false)
            ]
        );
    }

    #[test]
    fn a_file_of_failures_needs_no_kind() {
        let histories = histories();
        let keys = keys::find(&histories).unwrap();
        let csv = "time,machine,failure\n2026-01-01 04:00,P-1,comp1\n2026-01-01 09:00,P-3,comp2\n";
        let found = EventTable::of(&table("failures.csv", csv), &histories, &keys).unwrap();
        assert_eq!(
            (found.events.kind.as_deref(), found.events.mode.as_deref()),
            (None, Some("failure"))
        );
        assert_eq!(
            found
                .life(&histories, &keys)
                .lives
                .iter()
                .filter(|life| life.ended)
                .count(),
            2
        );
        let csv = "time,machine,errorID\n2026-01-01 04:00,P-1,e1\n";
        assert!(EventTable::of(&table("errors.csv", csv), &histories, &keys).is_none());
    }
}
