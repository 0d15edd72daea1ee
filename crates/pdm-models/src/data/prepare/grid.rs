//! Averages rows within the steps of a grid, and fills the steps and cells without a value.

use super::super::rows::Rows;
use super::super::{Fill, TimeOptions};
use super::order::TimedRow;

/// Most steps of a block without a long gap, for all channels: 512 MiB.
const MOST_CELLS: usize = 1 << 26;

/// Consecutive steps that all have values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Segment {
    /// Number of the first step since the origin of time.
    pub(super) first: i64,
    /// The last row at or before each step.
    pub(super) sources: Vec<usize>,
    /// Values as `[channel][step]`.
    pub(super) values: Vec<Vec<f64>>,
}

impl Segment {
    pub(super) fn last(&self) -> i64 {
        self.first + self.sources.len() as i64 - 1
    }
}

/// The steps of a life.
#[derive(Debug, Default)]
pub(super) struct Gridded {
    pub(super) segments: Vec<Segment>,
    /// Steps in which at least one value was filled.
    pub(super) filled: u64,
    /// Rows beyond the first of their step.
    pub(super) averaged: u64,
    /// Steps with rows that are left out, because a value before them or within the limit is missing.
    pub(super) left_out: u64,
    /// Whether filling all gaps would need more memory than a computer should give.
    pub(super) is_too_fine: bool,
}

/// The rows of one step.
struct GridStep {
    number: i64,
    /// The last row.
    row: usize,
    /// Mean of the values of each channel; `NaN` without one.
    values: Vec<f64>,
}

/// Puts rows, which are in the order of time, on the grid; `width` is the number of channels.
pub(super) fn gridded(
    rows: &Rows,
    of_life: &[TimedRow],
    width: usize,
    time: &TimeOptions,
) -> Gridded {
    let steps = averaged(rows, of_life, width, time.step.ticks());
    let mut gridded = Gridded {
        averaged: (of_life.len() - steps.len()) as u64,
        ..Gridded::default()
    };
    let limit = limit_of(time);
    for block in blocks(&steps, limit) {
        let length = (block[block.len() - 1].number - block[0].number + 1) as usize;
        if length.saturating_mul(width.max(1)) > MOST_CELLS {
            gridded.is_too_fine = true;
            continue;
        }
        fill_block(block, length, width, time.fill, limit, &mut gridded);
    }
    gridded
}

/// Returns the most consecutive steps that are filled.
fn limit_of(time: &TimeOptions) -> i64 {
    match (time.fill, &time.limit) {
        (Fill::None, _) => 0,
        (Fill::Forward | Fill::Linear, Some(limit)) => limit.ticks() / time.step.ticks(),
        (Fill::Forward | Fill::Linear, None) => i64::MAX,
    }
}

fn averaged(rows: &Rows, of_life: &[TimedRow], width: usize, ticks: i64) -> Vec<GridStep> {
    let mut steps: Vec<GridStep> = Vec::new();
    let step_of = |timed: &TimedRow| timed.at.div_euclid(ticks);
    for of_step in of_life.chunk_by(|a, b| step_of(a) == step_of(b)) {
        let last = of_step[of_step.len() - 1];
        let values = rows.channels[..width]
            .iter()
            .map(|channel| mean(of_step.iter().map(|timed| channel[timed.row])))
            .collect();
        steps.push(GridStep {
            number: step_of(&last),
            row: last.row,
            values,
        });
    }
    steps
}

/// Returns the mean of the values that are not `NaN`; `NaN` without one. A single value is returned as it is.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let mut sum = 0.0;
    let mut count = 0_u32;
    for value in values.filter(|value| !value.is_nan()) {
        sum += value;
        count += 1;
    }
    sum / f64::from(count)
}

/// Divides steps where more than `limit` of them are missing.
fn blocks(steps: &[GridStep], limit: i64) -> impl Iterator<Item = &[GridStep]> {
    steps.chunk_by(move |a, b| b.number - a.number - 1 <= limit)
}

fn fill_block(
    block: &[GridStep],
    length: usize,
    width: usize,
    fill: Fill,
    limit: i64,
    gridded: &mut Gridded,
) {
    let first = block[0].number;
    let at = |step: &GridStep| (step.number - first) as usize;
    let mut values = vec![vec![f64::NAN; length]; width];
    let mut has_row = vec![false; length];
    let mut sources = vec![block[0].row; length];
    for step in block {
        has_row[at(step)] = true;
        sources[at(step)] = step.row;
        for (channel, value) in values.iter_mut().zip(&step.values) {
            channel[at(step)] = *value;
        }
    }
    for step in 1..length {
        if !has_row[step] {
            sources[step] = sources[step - 1];
        }
    }
    let was_known: Vec<bool> = (0..length)
        .map(|step| values.iter().all(|channel| !channel[step].is_nan()))
        .collect();
    for channel in &mut values {
        fill_channel(channel, fill, limit);
    }
    let is_known: Vec<bool> = (0..length)
        .map(|step| values.iter().all(|channel| !channel[step].is_nan()))
        .collect();
    let mut start = 0;
    for run in is_known.chunk_by(|a, b| a == b) {
        let range = start..start + run.len();
        start = range.end;
        if run[0] {
            gridded.filled += range.clone().filter(|step| !was_known[*step]).count() as u64;
            gridded.segments.push(Segment {
                first: first + range.start as i64,
                sources: sources[range.clone()].to_vec(),
                values: values
                    .iter()
                    .map(|channel| channel[range.clone()].to_vec())
                    .collect(),
            });
        } else {
            gridded.left_out += range.filter(|step| has_row[*step]).count() as u64;
        }
    }
}

/// Fills runs of at most `limit` missing values that follow a value.
fn fill_channel(channel: &mut [f64], fill: Fill, limit: i64) {
    let mut known: Option<usize> = None;
    for at in 0..=channel.len() {
        let is_end = at == channel.len();
        if !is_end && channel[at].is_nan() {
            continue;
        }
        if let Some(before) = known {
            let missing = at - before - 1;
            if missing > 0 && missing as i64 <= limit {
                let to = (!is_end).then(|| channel[at]);
                fill_between(&mut channel[before..at], to, fill);
            }
        }
        known = Some(at);
    }
}

/// Fills all values after the first; `to` is the value after the last.
fn fill_between(values: &mut [f64], to: Option<f64>, fill: Fill) {
    let from = values[0];
    let steps = values.len() as f64;
    for (at, value) in values.iter_mut().enumerate().skip(1) {
        *value = match (fill, to) {
            (Fill::Linear, Some(to)) => from + (to - from) * at as f64 / steps,
            (Fill::Linear, None) | (Fill::Forward, _) => from,
            (Fill::None, _) => f64::NAN,
        };
    }
}
