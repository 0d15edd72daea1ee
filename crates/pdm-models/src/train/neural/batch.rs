//! Batches of training examples, drawn by seed.

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::models::neural::{Chunk, HistoryReading};
use crate::train::UnitExamples;

/// The examples of one step of the optimiser, cut into chunks that are computed in parallel.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct TrainingBatch {
    pub(super) chunks: Vec<Labelled>,
}

/// Sequences with a label for every judged row.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Labelled {
    pub(super) chunk: Chunk,
    /// Labels divided by the label scale.
    pub(super) labels: Vec<f32>,
}

/// Endless batches: every unit, or every window, once in random order, then again in a new order.
pub(super) struct Batches<'a> {
    units: Vec<&'a UnitExamples>,
    reading: HistoryReading,
    size: usize,
    label_scale: f32,
    rng: ChaCha8Rng,
    /// Units, or windows by unit and last row.
    order: Vec<(u32, u32)>,
    next: usize,
}

/// Most chunks of a batch: enough for the threads to share, and few enough for short sums over chunks.
const CHUNKS: usize = 16;
/// Fewest sequences of a chunk: matrix products of fewer rows are slower.
const LEAST: usize = 4;

impl<'a> Batches<'a> {
    /// Returns batches of these units, each of which has at least one row.
    pub(super) fn new(
        units: Vec<&'a UnitExamples>,
        reading: HistoryReading,
        size: usize,
        label_scale: f32,
        seed: u64,
    ) -> Self {
        let unit = |i: usize| i as u32;
        let order: Vec<_> = match reading {
            HistoryReading::Sequence { .. } => (0..units.len()).map(|i| (unit(i), 0)).collect(),
            HistoryReading::Window { .. } => units
                .iter()
                .enumerate()
                .flat_map(|(i, u)| (0..u.rows()).map(move |row| (unit(i), row as u32)))
                .collect(),
        };
        let next = order.len();
        Self {
            units,
            reading,
            size,
            label_scale,
            rng: ChaCha8Rng::seed_from_u64(seed),
            order,
            next,
        }
    }

    /// Returns the next batch.
    pub(super) fn draw(&mut self) -> TrainingBatch {
        if self.next == self.order.len() {
            self.order.shuffle(&mut self.rng);
            self.next = 0;
        }
        let end = self.order.len().min(self.next + self.size);
        let mut batch = TrainingBatch::default();
        for sequences in self.order[self.next..end].chunks(self.size.div_ceil(CHUNKS).max(LEAST)) {
            let mut labelled = Labelled::of(self.reading);
            for (unit, last) in sequences {
                let unit = self.units[*unit as usize];
                match self.reading {
                    HistoryReading::Sequence { stride, max_steps } => {
                        let offset = self.rng.random_range(0..stride.min(unit.rows()));
                        labelled.push_sequence(unit, offset, [stride, max_steps], self.label_scale);
                    }
                    HistoryReading::Window { stride, length } => {
                        labelled.push_window(
                            unit,
                            *last as usize,
                            [stride, length],
                            self.label_scale,
                        );
                    }
                }
            }
            batch.chunks.push(labelled);
        }
        self.next = end;
        batch
    }
}

impl TrainingBatch {
    /// Returns the number of judged rows.
    pub(super) fn judged_rows(&self) -> usize {
        self.chunks
            .iter()
            .map(|labelled| labelled.chunk.outputs())
            .sum()
    }
}

impl Labelled {
    /// Returns an empty chunk for sequences that are read this way.
    pub(super) fn of(reading: HistoryReading) -> Self {
        let chunk = Chunk {
            last_only: matches!(reading, HistoryReading::Window { .. }),
            ..Default::default()
        };
        Self {
            chunk,
            labels: Vec::new(),
        }
    }

