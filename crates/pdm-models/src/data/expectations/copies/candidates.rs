//! Finds pairs of units that may share rows, in O(n log n): windows of rows are mapped to cells of coarse grids, sorted, and
//! compared with their neighbours.

use std::collections::HashSet;

use rayon::prelude::*;

use super::alignment::{evidence_of_row, matches};
use super::channel::Channel;
use super::fleet::{Fleet, mixed};

/// Number of neighbours of other units that each window is compared with.
const COMPARED: usize = 4;
/// Number of neighbours among which those are searched.
const INSPECTED: usize = 12;
/// Number of rows that are compared before a pair is kept.
const QUICK_CHECK: usize = 4;
/// Maximum length of a window, in rows.
const LONGEST_WINDOW: usize = 24;
/// Number of sensors with windows of their own, for copies whose other sensors were changed.
const ALONE: usize = 3;

/// Two units that may share rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct RowPair {
    pub(super) a: usize,
    pub(super) b: usize,
    /// By how many rows the rows of `a` are later in `b`; negative if they are earlier.
    pub(super) shift: i64,
}

/// A row that two units share although the rows after it differ, as in a copy that was thinned out, shuffled or reversed.
#[derive(Debug, Clone, Copy)]
pub(super) struct SharedRow {
    /// The unit that is reported as the copy, and the other one.
    pub(super) unit: usize,
    pub(super) of: usize,
    /// The row's index in the fleet.
    pub(super) row: usize,
    /// Negative logarithm of the probability that any row of the other unit agrees like this.
    pub(super) evidence: f64,
    /// Whether all values are equal.
    pub(super) exact: bool,
}

/// Rows that units may share.
#[derive(Default)]
pub(super) struct Candidates {
    /// Units whose rows agree one after the other.
    pub(super) pairs: HashSet<RowPair>,
    pub(super) rows: Vec<SharedRow>,
}

/// How windows are mapped to cells.
struct Grid {
    /// The channels, in the order in which they are used.
    channels: Vec<usize>,
    /// Width of a cell, in steps of the channel.
    width: f64,
    /// Share of a cell by which the grid is shifted.
    moved: f64,
}

/// Returns the pairs and rows that agree in a quick check.
pub(super) fn candidates(fleet: &Fleet<'_>) -> Candidates {
    let found: Vec<Candidates> = grids(fleet.channels.len())
        .into_par_iter()
        .map(|grid| of_grid(fleet, &grid))
        .collect();
    let mut all = Candidates::default();
    for of_grid in found {
        all.pairs.extend(of_grid.pairs);
        all.rows.extend(of_grid.rows);
    }
    all.rows.extend(equal_rows(fleet));
    all
}

/// Returns rows of different units that are equal in all sensors, as in a thinned-out copy with too few sensors to recognise
/// a window of a row or two. Each row is compared only with the first equal one and the previous one, so that rows which many
/// units have do not cost more.
fn equal_rows(fleet: &Fleet<'_>) -> Vec<SharedRow> {
    let hash = |row: usize| {
        fleet.channels.iter().fold(0, |hash, channel| {
            mixed(hash, u64::from(channel.below[row]))
        })
    };
    let rows = if fleet.channels.is_empty() {
        0
    } else {
        fleet.unit_of.len()
    };
    let mut hashed: Vec<(u64, u32)> = (0..rows)
        .into_par_iter()
        .map(|row| (hash(row), row as u32))
        .collect();
    hashed.par_sort_unstable();
    let of_kind = hashed
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|kind| kind.len() > 1);
    of_kind
        .flat_map(|kind| shared_of_kind(fleet, kind))
        .collect()
}

fn shared_of_kind(fleet: &Fleet<'_>, kind: &[(u64, u32)]) -> Vec<SharedRow> {
    let mut shared = Vec::new();
    for (at, (_, row)) in kind.iter().enumerate().skip(1) {
        let row = *row as usize;
        let others = [kind[0].1, kind[at - 1].1];
        for other in &others[..at.min(others.len())] {
            let other = *other as usize;
            let are_equal = fleet
                .channels
                .iter()
                .all(|channel| channel.ties(other, row));
            if are_equal && fleet.unit_of[other] != fleet.unit_of[row] {
                shared.extend(shared_row(fleet, other, row));
            }
        }
    }
    shared
}

/// Fine cells find nearly exact copies in windows of a row or two, coarse cells those that were rounded or disturbed. A copy
/// that crosses the border of a cell in one grid is inside a cell of another.
fn grids(channels: usize) -> Vec<Grid> {
    let from = |first: usize| {
        (0..channels)
            .map(|at| (first + at) % channels)
            .collect::<Vec<_>>()
    };
    let mut grids = Vec::new();
    if channels > 0 {
        grids.push(Grid {
            channels: from(0),
            width: 0.125,
            moved: 0.0,
        });
        grids.push(Grid {
            channels: from(channels / 2),
            width: 0.125,
            moved: 0.5,
        });
        grids.push(Grid {
            channels: from(0),
            width: 1.0,
            moved: 0.25,
        });
    }
    for channel in 0..channels.min(ALONE) {
        grids.push(Grid {
            channels: vec![channel],
            width: 0.5,
            moved: 0.75,
        });
    }
    grids
}

