//! The rows of each machine in the order of time.

use std::collections::BTreeMap;

use pdm_core::domain::UnitId;

use super::super::rows::Rows;

/// A row of a machine and its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimedRow {
    pub(super) at: i64,
    pub(super) row: usize,
}

/// The rows of a machine in the order of time, without repetitions.
#[derive(Debug, Default)]
pub(super) struct OrderedRows {
    pub(super) rows: Vec<TimedRow>,
    /// Rows that came after a later one.
    pub(super) disordered: Vec<usize>,
    /// Rows with the time and values of another one, which are left out.
    pub(super) repeated: Vec<usize>,
    /// Rows with the time of a later row and other values, which are left out.
    pub(super) contradicted: Vec<usize>,
    /// Rows in an hour that clocks repeat.
    pub(super) ambiguous: Vec<usize>,
    /// Rows in an hour that clocks skip.
    pub(super) skipped: Vec<usize>,
}

/// Returns the rows of each machine, in the order of the file.
pub(super) fn machines(rows: &Rows) -> BTreeMap<UnitId, Vec<usize>> {
    let mut machines: BTreeMap<UnitId, Vec<usize>> = BTreeMap::new();
    for run in &rows.runs {
        let of_machine = machines.entry(run.unit.clone()).or_default();
        of_machine.extend(run.rows.clone());
    }
    machines
}

/// Sorts the rows of a machine. Of several rows with the same time the last of the file is kept.
pub(super) fn ordered(rows: &Rows, of_machine: &[usize]) -> OrderedRows {
    let mut ordered = OrderedRows::default();
    let mut latest = i64::MIN;
    for &row in of_machine {
        let time = rows.times[row];
        if time.is_skipped {
            ordered.skipped.push(row);
        }
        let mut at = time.at;
        if let Some(later) = time.or_at {
            ordered.ambiguous.push(row);
            // The first pass of the hour is over once a row of it, or a later one, has been seen.
            if at <= latest {
                at = later;
            }
        }
        if at < latest {
            ordered.disordered.push(row);
        }
        latest = latest.max(at);
        ordered.rows.push(TimedRow { at, row });
    }
    ordered.rows.sort_by_key(|timed| (timed.at, timed.row));
    remove_repetitions(rows, &mut ordered);
    ordered
}

fn remove_repetitions(rows: &Rows, ordered: &mut OrderedRows) {
    let mut kept: Vec<TimedRow> = Vec::with_capacity(ordered.rows.len());
    for timed in std::mem::take(&mut ordered.rows) {
        let Some(last) = kept.last_mut().filter(|last| last.at == timed.at) else {
            kept.push(timed);
            continue;
        };
        if has_same_values(rows, last.row, timed.row) {
            ordered.repeated.push(timed.row);
        } else {
            ordered.contradicted.push(last.row);
            *last = timed;
        }
    }
    ordered.rows = kept;
}

fn has_same_values(rows: &Rows, one: usize, other: usize) -> bool {
    rows.channels
        .iter()
        .all(|channel| channel[one].to_bits() == channel[other].to_bits())
}
