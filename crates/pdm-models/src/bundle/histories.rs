//! Describes the training histories as a whole: first cycles, ages, initial sensor levels and repeated values.

use serde::{Deserialize, Serialize};

use super::ReferenceProfile;
use crate::data::Trajectory;
use crate::features::FittedFeatures;

/// Minimum number of training units for a range of levels.
const FEWEST_UNITS: usize = 5;

/// Minimum number of rows of a level.
pub(super) const FEWEST_LEVEL_ROWS: usize = 5;

/// A description of the histories that a model learnt from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KnownHistories {
    /// Smallest and largest first cycle of a unit.
    pub first_cycle: [u32; 2],
    /// Smallest and largest cycle of any row; ages beyond them are clipped.
    pub cycles: [u32; 2],
    /// Largest step from the cycle of a row to that of the next; 1 if no cycle is missing.
    pub largest_step: u32,
    /// Smallest number of rows at which the model was scored.
    pub shortest_history: usize,
    /// Number of first rows of a unit whose mean is its level.
    pub level_rows: usize,
    /// Initial levels of the sensors that the model reads; empty if there were too few units.
    pub levels: Vec<UnitLevel>,
    /// How long the sensors that the model reads repeated a value; empty in older bundles, where this is not checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repetitions: Vec<Repetition>,
}

/// The longest stretch of rows over which one sensor repeated a value in a training unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repetition {
    /// Column name.
    pub channel: String,
    /// Rows of the stretch; 1 if no value was repeated.
    pub rows: usize,
}

/// Initial level of one sensor in the training units: the mean of the first rows, in standard deviations from the mean of each
/// row's operating regime.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnitLevel {
    /// Column name.
    pub channel: String,
    /// The lowest level of a unit.
    pub lowest: f64,
    /// The highest level of a unit.
    pub highest: f64,
}

impl KnownHistories {
    /// Describes training units; `None` without rows.
    pub(super) fn describe(
        units: &[&Trajectory],
        features: &FittedFeatures,
        profile: &ReferenceProfile,
        shortest_history: usize,
    ) -> Option<Self> {
        let units: Vec<&Trajectory> = units
            .iter()
            .copied()
            .filter(|unit| !unit.is_empty())
            .collect();
        let cycles = || {
            units
                .iter()
                .flat_map(|unit| unit.cycles.iter().map(|cycle| cycle.0))
        };
        let first = || {
            units
                .iter()
                .filter_map(|unit| unit.cycles.first().map(|cycle| cycle.0))
        };
        let steps = units.iter().flat_map(|unit| {
            unit.cycles
                .windows(2)
                .map(|pair| pair[1].0.saturating_sub(pair[0].0))
        });
        // A unit shorter than that is scored at its last row but one.
        let shortest_life = units.iter().map(|unit| unit.len()).min()?;
        let level_rows = features.options().baseline_cycles().max(FEWEST_LEVEL_ROWS);
        Some(Self {
            first_cycle: [first().min()?, first().max()?],
            cycles: [cycles().min()?, cycles().max()?],
            largest_step: steps.max().unwrap_or(1).max(1),
            shortest_history: shortest_history.min(shortest_life.saturating_sub(1)).max(1),
            level_rows,
            levels: levels(&units, features, profile, level_rows),
            repetitions: repetitions(&units, features),
        })
    }

    /// Returns the assumption for a bundle without this description: cycles begin at 1 and have no gaps, as validation requires
    /// by default.
    pub(super) fn usual() -> Self {
        Self {
            first_cycle: [1, 1],
            cycles: [0, u32::MAX],
            largest_step: 1,
            shortest_history: 1,
            level_rows: FEWEST_LEVEL_ROWS,
            levels: Vec::new(),
            repetitions: Vec::new(),
        }
    }
}

fn repetitions(units: &[&Trajectory], features: &FittedFeatures) -> Vec<Repetition> {
    let mut found = Vec::new();
    for sensor in features.sensors() {
        let Some(channel) = features.schema().channel(sensor) else {
            continue;
        };
        let of_unit = |unit: &&Trajectory| repeated(&unit.channels[channel]).into_iter().max();
        let Some(rows) = units.iter().filter_map(of_unit).max() else {
            continue;
        };
        found.push(Repetition {
            channel: sensor.clone(),
            rows,
        });
    }
    found
}

/// Returns, for each row, how many consecutive rows up to it have the same value.
pub(super) fn repeated(values: &[f64]) -> Vec<usize> {
    let mut lengths: Vec<usize> = Vec::with_capacity(values.len());
    for (row, value) in values.iter().enumerate() {
        let before = row
            .checked_sub(1)
            .filter(|before| values[*before] == *value);
        lengths.push(1 + before.map_or(0, |before| lengths[before]));
    }
    lengths
}

fn levels(
    units: &[&Trajectory],
    features: &FittedFeatures,
    profile: &ReferenceProfile,
    level_rows: usize,
) -> Vec<UnitLevel> {
    if units.len() < FEWEST_UNITS {
        return Vec::new();
    }
    let mut levels = Vec::new();
    for sensor in features.sensors() {
        let of_unit = |unit: &&Trajectory| {
            distances(unit, features, profile, sensor, level_rows)
                .last()
                .copied()
                .flatten()
        };
        let of_units: Vec<f64> = units.iter().filter_map(of_unit).collect();
        let lowest = of_units.iter().copied().reduce(f64::min);
        let highest = of_units.iter().copied().reduce(f64::max);
        if let (Some(lowest), Some(highest)) = (lowest, highest) {
            levels.push(UnitLevel {
                channel: sensor.clone(),
                lowest,
                highest,
            });
        }
    }
    levels
}

/// Returns the level of a sensor at each of the first rows, from the rows up to it; `None` while there are too few.
pub(super) fn distances(
    unit: &Trajectory,
    features: &FittedFeatures,
    profile: &ReferenceProfile,
    sensor: &str,
    level_rows: usize,
) -> Vec<Option<f64>> {
    let Some(channel) = features.schema().channel(sensor) else {
        return Vec::new();
    };
    let mut sum = 0.0;
    let mut count = 0;
    let mut levels = Vec::new();
    for row in 0..unit.len().min(level_rows) {
        let regime = features.regime(unit, row);
        let known = profile.channel(regime, sensor);
        if let Some(distance) = known.and_then(|known| known.distance(unit.channels[channel][row]))
        {
            sum += distance;
            count += 1;
        }
        levels.push((count >= FEWEST_LEVEL_ROWS).then(|| sum / count as f64));
    }
    levels
}
