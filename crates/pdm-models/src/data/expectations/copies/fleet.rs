//! All units of a data set, with the sensors that distinguish them best.

use std::collections::HashMap;
use std::ops::Range;

use rayon::prelude::*;

use super::super::super::Role;
use super::super::super::ingest::{RawDataset, RawPart};
use super::super::super::rows::{RowRun, Rows};
use super::channel::{self, Channel};

/// Maximum number of sensors that are compared: those with most different values.
const MOST_SENSORS: usize = 12;
/// Number of rows that are sampled to choose sensors and to correlate them.
const SAMPLE: usize = 4096;
/// Number of previous rows in which a similar row is searched.
const FARTHEST_ALIKE: usize = 16;
/// Number of data sets among which chance may produce one false copy.
const DATA_SETS: f64 = 1000.0;

/// The units of a data set, row after row.
pub(super) struct Fleet<'a> {
    pub(super) members: Vec<FleetUnit<'a>>,
    pub(super) channels: Vec<Channel>,
    /// The effective number of independent sensors.
    pub(super) independent: f64,
    /// The unit of each row.
    pub(super) unit_of: Vec<u32>,
    /// Decimal places as `[channel][unit]`.
    pub(super) decimals: Vec<Vec<u8>>,
}

/// One unit: consecutive rows of a file.
pub(super) struct FleetUnit<'a> {
    pub(super) part: &'a RawPart,
    pub(super) source: &'a Rows,
    pub(super) run: &'a RowRun,
    /// Its rows in the fleet.
    pub(super) rows: Range<usize>,
}

impl FleetUnit<'_> {
    /// Returns the file of its first row.
    pub(super) fn file(&self) -> &str {
        let first = self.run.rows.start;
        self.source.file_of(first).unwrap_or(&self.part.file)
    }

    /// Returns the line of its first row.
    pub(super) fn line(&self) -> u64 {
        self.source.line(self.run.rows.start)
    }
}

impl<'a> Fleet<'a> {
    /// Concatenates the units of all parts.
    pub(super) fn of(raw: &'a RawDataset) -> Self {
        let mut members = Vec::new();
        let mut unit_of = Vec::new();
        for (part, source) in raw.histories() {
            for run in &source.runs {
                let start = unit_of.len();
                unit_of.resize(start + run.rows.len(), members.len() as u32);
                members.push(FleetUnit {
                    part,
                    source,
                    run,
                    rows: start..unit_of.len(),
                });
            }
        }
        let spans: Vec<_> = members.iter().map(|member| member.rows.clone()).collect();
        let sensors = distinctive_sensors(raw).into_par_iter();
        let mut channels: Vec<_> = sensors
            .map(|sensor| Channel::ranked(joined(&members, sensor)))
            .collect();
        let alike = rows_alike(&channels, &spans);
        let moves: Vec<_> = channels
            .par_iter_mut()
            .map(|channel| channel.measure(&spans, &alike))
            .collect();
        let independent = independent(&moves);
        let decimals = channels.par_iter().map(|channel| {
            spans
                .iter()
                .map(|rows| channel::decimals(&channel.values[rows.clone()]))
                .collect()
        });
        let decimals = decimals.collect();
        Self {
            members,
            channels,
            independent,
            unit_of,
            decimals,
        }
    }

    /// Returns the evidence, in nats, from which chance is ruled out: by chance, one in a thousand data sets of this size has a
    /// pair of units with so much evidence.
    pub(super) fn certain(&self) -> f64 {
        let units = self.members.len() as f64;
        let rows = self.unit_of.len() as f64 / units.max(1.0);
        (units * units / 2.0 * rows.max(1.0) * DATA_SETS)
            .max(DATA_SETS)
            .ln()
    }

    /// Orders two units as copy and original: a test unit is a copy of a training unit, otherwise the later unit is the copy.
    pub(super) fn in_order(&self, a: usize, b: usize) -> (usize, usize) {
        let rank = |unit: usize| (self.members[unit].part.role != Role::Train, unit);
        if rank(a) < rank(b) { (b, a) } else { (a, b) }
    }

    /// Returns pairs of units whose values are equal in every column and row, the earlier unit second.
    pub(super) fn equal_histories(&self) -> Vec<(usize, usize)> {
        let mut first: HashMap<u64, usize> = HashMap::new();
        let mut pairs = Vec::new();
        for (unit, member) in self.members.iter().enumerate() {
            let varies = member
                .columns()
                .any(|values| values.iter().any(|value| *value != values[0]));
            if !varies {
                continue;
            }
            let hash = member.hash();
            match first.get(&hash) {
                Some(&earlier) if self.members[earlier].equals(member) => {
                    pairs.push((unit, earlier))
                }
                Some(_) => {}
                None => {
                    first.insert(hash, unit);
                }
            }
        }
        pairs
    }
}

