//! The interface of model families to the rest of the program; each family implements it in the file with its options.

use super::InputKind;

/// Properties of a family, implemented by its options, in addition to `problems`, which validates them.
pub trait FamilyOptions {
    /// Returns which input the family reads.
    fn input(&self) -> InputKind;

    /// Returns an upper estimate of the peak memory of a fit in bytes, including its inputs.
    fn memory(&self, extent: &FitExtent) -> u64;

    /// Returns what to reduce if a fit needs too much memory, as a fragment.
    fn needs_less(&self) -> &'static str;

    /// Returns whether the fit minimises `train.loss`.
    fn learns_by_loss(&self) -> bool;

    /// Returns why the fit cannot stop early, as a clause; `None` if it can.
    fn never_stops_early(&self) -> Option<&'static str>;

    /// Returns options that are fast to fit, for tests.
    fn small() -> Self
    where
        Self: Sized;
}

/// The amount of training data.
#[derive(Debug, Clone, Copy)]
pub struct FitExtent {
    /// Training units.
    pub units: u64,
    /// Rows of all units.
    pub rows: u64,
    /// Rows that models on the feature table learn from.
    pub picked: u64,
    /// Width of the feature table.
    pub table_width: u64,
    /// Width of the per-cycle inputs.
    pub sequence_width: u64,
    /// Number of threads.
    pub threads: u64,
}

impl FitExtent {
    /// Returns the width of a row of an input.
    pub fn width(&self, input: InputKind) -> u64 {
        match input {
            InputKind::Table => self.table_width,
            InputKind::Sequence => self.sequence_width,
            InputKind::Both => self.table_width + self.sequence_width,
        }
    }

    /// Returns the bytes of the inputs of every row, and of those under construction, one unit per thread.
    pub fn inputs(&self, width: u64) -> u64 {
        let making = 16 * self.rows * width * self.threads.min(self.units) / self.units.max(1);
        self.rows * (4 * width + 8) + making
    }

    /// Returns the bytes of the picked rows, counted twice because their table doubles as it grows.
    pub fn table(&self, width: u64) -> u64 {
        2 * self.picked * (4 * width + 8)
    }
}
