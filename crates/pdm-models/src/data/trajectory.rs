//! The history of one unit.

use pdm_core::domain::{Cycle, UnitId};

/// The recorded history of one unit, one row per cycle.
#[derive(Debug, Clone, PartialEq)]
pub struct Trajectory {
    /// The unit.
    pub unit: UnitId,
    /// The cycle of each row, ascending.
    pub cycles: Vec<Cycle>,
    /// Values as `[channel][row]`; channels in the order of [`super::Schema::channels`].
    pub channels: Vec<Vec<f64>>,
    /// Cycles from the last row to the end of the life; 0 unless a unit failed some time after its last row. Of a history that
    /// does not end in failure, the remaining life is at least this long.
    pub rest: u32,
}

impl Trajectory {
    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.cycles.len()
    }

    /// Returns whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.cycles.is_empty()
    }

    /// Returns the last recorded cycle; zero for an empty history.
    pub fn last_cycle(&self) -> Cycle {
        self.cycles.last().copied().unwrap_or(Cycle(0))
    }

    /// Returns the true remaining useful life at a row of a run-to-failure history, in cycles: last − current, plus the cycles
    /// between the last row and the failure.
    pub fn rul_at(&self, row: usize) -> f64 {
        f64::from(self.last_cycle().0 - self.cycles[row].0) + f64::from(self.rest)
    }

    /// Returns the number of first rows after which the unit worked for at least `cap` cycles: their label is known to be the cap,
    /// also of a history that does not end in failure.
    pub fn rows_known_at(&self, cap: f64) -> usize {
        (0..self.len())
            .take_while(|row| self.rul_at(*row) >= cap)
            .count()
    }

    /// Returns the first `rows` rows, which is what was known at that time.
    #[must_use]
    pub fn cut(&self, rows: usize) -> Self {
        Self {
            unit: self.unit.clone(),
            rest: 0,
            cycles: self.cycles[..rows].to_vec(),
            channels: self
                .channels
                .iter()
                .map(|values| values[..rows].to_vec())
                .collect(),
        }
    }
}