fn of_grid(fleet: &Fleet<'_>, grid: &Grid) -> Candidates {
    let mut found = Candidates::default();
    let Some(cells) = window(fleet, grid) else {
        return found;
    };
    let rows = cells.last().map_or(1, |(row, _)| row + 1);
    let fine = &fleet.channels[grid.channels[0]];
    let starts = fleet.members.par_iter().flat_map_iter(|member| {
        let last = (member.rows.end + 1)
            .saturating_sub(rows)
            .max(member.rows.start);
        member.rows.start..last
    });
    let mut windows: Vec<(u64, u32, u32)> = starts
        .map(|start| {
            let hash = cells.iter().fold(0, |hash, (row, channel)| {
                let cell = cell(&fleet.channels[*channel], start + row, grid);
                mixed(hash, cell as u64)
            });
            (hash, fine.below[start], start as u32)
        })
        .collect();
    windows.par_sort_unstable();
    for (at, (hash, _, start)) in windows.iter().enumerate() {
        let a = *start as usize;
        let mut compared = 0;
        for (other_hash, _, other) in windows[at + 1..].iter().take(INSPECTED) {
            let b = *other as usize;
            if other_hash != hash || compared == COMPARED {
                break;
            }
            if fleet.unit_of[a] == fleet.unit_of[b] {
                continue;
            }
            compared += 1;
            let pair = pair(fleet, a, b);
            if found.pairs.contains(&pair) || !matches(fleet, a, b) {
                continue;
            }
            if agree_quickly(fleet, a, b) {
                found.pairs.insert(pair);
            } else {
                found.rows.extend(shared_row(fleet, a, b));
            }
        }
    }
    found
}

/// Returns the cells of a window as rows and channels: as many as are needed to distinguish all rows of the fleet; `None` if
/// that takes too many rows.
fn window(fleet: &Fleet<'_>, grid: &Grid) -> Option<Vec<(usize, usize)>> {
    let rows = fleet.unit_of.len();
    let needed = (rows as f64).ln() + 3.0;
    // Rows of the same age and regime are similar, so a cell has less information than its size suggests.
    let information: Vec<f64> = grid
        .channels
        .iter()
        .map(|at| 0.5 * surprise(&fleet.channels[*at], rows, grid))
        .collect();
    let mut cells = Vec::new();
    let mut sum = 0.0;
    for row in 0..LONGEST_WINDOW {
        for (channel, information) in grid.channels.iter().zip(&information) {
            cells.push((row, *channel));
            sum += information;
            if sum >= needed {
                return Some(cells);
            }
        }
    }
    None
}

/// Returns the negative logarithm of the probability that two rows share a cell.
fn surprise(channel: &Channel, rows: usize, grid: &Grid) -> f64 {
    let mut counts: Vec<u32> = Vec::new();
    for row in 0..rows {
        let cell = cell(channel, row, grid) as usize;
        if cell >= counts.len() {
            counts.resize(cell + 1, 0);
        }
        counts[cell] += 1;
    }
    let share = |count: &u32| (f64::from(*count) / rows as f64).powi(2);
    -counts.iter().map(share).sum::<f64>().ln()
}

fn cell(channel: &Channel, row: usize, grid: &Grid) -> u32 {
    // At least one rank wide: a finer cell would not separate more values.
    let width = (channel.step * grid.width).max(1.0);
    (channel.rank(row) / width + grid.moved) as u32
}

fn pair(fleet: &Fleet<'_>, a_row: usize, b_row: usize) -> RowPair {
    let mut a = fleet.unit_of[a_row] as usize;
    let mut b = fleet.unit_of[b_row] as usize;
    let within = |unit: usize, row: usize| (row - fleet.members[unit].rows.start) as i64;
    let mut shift = within(b, b_row) - within(a, a_row);
    if a > b {
        (a, b, shift) = (b, a, -shift);
    }
    RowPair { a, b, shift }
}

/// Returns a row that two units share, if that is unlikely to be chance.
fn shared_row(fleet: &Fleet<'_>, a: usize, b: usize) -> Option<SharedRow> {
    let unit_of = |row: usize| fleet.unit_of[row] as usize;
    let is_first = |row: usize| fleet.members[unit_of(row)].rows.start == row;
    if is_first(a) || is_first(b) {
        return None;
    }
    let (unit, of) = fleet.in_order(unit_of(a), unit_of(b));
    let evidence = evidence_of_row(fleet, a, b) - (fleet.members[of].rows.len() as f64).ln();
    let row = if unit == unit_of(a) { a } else { b };
    let exact = fleet.channels.iter().all(|channel| channel.ties(a, b));
    (evidence > 0.0).then_some(SharedRow {
        unit,
        of,
        row,
        evidence,
        exact,
    })
}

/// Returns whether most of the next few rows agree.
fn agree_quickly(fleet: &Fleet<'_>, a: usize, b: usize) -> bool {
    let end = |row: usize| fleet.members[fleet.unit_of[row] as usize].rows.end;
    let rows = QUICK_CHECK.min(end(a) - a).min(end(b) - b);
    let mut failed = 0;
    for row in 0..rows {
        failed += usize::from(!matches(fleet, a + row, b + row));
        if failed * 4 > rows {
            return false;
        }
    }
    true
}
