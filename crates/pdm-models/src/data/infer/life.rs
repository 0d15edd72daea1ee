//! Finds where the lives of units end: a column, an events file, or the last row.

use std::ops::Range;

use serde::Serialize;

use super::columns::WholeTable;
use super::keys::TableKeys;
use super::words::{NameHint, hints};

/// Where lives end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InferredEnd {
    /// At the last row of each unit.
    LastRow,
    /// At rows where a column is not 0.
    Column,
    /// At the events of a file.
    Events,
}

/// How the end of a life is known, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InferredLife {
    /// Where lives end.
    pub end: InferredEnd,
    /// The column that marks the last row of a life.
    pub column: Option<String>,
    /// The events file.
    pub events: Option<InferredEvents>,
    /// Why.
    pub why: String,
    /// The length of each life, and whether it ended by failure.
    #[serde(skip)]
    pub(in crate::data) lives: Vec<ObservedLife>,
    /// The rows of each life.
    #[serde(skip)]
    pub(in crate::data) pieces: Vec<LifeRows>,
}

/// The rows of one life.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::data) struct LifeRows {
    /// Position of the unit.
    pub(in crate::data) unit: usize,
    /// Positions among the rows of the unit.
    pub(in crate::data) rows: Range<usize>,
    /// Whether it ended by failure.
    pub(in crate::data) ended: bool,
}

/// The columns and values of an events file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InferredEvents {
    /// The file, as the draft names it.
    pub file: String,
    /// Column that names the unit.
    pub unit: String,
    /// Column with the time of the event.
    pub time: String,
    /// Column with the kind of event; absent if every event is a failure.
    pub kind: Option<String>,
    /// Kinds that end a life by failure.
    pub failures: Vec<String>,
    /// Kinds that end a life without failure.
    pub replacements: Vec<String>,
    /// Column that says what failed.
    pub mode: Option<String>,
    /// Why this is the events file.
    pub why: String,
}

/// One life, as far as it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ObservedLife {
    /// Its length, in what the time column counts: rows, seconds, or the number's unit.
    pub length: f64,
    /// Whether it ended by failure; otherwise the unit was still running or was replaced.
    pub ended: bool,
}

/// Columns that give the end of lives away.
pub(super) struct LabelColumns {
    /// For each column why it is a label.
    pub(super) why: Vec<Option<String>>,
    /// The column that is 1 only at last rows.
    pub(super) end: Option<usize>,
    /// Whether each unit's last row is a failure by that column.
    ended: Vec<bool>,
    /// Whether the mark also occurs within histories, so that a unit has several lives.
    several: bool,
}

impl LabelColumns {
    /// Finds the columns that are labels by structure or name.
    pub(super) fn of(table: &WholeTable, keys: &TableKeys) -> Self {
        let mut labels = Self {
            why: vec![None; table.columns.len()],
            end: None,
            ended: vec![true; keys.units.names.len()],
            several: false,
        };
        for at in 0..table.columns.len() {
            if Some(at) != keys.unit && at != keys.time {
                labels.judge(table, keys, at);
            }
        }
        labels
    }

    fn judge(&mut self, table: &WholeTable, keys: &TableKeys, at: usize) {
        let column = &table.columns[at];
        let named = hints(&column.name, NameHint::Label);
        let Some(values) = column.numbers() else {
            if named {
                self.why[at] = Some("is called like a label, and holds no numbers".to_owned());
            }
            return;
        };
        if let Some(ends) = EndMarks::of(keys, values)
            && (!ends.within || hints(&column.name, NameHint::Failure))
        {
            self.why[at] = Some(
                "is 1 where a life ends and 0 elsewhere: it would give the failure away".to_owned(),
            );
            if self.end.is_none() {
                (self.end, self.ended, self.several) = (Some(at), ends.at_last_row, ends.within);
            }
            return;
        }
        if counts_down(table, keys, values) {
            self.why[at] = Some("falls in step with time: it is the remaining life".to_owned());
        } else if named {
            self.why[at] =
                Some("is called like a label: it would give the remaining life away".to_owned());
        }
    }

    /// Describes the end of lives, from the column found or the last rows.
    pub(super) fn life(&self, table: &WholeTable, keys: &TableKeys) -> InferredLife {
        let times = table.columns[keys.time].ordered().unwrap_or_default();
        let marks = self.end.and_then(|at| table.columns[at].numbers());
        let pieces = self.pieces(keys, marks);
        let units = keys.units.names.len();
        let (end, why) = match self.end {
            Some(_) => (
                InferredEnd::Column,
                self.described_marks(units, &pieces),
            ),
            None => (
                InferredEnd::LastRow,
                "no column and no file says where lives end, so the last row of every unit counts as its failure".to_owned(),
            ),
        };
        InferredLife {
            end,
            column: self.end.map(|at| table.columns[at].name.clone()),
            events: None,
            why,
            lives: pieces
                .iter()
                .map(|piece| piece.observed(keys, times))
                .collect(),
            pieces,
        }
    }

    fn described_marks(&self, units: usize, pieces: &[LifeRows]) -> String {
        let last = self.ended.iter().filter(|ended| **ended).count();
        let failed = pieces.iter().filter(|piece| piece.ended).count();
        if self.several {
            return format!(
                "is 1 at {failed} rows of {units} units, also within histories: a new life begins after each"
            );
        }
        let others = if last < units {
            "; the others are running"
        } else {
            ""
        };
        format!("is 1 at the last row of {last} of {units} units{others}")
    }

