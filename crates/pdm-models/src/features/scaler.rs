//! Standardises sensors within their operating regimes.

use serde::{Deserialize, Serialize};

use super::regimes::Regimes;
use super::scale::ColumnScale;
use crate::data::{Schema, Trajectory};

/// Standardises each sensor within its operating regime.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Scaler {
    clip_sd: f64,
    sensors: Vec<SensorScaler>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SensorScaler {
    channel: usize,
    /// One scale per regime.
    scales: Vec<ColumnScale>,
}

/// A sensor whose most distant training values were clipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clipped {
    /// Name of the column.
    pub sensor: String,
    /// Training rows beyond `clip_sd`.
    pub rows: usize,
}

impl Scaler {
    /// Learns from the training rows; `rows` has the regime of every row as `[unit][row]`.
    pub(super) fn fit(
        units: &[&Trajectory],
        regimes: &Regimes,
        rows: &[Vec<usize>],
        channels: &[usize],
        clip_sd: f64,
    ) -> Self {
        let sensor = |channel| SensorScaler {
            channel,
            scales: ColumnScale::by_regime(&regimes.group_by_regime(units, rows, channel)),
        };
        Self {
            clip_sd,
            sensors: channels.iter().copied().map(sensor).collect(),
        }
    }

    /// Returns what is inconsistent with sensors on these channels, in this many regimes.
    pub(super) fn problem(&self, channels: &[Option<usize>], regimes: usize) -> Option<String> {
        if !(self.clip_sd.is_finite() && self.clip_sd > 0.0) {
            return Some(format!("clips at {} standard deviations", self.clip_sd));
        }
        let same = self.sensors.len() == channels.len()
            && self
                .sensors
                .iter()
                .zip(channels)
                .all(|(sensor, channel)| Some(sensor.channel) == *channel);
        if !same {
            return Some("has scales for other channels than those of its sensors".to_owned());
        }
        let misshapen = self
            .sensors
            .iter()
            .find(|sensor| sensor.scales.len() != regimes);
        misshapen.map(|sensor| {
            format!(
                "has {} scales of a sensor for {regimes} regimes",
                sensor.scales.len()
            )
        })
    }

    /// Returns the sensors that are clipped in some of these rows.
    pub(super) fn clipped(
        &self,
        schema: &Schema,
        units: &[&Trajectory],
        rows: &[Vec<usize>],
    ) -> Vec<Clipped> {
        let mut clipped = Vec::new();
        for sensor in &self.sensors {
            let name = &schema.sensors[sensor.channel - schema.settings.len()];
            let of_unit = |(unit, rows): (&&Trajectory, &Vec<usize>)| {
                let values = unit.channels[sensor.channel].iter().zip(rows);
                values
                    .filter(|(value, regime)| {
                        sensor.scales[**regime].distance(**value).abs() > self.clip_sd
                    })
                    .count()
            };
            let rows: usize = units.iter().zip(rows).map(of_unit).sum();
            if rows > 0 {
                clipped.push(Clipped {
                    sensor: name.clone(),
                    rows,
                });
            }
        }
        clipped
    }

    /// Returns standardised values as `[sensor][row]`, given the regime of every row.
    pub(super) fn apply(&self, trajectory: &Trajectory, rows: &[usize]) -> Vec<Vec<f64>> {
        let column = |sensor: &SensorScaler| {
            let values = trajectory.channels[sensor.channel].iter().zip(rows);
            values
                .map(|(value, regime)| sensor.scales[*regime].apply(*value, self.clip_sd))
                .collect()
        };
        self.sensors.iter().map(column).collect()
    }
}
