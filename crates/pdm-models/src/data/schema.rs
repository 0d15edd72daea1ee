//! The columns of a data set.

use serde::{Deserialize, Serialize};

use super::{TimeOptions, UnitFromPath};

/// The column names of a run-to-failure table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// Column that names the unit.
    pub unit: String,
    /// Column that counts the cycles.
    pub cycle: String,
    /// Takes the unit from the path of its file; absent if a column names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_from: Option<UnitFromPath>,
    /// Columns with operational settings; they define the regime.
    pub settings: Vec<String>,
    /// Columns with sensors.
    pub sensors: Vec<String>,
    /// The time column and the grid; absent if `cycle` counts the cycles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeOptions>,
    /// Texts that mean that a cell has no value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// Separator of thousands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thousands: Option<char>,
}

impl Schema {
    /// Returns the 26 columns of a C-MAPSS file: unit, cycle, 3 settings, 21 sensors.
    pub fn cmapss() -> Self {
        Self {
            unit: "unit".to_owned(),
            cycle: "cycle".to_owned(),
            unit_from: None,
            settings: (1..=3).map(|i| format!("op_{i}")).collect(),
            sensors: (1..=21).map(|i| format!("s_{i}")).collect(),
            time: None,
            missing: Vec::new(),
            thousands: None,
        }
    }

    /// Returns the sensors that the literature generally uses for data with these columns, if any: for C-MAPSS 14 of the 21,
    /// since the others are constant or nearly so.
    pub fn sensors_in_general_use(&self) -> Option<&'static [&'static str]> {
        const CMAPSS: [&str; 14] = [
            "s_2", "s_3", "s_4", "s_7", "s_8", "s_9", "s_11", "s_12", "s_13", "s_14", "s_15",
            "s_17", "s_20", "s_21",
        ];
        (*self == Self::cmapss()).then_some(CMAPSS.as_slice())
    }

    /// Returns the names of all channels: settings, then sensors, in the order of [`super::Trajectory::channels`].
    pub fn channels(&self) -> impl Iterator<Item = &str> {
        self.settings
            .iter()
            .chain(&self.sensors)
            .map(String::as_str)
    }

    /// Returns the position of a channel.
    pub fn channel(&self, name: &str) -> Option<usize> {
        self.channels().position(|channel| channel == name)
    }

    /// Returns the number of columns in a file: unit, cycle and all channels.
    pub fn width(&self) -> usize {
        2 + self.settings.len() + self.sensors.len()
    }
}
