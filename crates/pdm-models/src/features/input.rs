//! The kinds of model input.

use super::{FittedFeatures, Matrix};
use crate::data::Trajectory;

/// Which of the inputs of [`FittedFeatures`] a model reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    /// The full-history feature table.
    Table,
    /// The per-cycle sequence.
    Sequence,
    /// The columns of the table, then those of the sequence, for a stack whose members read one or the other.
    Both,
}

impl FittedFeatures {
    /// Returns the input of a kind for every row of a history, `[rows, width]`.
    ///
    /// # Panics
    /// If the history lacks a channel of the schema.
    pub fn input(&self, kind: InputKind, trajectory: &Trajectory) -> Matrix {
        match kind {
            InputKind::Table => self.table(trajectory),
            InputKind::Sequence => self.sequence(trajectory),
            InputKind::Both => self.table_and_sequence(trajectory),
        }
    }
}