impl FleetUnit<'_> {
    fn columns(&self) -> impl Iterator<Item = &[f64]> {
        self.source
            .channels
            .iter()
            .map(|values| &values[self.run.rows.clone()])
    }

    fn equals(&self, other: &FleetUnit<'_>) -> bool {
        self.columns().eq(other.columns())
    }

    fn hash(&self) -> u64 {
        let mut hash = self.rows.len() as u64;
        for values in self.columns() {
            for value in values {
                hash = mixed(hash, (value + 0.0).to_bits());
            }
        }
        hash
    }
}

/// Adds a word to a hash (a step of FNV-1a over 64-bit words, and a shift, so that high bits count too).
pub(super) fn mixed(hash: u64, word: u64) -> u64 {
    let product = (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3);
    product ^ (product >> 29)
}

/// Returns the channels of the sensors with most different values, in order of channel.
fn distinctive_sensors(raw: &RawDataset) -> Vec<usize> {
    let first = raw.schema.settings.len();
    let mut sensors: Vec<(usize, usize)> = (first..first + raw.schema.sensors.len())
        .into_par_iter()
        .map(|channel| (different_values(raw, channel), channel))
        .filter(|(different, _)| *different > 1)
        .collect();
    sensors.sort_by_key(|(different, channel)| (std::cmp::Reverse(*different), *channel));
    sensors.truncate(MOST_SENSORS);
    let mut chosen: Vec<_> = sensors.into_iter().map(|(_, channel)| channel).collect();
    chosen.sort_unstable();
    chosen
}

fn different_values(raw: &RawDataset, channel: usize) -> usize {
    let rows: usize = raw.histories().map(|(_, rows)| rows.len()).sum();
    let stride = rows.div_ceil(SAMPLE).max(1);
    let values = raw
        .histories()
        .flat_map(|(_, rows)| rows.channels[channel].iter().step_by(stride));
    let mut sample: Vec<u64> = values.map(|value| (value + 0.0).to_bits()).collect();
    sample.sort_unstable();
    sample.dedup();
    sample.len()
}

fn joined(members: &[FleetUnit<'_>], channel: usize) -> Vec<f64> {
    let of_unit =
        |member: &FleetUnit<'_>| member.source.channels[channel][member.run.rows.clone()].to_vec();
    members.iter().flat_map(of_unit).collect()
}

/// Returns for each row the most similar of the few rows before it in its unit, which is in the same operating regime if
/// there are several. The fewer sensors, the fewer rows are compared, since with few sensors some row is always close.
fn rows_alike(channels: &[Channel], units: &[Range<usize>]) -> Vec<u32> {
    let farthest = (2 * channels.len()).clamp(1, FARTHEST_ALIKE);
    let nearest = |first: usize, row: usize| {
        let mut best = (f64::INFINITY, row);
        for other in (first.max(row.saturating_sub(farthest))..row).rev() {
            let distance: f64 = channels
                .iter()
                .map(|channel| (channel.rank(row) - channel.rank(other)).abs())
                .sum();
            if distance < best.0 {
                best = (distance, other);
            }
        }
        best.1 as u32
    };
    let of_unit = |unit: &Range<usize>| {
        unit.clone()
            .map(|row| nearest(unit.start, row))
            .collect::<Vec<_>>()
    };
    units.par_iter().flat_map_iter(of_unit).collect()
}

/// Returns the effective number of independent sensors: `n² / Σ r²` over the correlations of their moves, which is 1 if all
/// of them repeat one sensor, and `n` if they are uncorrelated.
fn independent(moves: &[Vec<f32>]) -> f64 {
    let stride = moves
        .first()
        .map_or(1, |moves| moves.len().div_ceil(SAMPLE))
        .max(1);
    let product = |a: &[f32], b: &[f32]| {
        let pairs = a.iter().zip(b).step_by(stride);
        pairs
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum::<f64>()
    };
    let squares: Vec<f64> = moves.iter().map(|moves| product(moves, moves)).collect();
    let mut sum = 0.0;
    for (i, a) in moves.iter().enumerate() {
        for (j, b) in moves.iter().enumerate() {
            let scale = squares[i] * squares[j];
            if scale > 0.0 {
                sum += product(a, b).powi(2) / scale;
            }
        }
    }
    let count = moves.len() as f64;
    if sum > 0.0 {
        count * count / sum
    } else {
        count
    }
}