    /// Divides the rows of units into lives: a new one begins after a marked row.
    fn pieces(&self, keys: &TableKeys, marks: Option<&[f64]>) -> Vec<LifeRows> {
        let mut pieces = Vec::new();
        for (unit, rows) in keys.units.rows.iter().enumerate() {
            let mut begin = 0;
            for (at, row) in rows.iter().enumerate() {
                let is_marked = marks.is_some_and(|marks| marks[*row] != 0.0);
                let is_last = at + 1 == rows.len();
                if is_marked || is_last {
                    let ended = is_marked || self.ended[unit];
                    pieces.push(LifeRows {
                        unit,
                        rows: begin..at + 1,
                        ended,
                    });
                    begin = at + 1;
                }
            }
        }
        pieces
    }
}

impl LifeRows {
    /// Returns the time from its first to its last row.
    fn observed(&self, keys: &TableKeys, times: &[f64]) -> ObservedLife {
        let rows = &keys.units.rows[self.unit][self.rows.clone()];
        let ends = rows.first().zip(rows.last());
        ObservedLife {
            length: ends.map_or(0.0, |(first, last)| times[*last] - times[*first]),
            ended: self.ended,
        }
    }
}

/// A column of 0 and 1 that is 1 only where a life can end.
struct EndMarks {
    /// For each unit whether its last row is marked.
    at_last_row: Vec<bool>,
    /// Whether rows other than last ones are marked too, each followed by an unmarked one.
    within: bool,
}

impl EndMarks {
    fn of(keys: &TableKeys, values: &[f64]) -> Option<Self> {
        let is_flag = |value: &f64| *value == 0.0 || *value == 1.0;
        if !values.iter().all(is_flag) || !values.contains(&1.0) || !values.contains(&0.0) {
            return None;
        }
        let mut marks = Self {
            at_last_row: Vec::new(),
            within: false,
        };
        for rows in &keys.units.rows {
            let pairs = rows
                .windows(2)
                .map(|pair| (values[pair[0]] == 1.0, values[pair[1]] == 1.0));
            for (marked, next) in pairs {
                if marked && next {
                    return None;
                }
                marks.within |= marked;
            }
            marks
                .at_last_row
                .push(rows.last().is_some_and(|row| values[*row] == 1.0));
        }
        Some(marks)
    }
}

/// Returns whether a column and the time have a constant sum in each unit, as a remaining life has.
fn counts_down(table: &WholeTable, keys: &TableKeys, values: &[f64]) -> bool {
    let Some(times) = table.columns[keys.time].ordered() else {
        return false;
    };
    let mut ratio = None;
    for rows in &keys.units.rows {
        for pair in rows.windows(2) {
            let slope = (values[pair[1]] - values[pair[0]]) / (times[pair[1]] - times[pair[0]]);
            let first = *ratio.get_or_insert(slope);
            if slope.is_nan() || slope >= 0.0 || (slope / first - 1.0).abs() > 1e-6 {
                return false;
            }
        }
    }
    ratio.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::infer::{keys, text};

    fn labels(name: &str, row: impl Fn(u32, u32) -> String) -> (LabelColumns, InferredLife) {
        let mut csv = format!("unit,cycle,temp,{name}\n");
        for unit in 1..=3 {
            for cycle in 1..=6 {
                csv.push_str(&format!(
                    "{unit},{cycle},{},{}\n",
                    cycle % 2,
                    row(unit, cycle)
                ));
            }
        }
        let table = text::read(csv.as_bytes(), None, "a.csv").unwrap();
        let keys = keys::find(&table).unwrap();
        let labels = LabelColumns::of(&table, &keys);
        let life = labels.life(&table, &keys);
        (labels, life)
    }

    #[test]
    fn a_mark_at_last_rows_ends_lives() {
        let (found, life) = labels("x", |unit, cycle| {
            u32::from(cycle == 6 && unit != 2).to_string()
        });
        assert_eq!(
            (found.end, life.end, life.column.as_deref()),
            (Some(3), InferredEnd::Column, Some("x"))
        );
        let ended: Vec<_> = life
            .lives
            .iter()
            .map(|life| (life.length, life.ended))
            .collect();
        assert_eq!(ended, [(5.0, true), (5.0, false), (5.0, true)]);
    }

    #[test]
    fn a_remaining_life_is_a_label_whatever_its_name() {
        let (found, life) = labels("x", |_, cycle| (6 - cycle).to_string());
        assert!(found.why[3].as_deref().unwrap().contains("remaining life"));
        assert_eq!(life.end, InferredEnd::LastRow);
        assert!(life.lives.iter().all(|life| life.ended));
    }

    #[test]
    fn a_failure_within_histories_begins_a_new_life_only_if_its_name_says_so() {
        let mark = |unit, cycle| u32::from(cycle == 3 && unit != 2).to_string();
        assert_eq!(labels("x", mark).0.end, None);
        let (found, life) = labels("Failure", mark);
        assert_eq!((found.end, life.end), (Some(3), InferredEnd::Column));
        let ended: Vec<_> = life.lives.iter().map(|life| life.ended).collect();
        assert_eq!(ended, [true, false, false, true, false]);
        assert!(
            life.why.starts_with("is 1 at 2 rows of 3 units"),
            "{}",
            life.why
        );
    }

    #[test]
    fn an_alarm_that_stays_is_no_end() {
        let (found, _) = labels("x", |_, cycle| u32::from(cycle > 4).to_string());
        assert_eq!((found.end, &found.why[3]), (None, &None));
    }
}
