//! Checks that fitted features read from a file are consistent, since the file may come from anyone.

use std::collections::BTreeSet;

use super::{FittedFeatures, sequences, table};

/// Maximum number of columns of one kind; more are a mistake or an attack.
const MOST_COLUMNS: usize = 100_000;

impl FittedFeatures {
    /// Returns what is inconsistent, as a fragment with the key; `None` if every history of the schema has inputs.
    pub fn problem(&self) -> Option<String> {
        self.problem_of_columns()
            .or_else(|| self.problem_of_options())
            .or_else(|| self.problem_of_parts())
    }

    /// Returns the number of columns of the table and of the sequence.
    pub fn widths(&self) -> [usize; 2] {
        let sensors = || self.sensors().iter().map(String::as_str);
        [
            table::names(sensors(), self.options()).len(),
            sequences::names(sensors(), self.options()).len(),
        ]
    }

    fn problem_of_columns(&self) -> Option<String> {
        let schema = self.schema();
        let columns: Vec<&str> = [schema.unit.as_str(), schema.cycle.as_str()]
            .into_iter()
            .chain(schema.channels())
            .collect();
        let different: BTreeSet<&str> = columns.iter().copied().collect();
        if different.len() != columns.len() || different.contains("") {
            return Some("names a column twice, or has a column without a name".to_owned());
        }
        if columns.len() > MOST_COLUMNS {
            return Some(format!(
                "names {} columns, more than {MOST_COLUMNS}",
                columns.len()
            ));
        }
        let unknown = self
            .sensors()
            .iter()
            .find(|sensor| !schema.sensors.contains(sensor));
        if let Some(sensor) = unknown {
            return Some(format!(
                "uses sensor `{sensor}`, which the schema does not have"
            ));
        }
        let used: BTreeSet<&String> = self.sensors().iter().collect();
        let is_empty = self.sensors().is_empty();
        (is_empty || used.len() != self.sensors().len())
            .then(|| "uses no sensor, or one twice".to_owned())
    }

    fn problem_of_options(&self) -> Option<String> {
        let first = self.options().problems().into_iter().next()?;
        Some(format!(
            "has the option `{}`, which {}",
            first.path, first.message
        ))
    }

    fn problem_of_parts(&self) -> Option<String> {
        let schema = self.schema();
        let count = self.sensors().len();
        let channels: Vec<Option<usize>> = self
            .sensors()
            .iter()
            .map(|sensor| schema.channel(sensor))
            .collect();
        let [_, sequence] = self.widths();
        let Self {
            regimes,
            scaler,
            health_index,
            input_scaler,
            ..
        } = self;
        regimes
            .problem(schema.settings.len())
            .or_else(|| scaler.problem(&channels, regimes.count()))
            .or_else(|| health_index.problem(count))
            .or_else(|| input_scaler.problem(sequence))
    }
}
