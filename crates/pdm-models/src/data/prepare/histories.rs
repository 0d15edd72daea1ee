//! Prepares the histories of one machine.

use pdm_core::domain::UnitId;

use super::super::findings::FindingLog;
use super::super::number::named;
use super::super::rows::Rows;
use super::super::{Expectation, LongerGap, Schema, TimeOptions};
use super::Ends;
use super::grid::{Gridded, Segment, gridded};
use super::lives::{LifeEnd, LifeRecord, LifeSpan, divided};
use super::order::{OrderedRows, ordered};

/// One history on the grid.
pub(super) struct History {
    pub(super) unit: UnitId,
    pub(super) cycles: Vec<u32>,
    /// The last row of the file at or before each step.
    pub(super) sources: Vec<usize>,
    /// Values as `[channel][row]`.
    pub(super) values: Vec<Vec<f64>>,
    pub(super) record: LifeRecord,
}

/// The histories of a machine, and what was done to its rows.
#[derive(Default)]
pub(super) struct MachineHistories {
    pub(super) histories: Vec<History>,
    pub(super) problems: Vec<PreparationProblem>,
    pub(super) ordered: OrderCounts,
    pub(super) lives: Vec<LifeEnd>,
    pub(super) filled: u64,
    pub(super) averaged: u64,
    pub(super) left_out: u64,
    pub(super) gaps: u64,
}

/// Numbers of rows that were not in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct OrderCounts {
    pub(super) disordered: RowCount,
    pub(super) repeated: RowCount,
    pub(super) contradicted: RowCount,
    pub(super) ambiguous: RowCount,
    pub(super) skipped: RowCount,
    /// Last rows of lives whose end is further away than gaps are filled.
    pub(super) late_ends: RowCount,
}

/// A number of rows and the first of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct RowCount {
    pub(super) rows: u64,
    pub(super) first: Option<usize>,
}

impl RowCount {
    fn of(found: &[usize]) -> Self {
        Self {
            rows: found.len() as u64,
            first: found.iter().copied().min(),
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.first = match (self.first, other.first) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
    }
}

/// Something that makes the history of a machine unusable.
pub(super) struct PreparationProblem {
    expectation: Expectation,
    row: usize,
    message: String,
}

impl PreparationProblem {
    pub(super) fn log(self, rows: &Rows, file: &str, log: &mut FindingLog) {
        let location = rows.location(file, self.row);
        log.error(self.expectation, location, self.message);
    }
}

/// Sorts, divides, averages and fills the rows of a machine.
pub(super) fn prepare_machine(
    rows: &Rows,
    unit: &UnitId,
    of_machine: &[usize],
    time: &TimeOptions,
    schema: &Schema,
    ends: Ends<'_>,
) -> MachineHistories {
    let ordered = ordered(rows, of_machine);
    let mut machine = MachineHistories {
        ordered: OrderCounts::of(&ordered),
        ..MachineHistories::default()
    };
    let lives = divided(rows, unit, &ordered.rows, ends);
    for (number, life) in (1..).zip(&lives) {
        // The first life keeps the name of the machine, so that no unit is renamed when the machine fails and begins a second.
        let name = match number {
            1 => unit.clone(),
            _ => UnitId::new(format!("{unit}/{number}")),
        };
        machine.add_life(rows, unit, name, life, time, schema);
    }
    machine
}

impl OrderCounts {
    fn of(ordered: &OrderedRows) -> Self {
        Self {
            disordered: RowCount::of(&ordered.disordered),
            repeated: RowCount::of(&ordered.repeated),
            contradicted: RowCount::of(&ordered.contradicted),
            ambiguous: RowCount::of(&ordered.ambiguous),
            skipped: RowCount::of(&ordered.skipped),
            late_ends: RowCount::default(),
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.disordered.add(other.disordered);
        self.repeated.add(other.repeated);
        self.contradicted.add(other.contradicted);
        self.ambiguous.add(other.ambiguous);
        self.skipped.add(other.skipped);
        self.late_ends.add(other.late_ends);
    }
}

impl MachineHistories {
    /// Counts a life that ended long after its last row: rows may be missing, or the time of the failure may be wrong.
    fn note_late_end(&mut self, life: &LifeSpan<'_>, time: &TimeOptions) {
        let (Some(limit), Some(last)) = (&time.limit, life.rows.last()) else {
            return;
        };
        if life.end.at - last.at > limit.ticks() {
            self.ordered.late_ends.add(RowCount::of(&[last.row]));
        }
    }

