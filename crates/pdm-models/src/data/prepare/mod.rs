//! Turns the rows of machines into histories on a grid of equal steps, one for each life.
//!
//! The rows of a machine are sorted by time (`order`), divided where lives end (`lives`, by the rows or by `events`), averaged
//! within each step, and filled (`grid`). What was changed is counted in a [`PreparationReport`].

mod events;
mod grid;
mod histories;
mod lives;
mod order;
mod report;

use std::collections::BTreeMap;

use pdm_core::domain::UnitId;
use rayon::prelude::*;

use super::findings::FindingLog;
use super::rows::Rows;
use super::{EndOfLife, LifeOptions, Schema, TimeOptions};

pub(super) use events::Events;
use histories::{MachineHistories, prepare_machine};
pub use lives::{LifeEnd, LifeRecord};
pub use report::PreparationReport;
use report::log_counts;

/// Histories on the grid.
pub(super) struct PreparedRows {
    /// Rows by history, in the order of machines, then of lives.
    pub(super) rows: Rows,
    /// What is known about each history.
    pub(super) lives: BTreeMap<UnitId, LifeRecord>,
    pub(super) report: PreparationReport,
}

/// How the ends of lives are found.
#[derive(Clone, Copy)]
pub(super) enum Ends<'a> {
    /// The last row of a machine is its failure.
    LastRow,
    /// The last channel of the rows, which is not one of the schema, is not 0 at the end of a life.
    LastChannel,
    /// By failures and replacements.
    Events(&'a Events),
    /// No life has ended: histories of a test part, or to predict from.
    Unknown,
}

impl<'a> Ends<'a> {
    /// Returns how lives end by these options; `events` are those that were read, if they are needed.
    pub(super) fn of(life: Option<&LifeOptions>, events: Option<&'a Events>) -> Self {
        let end = life.map_or(EndOfLife::LastRow, |life| life.end);
        match (end, events) {
            (EndOfLife::LastRow, _) => Self::LastRow,
            (EndOfLife::Column, _) => Self::LastChannel,
            (EndOfLife::Events, Some(events)) => Self::Events(events),
            (EndOfLife::Events, None) => Self::Unknown,
        }
    }
}

/// Puts rows with times on the grid, and logs what was wrong or had to be changed.
pub(super) fn prepare(
    rows: &Rows,
    time: &TimeOptions,
    schema: &Schema,
    ends: Ends<'_>,
    file: &str,
    log: &mut FindingLog,
) -> PreparedRows {
    let machines = order::machines(rows);
    let machine_of = |(unit, machine_rows): (&UnitId, &Vec<usize>)| {
        prepare_machine(rows, unit, machine_rows, time, schema, ends)
    };
    let prepared: Vec<MachineHistories> = machines.par_iter().map(machine_of).collect();
    let width = schema.settings.len() + schema.sensors.len();
    let mut collected = Rows::collecting(width);
    collected.dropped = rows.dropped;
    let mut sources = Vec::new();
    let mut lives = BTreeMap::new();
    let mut report = PreparationReport::new(time, prepared.len());
    for machine in prepared {
        report.add(&machine);
        for problem in machine.problems {
            problem.log(rows, file, log);
        }
        for history in machine.histories {
            let lines: Vec<u64> = history.sources.iter().map(|row| rows.line(*row)).collect();
            collected.append_history(&history.unit, &history.cycles, &lines, history.values);
            sources.extend(&history.sources);
            lives.insert(history.unit, history.record);
        }
    }
    collected.take_files(rows, &sources);
    log_counts(&report, rows, file, schema, log);
    if let Ends::Events(events) = ends {
        events.log_unknown(&machines, log);
    }
    PreparedRows {
        rows: collected,
        lives,
        report,
    }
}

#[cfg(test)]
mod tests;
