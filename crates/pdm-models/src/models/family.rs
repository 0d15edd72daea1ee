//! What a model family says of itself, in the file with its options: the rest of the program asks here.

use super::InputKind;

/// The answers of a family; its options implement it, beside `problems`, which names what is wrong with them.
pub trait FamilyOptions {
    /// Returns which input the family reads.
    fn input(&self) -> InputKind;

    /// Returns the peak memory of a fit in bytes: its inputs and what the fit itself takes; an upper estimate.
    fn memory(&self, extent: &FitExtent) -> u64;

    /// Returns what to make smaller where a fit takes too much memory, as a fragment.
    fn needs_less(&self) -> &'static str;

    /// Returns whether the fit makes `train.loss` small.
    fn learns_by_loss(&self) -> bool;

    /// Returns why the fit cannot stop early, as a sentence without its end; `None` where it can.
    fn never_stops_early(&self) -> Option<&'static str>;

    /// Returns options that are fitted in a moment, for tests.
    fn small() -> Self
    where
        Self: Sized;
}

/// How much a fit learns from.
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
    /// Threads at work.
    pub threads: u64,
}

impl FitExtent {
    /// Returns how wide a row of an input is.
    pub fn width(&self, input: InputKind) -> u64 {
        match input {
            InputKind::Table => self.table_width,
            InputKind::Sequence => self.sequence_width,
            InputKind::Both => self.table_width + self.sequence_width,
        }
    }

    /// Returns the bytes of the inputs of every row, and of those that are being made, a unit a thread.
    pub fn inputs(&self, width: u64) -> u64 {
        let making = 16 * self.rows * width * self.threads.min(self.units) / self.units.max(1);
        self.rows * (4 * width + 8) + making
    }

    /// Returns the bytes of the rows that are picked; twice, because their table doubles as it grows.
    pub fn table(&self, width: u64) -> u64 {
        2 * self.picked * (4 * width + 8)
    }
}
