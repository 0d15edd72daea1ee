//! Estimates the memory of a stage before it runs.
//!
//! The peak is the sum of the terms that are in memory at the same time:
//!
//! | term | bytes |
//! |---|---|
//! | the program, memory retained by its allocator, and its threads | 68 MiB + 14 MiB · threads |
//! | data: every row of training and test part | 3 · rows · (8 · channels + 4) |
//! | inputs: every training row | rows · (4 · width + 8) |
//! | inputs while they are made, one unit per thread | 16 · rows · width · min(threads, units) / units |
//! | rows that models on the table learn from, `picked = rows / row_stride + units` | 2 · picked · (4 · width + 8) |
//! | the fit itself | `FamilyOptions::memory` of the family |
//!
//! `width` is that of the model's input. Data counts three times because the file's text and the parser's columns are in
//! memory while it is read, and an allocator seldom returns all of it. The final fit uses every unit, so no fold needs more.
//!
//! The other stages need less, and their first term is smaller. Of 33 measured peaks of training, from 68 to 274 MiB
//! (three families, fleets of 20, 100 and 249 units, 1 to 8 threads, 2026-11-28), none was above the estimate; the estimate
//! was up to 1.4 times the peak, and 2.9 times for a network of 256 hidden values. A budget below the estimate is refused, so
//! give slightly more than the job needs.

use super::TrainOptions;
use crate::data::Lives;
use crate::models::FitExtent;
use crate::models::ModelOptions;

/// Memory of a stage apart from its data: the program and memory retained by its allocator, fixed and per thread.
#[derive(Clone, Copy)]
struct BaseMemory {
    program: u64,
    thread: u64,
}

const TRAINING: BaseMemory = BaseMemory {
    program: 68 << 20,
    thread: 14 << 20,
};
const APPLYING: BaseMemory = BaseMemory {
    program: 64 << 20,
    thread: 6 << 20,
};
const READING: BaseMemory = BaseMemory {
    program: 48 << 20,
    thread: 2 << 20,
};

impl BaseMemory {
    fn with(self, threads: u64) -> u64 {
        self.program + self.thread * threads
    }
}

/// The amount of training data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Training units.
    pub units: u64,
    /// Rows of the training part.
    pub rows: u64,
    /// Rows of the test part, which is also in memory.
    pub test_rows: u64,
    /// Settings and sensors of a row.
    pub channels: u64,
    /// Width of the feature table.
    pub table_width: u64,
    /// Width of the per-cycle inputs.
    pub sequence_width: u64,
    /// Number of threads.
    pub threads: u64,
}

/// Returns an upper estimate of the peak memory of training in bytes, by the table above; the members of a stack are fitted
/// one after the other, so the largest one counts.
pub fn peak_memory(extent: &Extent, model: &ModelOptions, training: &TrainOptions) -> u64 {
    let Extent {
        units,
        rows,
        table_width,
        sequence_width,
        threads,
        ..
    } = *extent;
    // The lives are not known here, so `auto` values follow from their mean.
    let life = (rows / units.max(1)) as usize;
    let lives = Lives {
        units: units as usize,
        shortest: life,
        median: life,
        longest: life,
        longest_rul: 0.0,
    };
    let picked = rows / (training.settled(&lives).row_stride() as u64).max(1) + units;
    let model = model.settled(lives.time_scale());
    let fit = model.family().memory(&FitExtent {
        units,
        rows,
        picked,
        table_width,
        sequence_width,
        threads,
    });
    fit.saturating_add(TRAINING.with(threads) + data(extent))
}

/// Returns the peak memory of reading and validating data files of this many bytes.
///
/// A number takes about five characters in text and eight bytes in memory, so the rows are estimated as twice the text.
pub fn memory_to_read(bytes: u64, threads: u64) -> u64 {
    READING.with(threads) + 6 * bytes
}

/// Returns the peak memory of fitting features and ranking sensors: the data, and the values computed for every row.
pub fn memory_to_learn_features(extent: &Extent) -> u64 {
    READING.with(extent.threads) + data(extent) + 2 * extent.rows * 8 * extent.channels
}

