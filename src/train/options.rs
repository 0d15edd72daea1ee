use serde::{Deserialize, Serialize};

use crate::domain::Problem;

/// Which rows of a history are learnt from, and at which cycles a held-out unit is judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct TrainOptions {
    /// First row of each unit, counted from 1, that models on the feature table learn from.
    pub first_row: usize,
    /// Rows from one such row to the next; neighbours say almost the same.
    pub row_stride: usize,
    /// Random cut points of each held-out unit in cross-validation; fewer where its history is too short.
    pub cuts_per_unit: usize,
    /// Rows before the earliest cut point, where the history has as many.
    pub shortest_history: usize,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self { first_row: 20, row_stride: 4, cuts_per_unit: 8, shortest_history: 15 }
    }
}

impl TrainOptions {
    /// Returns what is wrong with the values, with paths relative to this table.
    pub fn problems(&self) -> Vec<Problem> {
        let counts = [
            ("first_row", self.first_row),
            ("row_stride", self.row_stride),
            ("cuts_per_unit", self.cuts_per_unit),
            ("shortest_history", self.shortest_history),
        ];
        let zeros = counts.into_iter().filter(|(_, count)| *count == 0);
        zeros.map(|(key, _)| Problem::new(key, "must be at least 1, not 0")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_problems() {
        assert!(TrainOptions::default().problems().is_empty());
        let zeros = TrainOptions { first_row: 0, row_stride: 0, cuts_per_unit: 0, shortest_history: 0 };
        assert_eq!(zeros.problems().len(), 4);
    }
}
