//! How long the units at hand lived: what defaults follow from.

use super::{Trajectory, ValidDataset};

/// How long run-to-failure units lived.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lives {
    /// Number of units.
    pub units: usize,
    /// Rows of the shortest history, at least 1.
    pub shortest: usize,
    /// Rows of the history in the middle, the lower one of two, at least 1.
    pub median: usize,
    /// Rows of the longest history, at least 1.
    pub longest: usize,
    /// Largest true remaining useful life of any row, in cycles.
    pub longest_rul: f64,
}

impl Lives {
    /// Describes these units; of no units every life is 1 row.
    pub fn of(units: &[Trajectory]) -> Self {
        let mut rows: Vec<usize> = units
            .iter()
            .map(Trajectory::len)
            .filter(|rows| *rows > 0)
            .collect();
        rows.sort_unstable();
        let (shortest, longest) = (
            rows.first().copied().unwrap_or(1),
            rows.last().copied().unwrap_or(1),
        );
        let median = rows
            .get(rows.len().saturating_sub(1) / 2)
            .copied()
            .unwrap_or(1);
        let inhabited = units.iter().filter(|unit| !unit.is_empty());
        let longest_rul = inhabited.map(|unit| unit.rul_at(0)).fold(0.0, f64::max);
        Self {
            units: units.len(),
            shortest,
            median,
            longest,
            longest_rul,
        }
    }

    /// Returns by how much times that suit units of some 200 cycles must be stretched to suit these.
    ///
    /// A power of two, so that a fleet that grows seldom moves it: 1 where the median life is from 142 to 282 rows.
    pub fn time_scale(&self) -> f64 {
        let steps = (self.median as f64 / USUAL_LIFE).log2().round();
        steps.clamp(-MOST_STEPS, MOST_STEPS).exp2()
    }
}

/// The life that times in cycles were first chosen for.
const USUAL_LIFE: f64 = 200.0;

/// Times are made at most 2^8 times as long or as short.
const MOST_STEPS: f64 = 8.0;

impl ValidDataset {
    /// Returns how long the training units lived.
    pub fn lives(&self) -> Lives {
        Lives::of(self.train())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pdm_core::domain::{Cycle, UnitId};

    fn unit(rows: u32) -> Trajectory {
        Trajectory {
            unit: UnitId::from(rows),
            cycles: (1..=rows).map(Cycle).collect(),
            channels: Vec::new(),
        }
    }

    #[test]
    fn lives_are_counted_in_rows_and_remaining_lives_in_cycles() {
        let mut gap = unit(4);
        gap.cycles[3] = Cycle(90);
        let lives = Lives::of(&[unit(9), gap, unit(6)]);
        assert_eq!(
            lives,
            Lives {
                units: 3,
                shortest: 4,
                median: 6,
                longest: 9,
                longest_rul: 89.0
            }
        );
        let none = Lives {
            units: 0,
            shortest: 1,
            median: 1,
            longest: 1,
            longest_rul: 0.0,
        };
        assert_eq!(Lives::of(&[]), none);
    }

    #[test]
    fn times_are_in_proportion_to_the_lives() {
        // The median training lives of FD001 to FD004 are 199, 199, 220 and 234.
        for (median, scale) in [
            (199, 1.0),
            (220, 1.0),
            (234, 1.0),
            (2500, 16.0),
            (25, 0.125),
            (11, 0.0625),
            (1, 1.0 / 256.0),
        ] {
            assert_eq!(
                Lives {
                    median,
                    ..Lives::of(&[])
                }
                .time_scale(),
                scale,
                "{median}"
            );
        }
    }
}