/// Returns the peak memory of calibrating and scoring: the data, and the inputs of the units that are predicted.
pub fn memory_to_apply(extent: &Extent) -> u64 {
    let width = extent.table_width + extent.sequence_width;
    APPLYING.with(extent.threads) + data(extent) + extent.test_rows * (4 * width + 8)
}

/// Returns the memory of the rows of all parts while they are read.
fn data(extent: &Extent) -> u64 {
    3 * (extent.rows + extent.test_rows) * (8 * extent.channels + 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{GbdtOptions, GruOptions, LinearOptions};
    use pdm_core::domain::FromData;

    /// FD004 with 14 sensors.
    const EXTENT: Extent = Extent {
        units: 249,
        rows: 61_249,
        test_rows: 41_214,
        channels: 24,
        table_width: 115,
        sequence_width: 29,
        threads: 2,
    };

    fn mebibytes(extent: &Extent, model: &ModelOptions) -> u64 {
        peak_memory(extent, model, &TrainOptions::default()) >> 20
    }

    /// Measured as the largest resident set of `train`, in MiB, on 2 threads of x86_64 Linux.
    #[test]
    fn the_estimate_is_above_what_was_measured_and_below_three_times_that() {
        let every_row = TrainOptions {
            row_stride: FromData::Set(1),
            ..Default::default()
        };
        let large = GbdtOptions {
            leaves: 255,
            feature_fraction: 1.0,
            rounds: 10,
            ..Default::default()
        };
        let wide = GruOptions {
            hidden: 256,
            batch: 64,
            ..Default::default()
        };
        let measured = [
            (
                ModelOptions::Linear(LinearOptions::default()),
                TrainOptions::default(),
                150,
            ),
            (
                ModelOptions::Gbdt(GbdtOptions::default()),
                TrainOptions::default(),
                155,
            ),
            (ModelOptions::Gbdt(large), every_row, 247),
            (
                ModelOptions::Gru(GruOptions::default()),
                TrainOptions::default(),
                155,
            ),
            (ModelOptions::Gru(wide), TrainOptions::default(), 158),
        ];
        for (model, training, measured) in measured {
            let estimate = peak_memory(&EXTENT, &model, &training) >> 20;
            assert!(
                (measured..3 * measured).contains(&estimate),
                "{}: {estimate} of {measured}",
                model.kind()
            );
        }
    }

    /// Measured as the largest resident set of `data validate`, `features` and `evaluate` on FD004, in MiB, on 2 threads of
    /// x86_64 Linux; its three files have 17 MB.
    #[test]
    fn so_are_the_estimates_of_the_other_stages() {
        let estimates = [
            memory_to_read(17_309_548, 2),
            memory_to_learn_features(&EXTENT),
            memory_to_apply(&EXTENT),
        ];
        for (estimate, measured) in estimates.into_iter().zip([104, 118, 151]) {
            let estimate = estimate >> 20;
            assert!(
                (measured..2 * measured).contains(&estimate),
                "{estimate} of {measured}"
            );
        }
    }

    #[test]
    fn more_of_anything_takes_more() {
        let least = mebibytes(&EXTENT, &ModelOptions::default());
        let more = |extent: Extent| {
            assert!(
                mebibytes(&extent, &ModelOptions::default()) > least,
                "{extent:?}"
            )
        };
        more(Extent {
            rows: 100_000,
            ..EXTENT
        });
        more(Extent {
            test_rows: 100_000,
            ..EXTENT
        });
        more(Extent {
            channels: 40,
            ..EXTENT
        });
        more(Extent {
            table_width: 200,
            ..EXTENT
        });
        more(Extent {
            threads: 64,
            ..EXTENT
        });
        let gru = |options| mebibytes(&EXTENT, &ModelOptions::Gru(options));
        assert!(
            gru(GruOptions {
                hidden: 2000,
                ..Default::default()
            }) > gru(GruOptions::default())
        );
        assert!(
            gru(GruOptions {
                batch: 60,
                ..Default::default()
            }) > gru(GruOptions::default())
        );
        let gbdt = |options| mebibytes(&EXTENT, &ModelOptions::Gbdt(options));
        assert!(
            gbdt(GbdtOptions {
                leaves: 4096,
                ..Default::default()
            }) > least
        );
        assert!(
            gbdt(GbdtOptions {
                rounds: 100_000,
                ..Default::default()
            }) > least
        );
    }
}
