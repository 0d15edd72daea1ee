use serde::{Deserialize, Serialize};

use super::regimes::Regimes;
use super::scale::Scale;
use crate::data::Trajectory;

/// Standardises each sensor within its operating regime.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Scaler {
    clip_sd: f64,
    sensors: Vec<Sensor>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Sensor {
    channel: usize,
    /// One scale a regime.
    scales: Vec<Scale>,
}

impl Scaler {
    /// Learns from the training rows; `rows` holds the regime of every row as `[unit][row]`.
    pub(super) fn fit(
        units: &[&Trajectory],
        regimes: &Regimes,
        rows: &[Vec<usize>],
        channels: &[usize],
        clip_sd: f64,
    ) -> Self {
        let sensor = |channel| Sensor { channel, scales: Scale::by_regime(&regimes.deal(units, rows, channel)) };
        Self { clip_sd, sensors: channels.iter().copied().map(sensor).collect() }
    }

    /// Returns standardised values as `[sensor][row]`, given the regime of every row.
    pub(super) fn apply(&self, trajectory: &Trajectory, rows: &[usize]) -> Vec<Vec<f64>> {
        let column = |sensor: &Sensor| {
            let values = trajectory.channels[sensor.channel].iter().zip(rows);
            values.map(|(value, regime)| sensor.scales[*regime].apply(*value, self.clip_sd)).collect()
        };
        self.sensors.iter().map(column).collect()
    }
}