    fn add_life(
        &mut self,
        rows: &Rows,
        machine: &UnitId,
        name: UnitId,
        life: &LifeSpan<'_>,
        time: &TimeOptions,
        schema: &Schema,
    ) {
        let width = schema.settings.len() + schema.sensors.len();
        let ticks = time.step.ticks();
        let grid = gridded(rows, life.rows, width, time);
        self.filled += grid.filled;
        self.averaged += grid.averaged;
        self.left_out += grid.left_out;
        self.lives.push(life.end.end.clone());
        if let Some(problem) = unusable(rows, &name, life, &grid, schema) {
            self.problems.push(problem);
            return;
        }
        self.gaps += grid.segments.len() as u64 - 1;
        if time.longer == LongerGap::Error {
            self.problems.extend(gaps(&name, &grid.segments, time));
        }
        self.note_late_end(life, time);
        let born = life.rows[0].at.div_euclid(ticks);
        let end = life.end.at.div_euclid(ticks);
        for (number, segment) in (1..).zip(grid.segments) {
            let unit = match number {
                1 => name.clone(),
                _ => UnitId::new(format!("{name}#{number}")),
            };
            let record = LifeRecord {
                machine: machine.clone(),
                end: life.end.end.clone(),
                rest: u32::try_from(end - segment.last()).unwrap_or(u32::MAX),
            };
            self.histories.push(history(unit, segment, born, record));
        }
    }
}

fn history(unit: UnitId, segment: Segment, born: i64, record: LifeRecord) -> History {
    let age = segment.first - born + 1;
    let cycles = (age..age + segment.sources.len() as i64)
        .map(|cycle| u32::try_from(cycle).unwrap_or(u32::MAX))
        .collect();
    History {
        unit,
        cycles,
        sources: segment.sources,
        values: segment.values,
        record,
    }
}

/// Returns why no history can be made of a life.
fn unusable(
    rows: &Rows,
    name: &UnitId,
    life: &LifeSpan<'_>,
    grid: &Gridded,
    schema: &Schema,
) -> Option<PreparationProblem> {
    let row = life.rows[0].row;
    if grid.is_too_fine {
        let message = format!(
            "unit {} has gaps that are too long for its step: set a longer `step`, or a `limit` for gaps to fill, under [dataset.time]",
            named(name)
        );
        return Some(PreparationProblem {
            expectation: Expectation::ContiguousCycles,
            row,
            message,
        });
    }
    if !grid.segments.is_empty() {
        return None;
    }
    let empty = schema.channels().zip(&rows.channels).find(|(_, channel)| {
        let mut values = life.rows.iter().map(|timed| channel[timed.row]);
        values.all(f64::is_nan)
    });
    let message = match empty {
        Some((column, _)) => format!("unit {} has no value of column `{column}`", named(name)),
        None => format!(
            "unit {} has no time at which every column has a value, even with gaps filled",
            named(name)
        ),
    };
    Some(PreparationProblem {
        expectation: Expectation::Finite,
        row,
        message,
    })
}

/// Returns the gaps that are too long to fill.
fn gaps(name: &UnitId, segments: &[Segment], time: &TimeOptions) -> Vec<PreparationProblem> {
    let mut problems = Vec::new();
    for pair in segments.windows(2) {
        let missing = pair[1].first - pair[0].last() - 1;
        let steps = if missing == 1 { "step" } else { "steps" };
        let filled = match &time.limit {
            Some(limit) => format!("gaps are filled up to {limit}"),
            None => "no gap is filled".to_owned(),
        };
        let message = format!(
            "unit {} has no values for {missing} {steps} of {} before this row, and {filled}: \
            `longer = \"split\"` under [dataset.time] begins a new history here",
            named(name),
            time.shown_step()
        );
        problems.push(PreparationProblem {
            expectation: Expectation::ContiguousCycles,
            row: pair[1].sources[0],
            message,
        });
    }
    problems
}
