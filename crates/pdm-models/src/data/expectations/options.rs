//! Options of `[validate]`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::{Expectation, Schema, Severity};
use pdm_core::codes::Code;
use pdm_core::domain::Problem;

/// What the data must meet beyond its format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct ValidateOptions {
    /// Smallest and largest allowed value by column, such as `s_11 = [46.0, 49.0]`.
    pub ranges: BTreeMap<String, [f64; 2]>,
    /// Minimum number of cycles of a unit.
    pub minimum_cycles: u32,
    /// Number of last cycles with the same value from which a sensor counts as stuck, at least 2. More are needed if the sensor
    /// often repeats its value, so that chance would cause such an ending in fewer than 1 in 100 data sets.
    pub stuck_cycles: u32,
    /// Severity of expectations that are not met.
    pub severity: SeverityOptions,
}

/// Severity of expectations that are not met; those not named here always make the data invalid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct SeverityOptions {
    /// The cycles of a unit are 1, 2, 3, ….
    pub contiguous_cycles: Level,
    /// The numbers of units and rows are those the data set is known to have.
    pub unit_counts: Level,
    /// Values are within the declared ranges.
    pub ranges: Level,
    /// No value is so far from all others of its column that no sensor can have measured it, such as -9999. A single value that
    /// may be a real spike is at most a warning.
    pub implausible_values: Level,
    /// Every unit has at least `minimum_cycles` cycles.
    pub minimum_history: Level,
    /// Every sensor varies.
    pub constant_sensors: Level,
    /// No sensor freezes at the end of a history.
    pub stuck_sensors: Level,
    /// No two rows have the same values.
    pub duplicate_rows: Level,
    /// No unit has the rows of another one, even if they were rounded, slightly disturbed or renumbered; an error is a leak
    /// (exit code 11). A suspected copy is at most a warning.
    pub copied_units: Level,
}

/// Severity of an expectation that is not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The data is not used.
    Error,
    /// The data is used, with a warning.
    Warn,
    /// The data is used; the report mentions it.
    Info,
    /// It is not checked.
    Off,
}

impl Default for ValidateOptions {
    fn default() -> Self {
        Self {
            ranges: BTreeMap::new(),
            minimum_cycles: 10,
            stuck_cycles: 10,
            severity: SeverityOptions::default(),
        }
    }
}

impl Default for SeverityOptions {
    fn default() -> Self {
        Self {
            contiguous_cycles: Level::Error,
            unit_counts: Level::Error,
            ranges: Level::Error,
            implausible_values: Level::Error,
            minimum_history: Level::Warn,
            // Seven of the 21 C-MAPSS sensors are constant by design in one regime.
            constant_sensors: Level::Info,
            stuck_sensors: Level::Warn,
            duplicate_rows: Level::Warn,
            copied_units: Level::Error,
        }
    }
}

impl ValidateOptions {
    /// Returns what is out of range or impossible.
    pub fn problems(&self) -> Vec<Problem> {
        let ranges = self.ranges.iter().filter_map(|(column, range)| {
            let problem = range_problem(*range)?;
            Some(Problem::new(format!("ranges.{column}"), problem))
        });
        let stuck = (self.stuck_cycles < 2).then(|| {
            Problem::new(
                "stuck_cycles",
                format!("is {}, and must be at least 2", self.stuck_cycles),
            )
        });
        ranges.chain(stuck).collect()
    }

    /// Returns the ranges of columns that do not exist in the data.
    pub fn unknown_columns(&self, schema: &Schema) -> Vec<Problem> {
        let unknown = self
            .ranges
            .keys()
            .filter(|column| schema.channel(column).is_none());
        unknown
            .map(|column| {
                let known = schema.channels().collect::<Vec<_>>().join(", ");
                Problem::new(
                    format!("ranges.{column}"),
                    format!("the data has no column `{column}`"),
                )
                .with_code(Code::UnknownColumn)
                .hint(format!("one of {known}"))
            })
            .collect()
    }
}

fn range_problem([lowest, highest]: [f64; 2]) -> Option<String> {
    if !(lowest.is_finite() && highest.is_finite()) {
        Some(format!(
            "[{lowest}, {highest}] is not a range of finite numbers"
        ))
    } else if lowest > highest {
        Some(format!(
            "[{lowest}, {highest}] is empty: the first number is the larger one"
        ))
    } else {
        None
    }
}

impl SeverityOptions {
    /// Returns the severity of findings; `None` if the expectation is switched off.
    pub(super) fn of(&self, expectation: Expectation) -> Option<Severity> {
        let level = match expectation {
            Expectation::ContiguousCycles => self.contiguous_cycles,
            Expectation::UnitCounts => self.unit_counts,
            Expectation::Ranges => self.ranges,
            Expectation::ImplausibleValues => self.implausible_values,
            Expectation::MinimumHistory => self.minimum_history,
            Expectation::ConstantSensors => self.constant_sensors,
            Expectation::StuckSensors => self.stuck_sensors,
            Expectation::DuplicateRows => self.duplicate_rows,
            Expectation::CopiedUnits => self.copied_units,
            Expectation::Pinned
            | Expectation::Complete
            | Expectation::Columns
            | Expectation::Types
            | Expectation::Finite
            | Expectation::AscendingCycles
            | Expectation::ContiguousUnits
            | Expectation::RulRows
            | Expectation::RulValues => Level::Error,
        };
        match level {
            Level::Error => Some(Severity::Error),
            Level::Warn => Some(Severity::Warning),
            Level::Info => Some(Severity::Info),
            Level::Off => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_values_are_reported() {
        let text = "stuck_cycles = 1\n[ranges]\ns_2 = [2, 1]\ns_3 = [0, nan]\ns_99 = [0, 1]\n[severity]\nranges = 'warn'";
        let options: ValidateOptions = toml::from_str(text).unwrap();
        assert_eq!(
            options.severity.of(Expectation::Ranges),
            Some(Severity::Warning)
        );
        let paths: Vec<_> = options
            .problems()
            .into_iter()
            .map(|problem| problem.path)
            .collect();
        assert_eq!(paths, ["ranges.s_2", "ranges.s_3", "stuck_cycles"]);
        assert_eq!(
            options.unknown_columns(&Schema::cmapss())[0].path,
            "ranges.s_99"
        );
        assert_eq!(ValidateOptions::default().problems(), []);
    }
}
