//! Summarises a unit in a few numbers.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::data::Trajectory;
use crate::features::FittedFeatures;

/// The quantities that are compared: one number per unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Mean of a sensor in one operating regime, over the whole life.
    Level,
    /// Noise of a sensor in one operating regime: the root of half the mean squared difference of successive values, which a
    /// slow trend hardly touches (von Neumann, Annals of Mathematical Statistics 12, 1941).
    Noise,
    /// Cycles until the unit failed.
    Life,
}

impl Quantity {
    /// Returns the name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Level => "level",
            Self::Noise => "noise",
            Self::Life => "life",
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Identifies one series of numbers, one per unit.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub(super) channel: String,
    /// Operating regime, from 0; `None` if there is only one, and for quantities without a regime.
    pub(super) regime: Option<usize>,
    pub(super) quantity: Quantity,
    /// One value for each unit that has one.
    pub(super) values: Vec<f64>,
}

/// Returns every series of some units, in an order that depends only on the features.
pub(super) fn series(features: &FittedFeatures, units: &[&Trajectory]) -> Vec<Series> {
    let schema = features.schema();
    let regimes: Vec<Vec<usize>> = units
        .iter()
        .map(|unit| {
            (0..unit.len())
                .map(|row| features.regime(unit, row))
                .collect()
        })
        .collect();
    let life = units
        .iter()
        .map(|unit| f64::from(unit.last_cycle().0))
        .collect();
    let mut all = vec![Series {
        channel: schema.cycle.clone(),
        regime: None,
        quantity: Quantity::Life,
        values: life,
    }];
    for regime in 0..features.regime_count() {
        for (at, sensor) in schema.sensors.iter().enumerate() {
            let of_unit = |(unit, regimes): (&&Trajectory, &Vec<usize>)| -> Vec<f64> {
                let values = unit.channels[schema.settings.len() + at]
                    .iter()
                    .zip(regimes);
                values
                    .filter(|(_, of)| **of == regime)
                    .map(|(value, _)| *value)
                    .collect()
            };
            let rows: Vec<_> = units.iter().zip(&regimes).map(of_unit).collect();
            let series = |quantity, of: fn(&[f64]) -> Option<f64>| Series {
                channel: sensor.clone(),
                regime: (features.regime_count() > 1).then_some(regime),
                quantity,
                values: rows.iter().filter_map(|values| of(values)).collect(),
            };
            all.extend([
                series(Quantity::Level, level),
                series(Quantity::Noise, noise),
            ]);
        }
    }
    all
}

fn level(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn noise(values: &[f64]) -> Option<f64> {
    let squares: f64 = values
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).powi(2))
        .sum();
    (values.len() > 1).then(|| (squares / (2.0 * (values.len() - 1) as f64)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_that_around_a_trend() {
        assert_eq!(
            (level(&[1.0, 2.0, 6.0]), noise(&[1.0, 1.0, 1.0])),
            (Some(3.0), Some(0.0))
        );
        assert_eq!((level(&[]), noise(&[1.0])), (None, None));
        // Alternating by 2 around a trend of 0.001 a row: half of 2² is the variance of white noise with such steps.
        let values: Vec<f64> = (0..100)
            .map(|i| 0.001 * f64::from(i) + f64::from(i % 2) * 2.0)
            .collect();
        assert!((noise(&values).unwrap() - 2_f64.sqrt()).abs() < 0.01);
    }
}
