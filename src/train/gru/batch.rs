use std::ops::Range;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::models::GruOptions;
use crate::train::UnitExamples;

/// Sequences of several units, one after the other without padding.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Batch {
    /// `[steps, width]`, where `steps` are those of all sequences together.
    pub(super) rows: Vec<f32>,
    /// Labels divided by the label scale, `[steps]`.
    pub(super) labels: Vec<f32>,
    /// The steps of each sequence.
    pub(super) sequences: Vec<Range<usize>>,
}

/// Batches without end: every unit once in an order drawn anew, then all over again.
pub(super) struct Batches<'a> {
    units: Vec<&'a UnitExamples>,
    options: &'a GruOptions,
    label_scale: f32,
    rng: ChaCha8Rng,
    next: usize,
}

impl<'a> Batches<'a> {
    /// Returns batches of these units, each of which has a row.
    pub(super) fn new(units: Vec<&'a UnitExamples>, options: &'a GruOptions, label_scale: f32, seed: u64) -> Self {
        let next = units.len();
        Self { units, options, label_scale, rng: ChaCha8Rng::seed_from_u64(seed), next }
    }

    /// Returns the next batch.
    pub(super) fn draw(&mut self) -> Batch {
        if self.next == self.units.len() {
            self.units.shuffle(&mut self.rng);
            self.next = 0;
        }
        let end = self.units.len().min(self.next + self.options.batch_units);
        let units = &self.units[self.next..end];
        self.next = end;
        Batch::read(units, self.options, self.label_scale, &mut self.rng)
    }
}

impl Batch {
    /// Reads every unit at the stride from an offset of its own, drawn anew for every batch.
    fn read(units: &[&UnitExamples], options: &GruOptions, label_scale: f32, rng: &mut ChaCha8Rng) -> Self {
        let mut batch = Self::default();
        for unit in units {
            let offset = rng.random_range(0..options.stride.min(unit.rows()));
            batch.push(unit, offset, options, label_scale);
        }
        batch
    }

    fn push(&mut self, unit: &UnitExamples, offset: usize, options: &GruOptions, label_scale: f32) {
        let start = self.labels.len();
        let steps = (unit.rows() - offset).div_ceil(options.stride);
        let skipped = steps.saturating_sub(options.max_steps);
        for row in (offset..unit.rows()).step_by(options.stride).skip(skipped) {
            self.rows.extend_from_slice(unit.input.row(row));
            self.labels.push(unit.labels[row] as f32 / label_scale);
        }
        self.sequences.push(start..self.labels.len());
    }

    /// Returns the number of steps of all sequences together.
    pub(super) fn steps(&self) -> usize {
        self.labels.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Matrix;

    fn unit(rows: usize) -> UnitExamples {
        let values = (0..rows).map(|row| row as f32).collect();
        UnitExamples { input: Matrix { width: 1, values }, labels: (0..rows).map(|row| 10.0 * row as f64).collect() }
    }

    #[test]
    fn a_sequence_is_every_fourth_row_and_keeps_the_last_steps() {
        let options = GruOptions { max_steps: 3, ..Default::default() };
        let mut batch = Batch::default();
        batch.push(&unit(18), 1, &options, 10.0);
        batch.push(&unit(2), 1, &options, 10.0);
        assert_eq!(batch.rows, [9.0, 13.0, 17.0, 1.0]);
        assert_eq!((&batch.labels, &batch.sequences), (&batch.rows, &vec![0..3, 3..4]));
    }

    #[test]
    fn offsets_vary_and_every_unit_has_a_step() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let unit_40 = unit(40);
        let batch = Batch::read(&[&unit_40; 20], &GruOptions::default(), 1.0, &mut rng);
        let firsts: std::collections::BTreeSet<_> =
            batch.sequences.iter().map(|steps| batch.rows[steps.start] as usize).collect();
        assert_eq!(firsts, (0..4).collect());
        let short = Batch::read(&[&unit(1)], &GruOptions::default(), 1.0, &mut rng);
        assert_eq!(short.steps(), 1);
    }

    #[test]
    fn every_unit_comes_once_before_any_comes_again() {
        let units = [1, 2, 3, 4, 5].map(unit);
        let options = GruOptions { batch_units: 2, stride: 1, ..Default::default() };
        let mut batches = Batches::new(units.iter().collect(), &options, 1.0, 4);
        for _ in 0..10 {
            let drawn = [0, 1, 2].map(|_| batches.draw().sequences);
            assert_eq!(drawn.each_ref().map(Vec::len), [2, 2, 1]);
            let mut lengths: Vec<_> = drawn.concat().iter().map(Range::len).collect();
            lengths.sort_unstable();
            assert_eq!(lengths, [1, 2, 3, 4, 5]);
        }
    }
}
