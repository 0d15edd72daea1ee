//! The operating regimes of a data set: the combinations of levels of its settings.

use std::collections::BTreeMap;

use serde::Serialize;

use super::ProfiledData;
use super::statistics::{mean, sample_sd};
use crate::data::infer::{levels, nearest};

/// Combinations beyond which the settings are not divided into regimes.
const MOST: usize = 24;

/// A combination of levels of the settings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OperatingRegime {
    /// The level of each setting, by its name.
    pub levels: BTreeMap<String, f64>,
    /// Rows in it.
    pub rows: usize,
    /// Units with at least one row in it.
    pub units: usize,
}

/// The regimes, and that of each row.
pub(super) struct FoundRegimes {
    pub(super) regimes: Vec<OperatingRegime>,
    /// As `[unit][row]`.
    pub(super) of_row: Vec<Vec<usize>>,
}

impl FoundRegimes {
    /// Finds the regimes; one regime for settings that have no levels, or too many combinations of them.
    pub(super) fn of(data: &ProfiledData) -> Self {
        let mut scales = Vec::new();
        for channel in 0..data.settings.len() {
            if let Some(levels) = levels(&data.known(channel)) {
                scales.push(SettingLevels { channel, levels });
            }
        }
        let mut found: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
        let mut regimes = Vec::new();
        let mut of_row = Vec::with_capacity(data.units.len());
        for unit in &data.units {
            let mut of_unit = Vec::with_capacity(unit.times.len());
            let mut seen = std::collections::BTreeSet::new();
            for row in 0..unit.times.len() {
                let key: Vec<usize> = scales
                    .iter()
                    .map(|scale| nearest(&scale.levels, unit.channels[scale.channel][row]))
                    .collect();
                let at = *found.entry(key.clone()).or_insert_with(|| {
                    regimes.push(described(data, &scales, &key));
                    regimes.len() - 1
                });
                regimes[at].rows += 1;
                regimes[at].units += usize::from(seen.insert(at));
                of_unit.push(at);
            }
            of_row.push(of_unit);
        }
        if regimes.len() > MOST || regimes.is_empty() {
            return Self::single(data);
        }
        Self { regimes, of_row }
    }

    fn single(data: &ProfiledData) -> Self {
        let regime = OperatingRegime {
            levels: BTreeMap::new(),
            rows: data.rows(),
            units: data.units.len(),
        };
        Self {
            regimes: vec![regime],
            of_row: data
                .units
                .iter()
                .map(|unit| vec![0; unit.times.len()])
                .collect(),
        }
    }

    /// Returns a channel with the mean of each regime at 0 and its standard deviation as 1, as `[unit][row]`.
    pub(super) fn standardised(&self, data: &ProfiledData, channel: usize) -> Vec<Vec<f64>> {
        let mut values: Vec<Vec<f64>> = vec![Vec::new(); self.regimes.len()];
        self.each(data, channel, |regime, value| values[regime].push(value));
        let centers: Vec<f64> = values
            .iter()
            .map(|values| if values.is_empty() { 0.0 } else { mean(values) })
            .collect();
        let scales: Vec<f64> = values.iter().map(|values| sample_sd(values)).collect();
        let mut courses = Vec::with_capacity(data.units.len());
        for (unit, regimes) in data.units.iter().zip(&self.of_row) {
            let mut course = Vec::with_capacity(regimes.len());
            for (value, regime) in unit.channels[channel].iter().zip(regimes) {
                let scale = if scales[*regime] > 0.0 {
                    scales[*regime]
                } else {
                    1.0
                };
                course.push((value - centers[*regime]) / scale);
            }
            courses.push(course);
        }
        courses
    }

    /// Returns whether a channel has a single value in each regime.
    pub(super) fn is_constant_within(&self, data: &ProfiledData, channel: usize) -> bool {
        let mut first: Vec<Option<f64>> = vec![None; self.regimes.len()];
        let mut is_constant = true;
        self.each(data, channel, |regime, value| {
            is_constant &= *first[regime].get_or_insert(value) == value
        });
        is_constant
    }

    fn each(&self, data: &ProfiledData, channel: usize, mut visit: impl FnMut(usize, f64)) {
        for (unit, regimes) in data.units.iter().zip(&self.of_row) {
            for (value, regime) in unit.channels[channel]
                .iter()
                .zip(regimes)
                .filter(|(value, _)| !value.is_nan())
            {
                visit(*regime, *value);
            }
        }
    }
}

/// The levels of one setting.
struct SettingLevels {
    channel: usize,
    levels: Vec<f64>,
}

fn described(data: &ProfiledData, scales: &[SettingLevels], key: &[usize]) -> OperatingRegime {
    let levels = scales.iter().zip(key);
    let levels =
        levels.map(|(scale, at)| (data.settings[scale.channel].clone(), scale.levels[*at]));
    OperatingRegime {
        levels: levels.collect(),
        rows: 0,
        units: 0,
    }
}
