//! Lengths of the training histories, from which defaults are derived.

use super::{Trajectory, ValidDataset};

/// Lengths of run-to-failure histories.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lives {
    /// Number of units.
    pub units: usize,
    /// Rows of the shortest history, at least 1.
    pub shortest: usize,
    /// Median number of rows, the lower of two, at least 1.
    pub median: usize,
    /// Rows of the longest history, at least 1.
    pub longest: usize,
    /// Largest true remaining useful life of any row, in cycles.
    pub longest_rul: f64,
}

impl Lives {
    /// Describes these units; without any, every length is 1 row.
    pub fn of(units: &[Trajectory]) -> Self {
        let mut rows: Vec<usize> = units
            .iter()
            .map(Trajectory::len)
            .filter(|rows| *rows > 0)
            .collect();
        rows.sort_unstable();
        let shortest = rows.first().copied().unwrap_or(1);
        let longest = rows.last().copied().unwrap_or(1);
        let median = rows
            .get(rows.len().saturating_sub(1) / 2)
            .copied()
            .unwrap_or(1);
        let with_rows = units.iter().filter(|unit| !unit.is_empty());
        let longest_rul = with_rows.map(|unit| unit.rul_at(0)).fold(0.0, f64::max);
        Self {
            units: units.len(),
            shortest,
            median,
            longest,
            longest_rul,
        }
    }

    /// Returns the factor by which times chosen for units of about 200 cycles are stretched to suit these.
    ///
    /// A power of two, so that it seldom changes as the fleet grows: 1 for a median life from 142 to 282 rows.
    pub fn time_scale(&self) -> f64 {
        let steps = (self.median as f64 / USUAL_LIFE).log2().round();
        steps.clamp(-MOST_STEPS, MOST_STEPS).exp2()
    }
}

/// The typical life for which times in cycles were chosen, in cycles.
const USUAL_LIFE: f64 = 200.0;

/// Times are stretched or shortened by at most 2^8.
const MOST_STEPS: f64 = 8.0;

impl ValidDataset {
    /// Returns the lengths of the training histories.
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
            rest: 0,
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
