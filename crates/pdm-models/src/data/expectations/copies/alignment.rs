//! Measures how well the rows of two units agree, and whether chance explains it.

use super::candidates::{RowPair, SharedRow};
use super::channel::Channel;
use super::fleet::Fleet;

/// Values agree if they are closer than this share of the step between successive rows of a unit.
const CLOSE: f64 = 0.25;
/// Share of the sensors that must agree for a row to agree: one of five may have been changed.
const SENSORS: f64 = 0.8;

/// The agreeing rows of a pair of units.
#[derive(Debug, Clone, Copy)]
pub(super) struct Alignment {
    /// Rows that agree.
    pub(super) matched: usize,
    /// Rows of the unit that is reported as the copy.
    pub(super) rows: usize,
    /// Rows of the shorter unit.
    shorter: usize,
    /// Whether all agreeing rows are equal.
    pub(super) exact: bool,
    /// Negative logarithm of the probability that two unrelated units agree like this.
    pub(super) evidence: f64,
}

impl Alignment {
    /// Returns the share of the shorter unit's rows that the other one has.
    pub(super) fn share(&self) -> f64 {
        self.matched as f64 / self.shorter.max(1) as f64
    }
}

/// Compares all rows of two units that are aligned by the shift.
pub(super) fn judge(fleet: &Fleet<'_>, pair: RowPair) -> Alignment {
    let a = &fleet.members[pair.a].rows;
    let b = &fleet.members[pair.b].rows;
    let first = (-pair.shift).max(0);
    let last = (a.len() as i64).min(b.len() as i64 - pair.shift);
    let mut matched = 0;
    let mut exact = true;
    let mut evidence = 0.0;
    for row in first..last.max(first) {
        let a_row = a.start + row as usize;
        let b_row = b.start + (row + pair.shift) as usize;
        if !matches(fleet, a_row, b_row) {
            continue;
        }
        matched += 1;
        exact &= fleet
            .channels
            .iter()
            .all(|channel| channel.ties(a_row, b_row));
        if row > first {
            evidence += evidence_of_row(fleet, a_row, b_row);
        }
    }
    let overlapping = usize::try_from(last - first).unwrap_or_default();
    let (unit, _) = fleet.in_order(pair.a, pair.b);
    Alignment {
        matched,
        rows: fleet.members[unit].rows.len(),
        shorter: a.len().min(b.len()),
        exact,
        evidence: evidence - choices(matched, overlapping),
    }
}

/// Judges the rows that two units share in any order; each row of the first occurs once.
pub(super) fn judge_rows(fleet: &Fleet<'_>, shared: &[SharedRow]) -> Option<Alignment> {
    let first = shared.first()?;
    let rows = fleet.members[first.unit].rows.len();
    let evidence: f64 = shared.iter().map(|row| row.evidence).sum();
    Some(Alignment {
        matched: shared.len(),
        rows,
        shorter: rows.min(fleet.members[first.of].rows.len()),
        exact: shared.iter().all(|row| row.exact),
        evidence: evidence - choices(shared.len(), rows),
    })
}

/// Returns whether two rows agree in most sensors.
pub(super) fn matches(fleet: &Fleet<'_>, a: usize, b: usize) -> bool {
    let sensors = fleet.channels.len();
    let may_fail = sensors - (sensors as f64 * SENSORS).ceil() as usize;
    let mut failed = 0;
    for at in 0..sensors {
        failed += usize::from(!is_close(fleet, at, a, b));
        if failed > may_fail {
            return false;
        }
    }
    true
}

/// Returns whether two values agree: closer than noise, or equal when rounded to the fewer decimal places of the two.
fn is_close(fleet: &Fleet<'_>, at: usize, a: usize, b: usize) -> bool {
    let channel = &fleet.channels[at];
    if channel.ties(a, b) || channel.is_within_noise(a, b, CLOSE) {
        return true;
    }
    let decimals = |row: usize| fleet.decimals[at][fleet.unit_of[row] as usize];
    let fine = decimals(a).max(decimals(b));
    let coarse = decimals(a).min(decimals(b));
    let half = 0.5 * 10_f64.powi(-i32::from(coarse));
    fine > coarse && (channel.values[a] - channel.values[b]).abs() <= half * (1.0 + 1e-6)
}

/// Returns the evidence that two rows do not agree by chance. Sensors that move together count as one.
pub(super) fn evidence_of_row(fleet: &Fleet<'_>, a: usize, b: usize) -> f64 {
    let close = (0..fleet.channels.len()).filter(|at| is_close(fleet, *at, a, b));
    let sum: f64 = close
        .map(|at| evidence_of_cell(&fleet.channels[at], a, b))
        .sum();
    sum * fleet.independent / fleet.channels.len() as f64
}

/// Returns the evidence that two values do not agree by chance; 0 if the sensor has not moved.
fn evidence_of_cell(channel: &Channel, a: usize, b: usize) -> f64 {
    let is_unchanged = channel.ties(a - 1, a) && channel.ties(b - 1, b);
    if is_unchanged {
        0.0
    } else {
        channel.surprise(a, b)
    }
}

/// Returns the logarithm of the number of ways to choose `matched` of `of` rows.
fn choices(matched: usize, of: usize) -> f64 {
    let share = matched as f64 / of.max(1) as f64;
    let part = |share: f64| {
        if share > 0.0 {
            -share * share.ln()
        } else {
            0.0
        }
    };
    of as f64 * (part(share) + part(1.0 - share))
}
