//! Selects the sensors that a model reads, and records why the others are left out.

use serde::{Deserialize, Serialize};

use super::FeatureError;
use super::regimes::Regimes;
use super::scale::ColumnScale;
use crate::data::{Schema, Trajectory};

/// A sensor that no model reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Name of the column.
    pub sensor: String,
    /// Why it is left out.
    pub why: WhyLeftOut,
}

/// Says why no model reads a sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhyLeftOut {
    /// It is constant within each operating regime.
    Constant,
    /// It is not among the C-MAPSS sensors in general use.
    NotInGeneralUse,
    /// It is not among the sensors that the pipeline lists.
    NotNamed,
}

impl WhyLeftOut {
    /// Returns the reason as a fragment.
    pub fn words(self) -> &'static str {
        match self {
            Self::Constant => "constant within each regime",
            Self::NotInGeneralUse => "not among the 14 sensors of C-MAPSS in general use",
            Self::NotNamed => "not named in features.sensors",
        }
    }
}

/// The channels that are read, and the sensors that are not.
#[derive(Debug)]
pub(super) struct Selection {
    pub(super) channels: Vec<usize>,
    pub(super) left_out: Vec<LeftOut>,
}

/// Returns the channels of the named sensors, or, if none is named, of all that vary within their regime.
///
/// Sensors with many repeated values are not left out: an alarm counter is 0 most of the time. C-MAPSS is the exception,
/// since the literature agrees on 14 sensors and scores are compared with them.
pub(super) fn select(
    schema: &Schema,
    units: &[&Trajectory],
    regimes: &Regimes,
    rows: &[Vec<usize>],
    named: &[String],
) -> Result<Selection, FeatureError> {
    if !named.is_empty() {
        let channels = named
            .iter()
            .map(|sensor| channel(schema, sensor))
            .collect::<Result<Vec<_>, _>>()?;
        let others = schema
            .sensors
            .iter()
            .filter(|sensor| !named.contains(sensor));
        let left_out = others
            .map(|sensor| LeftOut {
                sensor: sensor.clone(),
                why: WhyLeftOut::NotNamed,
            })
            .collect();
        return Ok(Selection { channels, left_out });
    }
    let mut selection = Selection {
        channels: Vec::new(),
        left_out: Vec::new(),
    };
    let in_use = schema.sensors_in_general_use();
    for (position, sensor) in schema.sensors.iter().enumerate() {
        let channel = schema.settings.len() + position;
        let why = match in_use {
            _ if !varies(&regimes.group_by_regime(units, rows, channel)) => {
                Some(WhyLeftOut::Constant)
            }
            Some(in_use) if !in_use.contains(&sensor.as_str()) => Some(WhyLeftOut::NotInGeneralUse),
            Some(_) | None => None,
        };
        match why {
            Some(why) => selection.left_out.push(LeftOut {
                sensor: sensor.clone(),
                why,
            }),
            None => selection.channels.push(channel),
        }
    }
    if selection.channels.is_empty() {
        Err(FeatureError::NothingVaries)
    } else {
        Ok(selection)
    }
}

fn channel(schema: &Schema, sensor: &str) -> Result<usize, FeatureError> {
    let position = schema.sensors.iter().position(|known| known == sensor);
    position
        .map(|position| schema.settings.len() + position)
        .ok_or_else(|| FeatureError::UnknownColumn {
            column: sensor.to_owned(),
            known: schema.sensors.join(", "),
        })
}

fn varies(by_regime: &[Vec<f64>]) -> bool {
    ColumnScale::by_regime(by_regime)
        .iter()
        .any(|scale| !scale.is_constant())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pdm_core::domain::{Cycle, UnitId};

    #[test]
    fn what_is_constant_within_regimes_does_not_vary() {
        let spread: Vec<f64> = (0..100).map(f64::from).collect();
        assert!(varies(&[spread.clone(), vec![7.0; 10]]));
        assert!(!varies(&[vec![1.0; 50], vec![9.0; 50]]));
        assert!(!varies(&[spread.iter().map(|x| 1e6 + 1e-9 * x).collect()]));
    }

    /// A unit of 40 rows with an alarm counter, a rounded gauge, a flag, a jump, a sensor that moves only in the last unit, and
    /// a constant.
    fn unit(number: u32) -> Trajectory {
        let steps = |value: fn(f64, u32) -> f64| {
            (0..40)
                .map(|row| value(f64::from(row), number))
                .collect::<Vec<_>>()
        };
        let channels = vec![
            steps(|row, _| (row - 35.0).max(0.0)),
            steps(|row, _| (row / 20.0).round()),
            steps(|row, _| f64::from(u8::from(row > 38.0))),
            steps(|row, _| if row < 20.0 { 5.0 } else { 6.0 }),
            steps(|row, number| if number == 9 && row > 30.0 { 1.0 } else { 0.0 }),
            steps(|_, _| 3.0),
        ];
        Trajectory {
            rest: 0,
            unit: UnitId::from(number),
            cycles: (1..=40).map(Cycle).collect(),
            channels,
        }
    }

    #[test]
    fn sensors_that_move_in_steps_are_read_and_constant_ones_are_named() {
        let names = ["alarms", "gauge", "flag", "jump", "rare", "flat"].map(str::to_owned);
        let schema = Schema {
            unit: "u".into(),
            cycle: "c".into(),
            settings: Vec::new(),
            sensors: names.to_vec(),
            ..Schema::default()
        };
        let units: Vec<_> = (0..10).map(unit).collect();
        let units: Vec<_> = units.iter().collect();
        let regimes = Regimes::fit(&schema, &units, 1, 0);
        let rows: Vec<_> = units.iter().map(|unit| regimes.of(unit)).collect();
        let selection = select(&schema, &units, &regimes, &rows, &[]).unwrap();
        assert_eq!(selection.channels, [0, 1, 2, 3, 4]);
        assert_eq!(
            selection.left_out,
            [LeftOut {
                sensor: "flat".into(),
                why: WhyLeftOut::Constant
            }]
        );
        let named = select(&schema, &units, &regimes, &rows, &names[4..]).unwrap();
        assert_eq!((named.channels, named.left_out.len()), (vec![4, 5], 4));
    }
}