    /// Adds every `stride`-th row from `offset` on, the last `max_steps` of them.
    pub(super) fn push_sequence(
        &mut self,
        unit: &UnitExamples,
        offset: usize,
        [stride, max_steps]: [usize; 2],
        label_scale: f32,
    ) {
        let steps = (unit.rows() - offset).div_ceil(stride);
        let first = offset + steps.saturating_sub(max_steps) * stride;
        self.chunk.push(&unit.input, first, unit.rows() - 1, stride);
        let rows = (first..unit.rows()).step_by(stride);
        self.labels
            .extend(rows.map(|row| unit.labels[row] as f32 / label_scale));
    }

    /// Adds the window that ends at row `last`.
    pub(super) fn push_window(
        &mut self,
        unit: &UnitExamples,
        last: usize,
        [stride, length]: [usize; 2],
        label_scale: f32,
    ) {
        self.chunk.push_last(&unit.input, last, stride, length);
        self.labels.push(unit.labels[last] as f32 / label_scale);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::features::Matrix;

    const BY_FOUR: HistoryReading = HistoryReading::Sequence {
        stride: 4,
        max_steps: 3,
    };

    fn unit(rows: usize) -> UnitExamples {
        let values = (0..rows).map(|row| row as f32).collect();
        UnitExamples {
            input: Matrix { width: 1, values },
            labels: (0..rows).map(|row| 10.0 * row as f64).collect(),
        }
    }

    fn drawn(batches: &mut Batches<'_>) -> Vec<usize> {
        batches
            .draw()
            .chunks
            .iter()
            .flat_map(|labelled| labelled.chunk.lengths.clone())
            .collect()
    }

    #[test]
    fn a_sequence_is_every_fourth_row_and_keeps_the_last_steps() {
        let mut labelled = Labelled::of(BY_FOUR);
        labelled.push_sequence(&unit(18), 1, [4, 3], 10.0);
        labelled.push_sequence(&unit(2), 1, [4, 3], 10.0);
        assert_eq!(labelled.chunk.rows, [9.0, 13.0, 17.0, 1.0]);
        assert_eq!(
            (labelled.labels, labelled.chunk.lengths),
            (labelled.chunk.rows, vec![3, 1])
        );
    }

    #[test]
    fn offsets_vary_and_every_unit_has_a_step() {
        let units = vec![unit(40); 20];
        let mut batches = Batches::new(units.iter().collect(), BY_FOUR, 20, 1.0, 1);
        let firsts: BTreeSet<_> = batches
            .draw()
            .chunks
            .iter()
            .map(|labelled| labelled.chunk.rows[0] as usize % 4)
            .collect();
        assert!(firsts.len() > 1);
        let short = [unit(1)];
        assert_eq!(
            Batches::new(short.iter().collect(), BY_FOUR, 8, 1.0, 1)
                .draw()
                .judged_rows(),
            1
        );
    }

    #[test]
    fn every_unit_comes_once_before_any_comes_again() {
        let units = [1, 2, 3, 4, 5].map(unit);
        let every_row = HistoryReading::Sequence {
            stride: 1,
            max_steps: 9,
        };
        let mut batches = Batches::new(units.iter().collect(), every_row, 2, 1.0, 4);
        for _ in 0..10 {
            let lengths = [0, 1, 2].map(|_| drawn(&mut batches));
            assert_eq!(lengths.each_ref().map(Vec::len), [2, 2, 1]);
            let mut lengths = lengths.concat();
            lengths.sort_unstable();
            assert_eq!(lengths, [1, 2, 3, 4, 5]);
        }
    }

    #[test]
    fn every_row_ends_a_window_and_short_histories_give_short_ones() {
        let units = [unit(6)];
        let windows = HistoryReading::Window {
            stride: 2,
            length: 2,
        };
        let batch = Batches::new(units.iter().collect(), windows, 100, 10.0, 4).draw();
        let lasts: BTreeSet<_> = batch
            .chunks
            .iter()
            .flat_map(|l| &l.labels)
            .map(|label| *label as usize)
            .collect();
        assert_eq!(lasts, (0..6).collect());
        let lengths: usize = batch.chunks.iter().flat_map(|l| &l.chunk.lengths).sum();
        assert_eq!(lengths, 1 + 1 + 4 * 2);
    }
}
