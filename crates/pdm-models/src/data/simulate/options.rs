//! Options of `[dataset] kind = "simulated"`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use pdm_core::domain::Problem;

/// A simulated turbofan fleet in the C-MAPSS format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct SimulateOptions {
    /// Name of the fleet, used in the names of its files.
    pub name: String,
    /// Folder for its files.
    pub path: PathBuf,
    /// Units that run to failure.
    pub train_units: u32,
    /// Units whose history is cut before failure.
    pub test_units: u32,
    /// Operating regimes: 1 (sea level) or 6.
    pub regimes: u32,
    /// Fault modes: 1 (compressor) or 2 (compressor or fan).
    pub fault_modes: u32,
    /// Seed of all random numbers: the same seed gives the same bytes.
    pub seed: u64,
}

impl Default for SimulateOptions {
    fn default() -> Self {
        Self {
            name: "SIM001".to_owned(),
            path: "datasets/simulated".into(),
            train_units: 100,
            test_units: 100,
            regimes: 1,
            fault_modes: 1,
            seed: 1,
        }
    }
}

impl SimulateOptions {
    const MOST_UNITS: u32 = 100_000;

    /// Returns what is out of range or impossible.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !is_file_name(&self.name) {
            let message = format!("`{}` cannot be part of a file name", self.name);
            problems.push(Problem::new("name", message).hint("letters, digits, `-` and `_`"));
        }
        for (key, units) in [
            ("train_units", self.train_units),
            ("test_units", self.test_units),
        ] {
            if !(2..=Self::MOST_UNITS).contains(&units) {
                problems.push(Problem::new(
                    key,
                    format!("is {units}, and must be from 2 to {}", Self::MOST_UNITS),
                ));
            }
        }
        if !matches!(self.regimes, 1 | 6) {
            problems.push(Problem::new(
                "regimes",
                format!("is {}, and must be 1 or 6", self.regimes),
            ));
        }
        if !matches!(self.fault_modes, 1 | 2) {
            problems.push(Problem::new(
                "fault_modes",
                format!("is {}, and must be 1 or 2", self.fault_modes),
            ));
        }
        problems
    }
}

fn is_file_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_fleets_are_reported() {
        assert_eq!(SimulateOptions::default().problems(), []);
        let options = SimulateOptions {
            name: "../x".into(),
            train_units: 0,
            regimes: 2,
            fault_modes: 3,
            ..SimulateOptions::default()
        };
        let paths: Vec<_> = options
            .problems()
            .into_iter()
            .map(|problem| problem.path)
            .collect();
        assert_eq!(paths, ["name", "train_units", "regimes", "fault_modes"]);
    }
}
