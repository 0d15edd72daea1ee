//! The per-cycle inputs of networks, which keep track of the history themselves.
//!
//! With 14 sensors and default options there are 29 inputs: a smoothed value and the drift of each sensor, and the age.

use serde::{Deserialize, Serialize};

use super::FeatureOptions;
use super::rolling::{Moments, baseline, difference, exponential_mean};
use super::scale::ColumnScale;
use super::table::DRIFT_HALF_LIFE;
use pdm_core::domain::Cycle;

/// Half-life of the smoothed value, in cycles: reduces noise without hiding the last cycles.
const SMOOTH_HALF_LIFE: f64 = 4.0;

/// Approximate life of an engine, in cycles.
const AGE_CYCLES: f64 = 200.0;

/// Largest standardised input.
const CLIP_SD: f64 = 5.0;

/// Standardises the inputs to mean 0 and standard deviation 1 over the training rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct InputScaler {
    scales: Vec<ColumnScale>,
}

impl InputScaler {
    /// Learns from the raw inputs of all training units; an iterator of `[input][row]`.
    pub(super) fn fit(units: impl Iterator<Item = Vec<Vec<f64>>>) -> Self {
        let mut moments: Vec<Moments> = Vec::new();
        for columns in units {
            moments.resize(columns.len(), Moments::default());
            for (run, column) in moments.iter_mut().zip(&columns) {
                *run = column.iter().fold(*run, |run, value| run.then(*value));
            }
        }
        Self {
            scales: moments.iter().map(ColumnScale::of).collect(),
        }
    }

    /// Returns what is inconsistent with this many inputs.
    pub(super) fn problem(&self, inputs: usize) -> Option<String> {
        let scales = self.scales.len();
        (scales != inputs)
            .then(|| format!("has scales for {scales} inputs, but there are {inputs}"))
    }

    /// Returns the inputs standardised and clipped.
    pub(super) fn apply(&self, mut columns: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
        for (scale, column) in self.scales.iter().zip(&mut columns) {
            for value in column.iter_mut() {
                *value = scale.apply(*value, CLIP_SD);
            }
        }
        columns
    }
}

/// Returns the names of the columns of [`columns`], in order.
pub(super) fn names<'a>(
    sensors: impl Iterator<Item = &'a str> + Clone,
    options: &FeatureOptions,
) -> Vec<String> {
    let half_life = SMOOTH_HALF_LIFE * options.time_scale();
    let smooth = sensors
        .clone()
        .map(|sensor| format!("{sensor}.ema{half_life}"));
    let drift = sensors.map(|sensor| format!("{sensor}.drift"));
    smooth.chain(drift).chain(["age".to_owned()]).collect()
}

/// Returns the raw inputs as `[input][row]`, from standardised sensors `[sensor][row]`.
pub(super) fn columns(
    sensors: &[Vec<f64>],
    cycles: &[Cycle],
    options: &FeatureOptions,
) -> Vec<Vec<f64>> {
    let scale = options.time_scale();
    let baseline_cycles = options.baseline_cycles();
    let smooth = sensors
        .iter()
        .map(|sensor| exponential_mean(sensor, SMOOTH_HALF_LIFE * scale));
    let drift = sensors.iter().map(|sensor| {
        difference(
            &exponential_mean(sensor, DRIFT_HALF_LIFE * scale),
            &baseline(sensor, baseline_cycles),
        )
    });
    let age = cycles
        .iter()
        .map(|cycle| f64::from(cycle.0) / AGE_CYCLES)
        .collect();
    smooth.chain(drift).chain([age]).collect()
}
