//! The sequences that a network reads at once.

use crate::features::Matrix;

/// How a family reads a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HistoryReading {
    /// All of it, every `stride`-th row, with an output at every step.
    Sequence {
        /// Rows from one step to the next.
        stride: usize,
        /// Maximum number of steps of a sequence in a fit.
        max_steps: usize,
    },
    /// The last `length` steps, with an output at the last one.
    Window {
        /// Rows from one step to the next.
        stride: usize,
        /// Maximum number of steps of a window.
        length: usize,
    },
}

/// Concatenated sequences without padding, which a network processes at once.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Chunk {
    /// `[rows, width]`, where `rows` are those of all sequences together.
    pub(crate) rows: Vec<f32>,
    /// Rows of each sequence, each at least one.
    pub(crate) lengths: Vec<usize>,
    /// Whether there is an output only at the last row of each sequence.
    pub(crate) last_only: bool,
}

impl Chunk {
    /// Adds the rows `first`, `first + stride`, … up to and including `last`.
    pub(crate) fn push(&mut self, history: &Matrix, first: usize, last: usize, stride: usize) {
        let mut length = 0;
        for row in (first..=last).step_by(stride) {
            self.rows.extend_from_slice(history.row(row));
            length += 1;
        }
        self.lengths.push(length);
    }

    /// Adds at most `length` steps that end at `last`.
    pub(crate) fn push_last(
        &mut self,
        history: &Matrix,
        last: usize,
        stride: usize,
        length: usize,
    ) {
        let steps = (last / stride).min(length - 1);
        self.push(history, last - steps * stride, last, stride);
    }

    /// Returns the number of outputs.
    pub(crate) fn outputs(&self) -> usize {
        if self.last_only {
            self.lengths.len()
        } else {
            self.lengths.iter().sum()
        }
    }

    /// Returns the rows of this width that have an output.
    pub(crate) fn judged(&self, rows: Vec<f32>, width: usize) -> Vec<f32> {
        if !self.last_only {
            return rows;
        }
        self.lasts()
            .flat_map(|last| &rows[last * width..(last + 1) * width])
            .copied()
            .collect()
    }

    /// Expands a gradient by the rows with an output to one by all rows.
    pub(crate) fn spread(&self, by_judged: Vec<f32>, width: usize) -> Vec<f32> {
        if !self.last_only {
            return by_judged;
        }
        let rows: usize = self.lengths.iter().sum();
        let mut by_rows = vec![0.0; rows * width];
        for (last, values) in self.lasts().zip(by_judged.chunks_exact(width)) {
            by_rows[last * width..(last + 1) * width].copy_from_slice(values);
        }
        by_rows
    }

    fn lasts(&self) -> impl Iterator<Item = usize> {
        let mut end = 0;
        self.lengths.iter().map(move |length| {
            end += length;
            end - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(rows: usize) -> Matrix {
        Matrix {
            width: 1,
            values: (0..rows).map(|row| row as f32).collect(),
        }
    }

    #[test]
    fn a_window_ends_at_the_given_row_and_may_be_short() {
        let mut chunk = Chunk {
            last_only: true,
            ..Default::default()
        };
        chunk.push_last(&history(20), 17, 4, 3);
        chunk.push_last(&history(20), 5, 4, 3);
        chunk.push_last(&history(20), 0, 4, 3);
        assert_eq!(
            (&chunk.rows[..], &chunk.lengths[..]),
            (&[9.0, 13.0, 17.0, 1.0, 5.0, 0.0][..], &[3, 2, 1][..])
        );
        assert_eq!(chunk.outputs(), 3);
        assert_eq!(chunk.judged(chunk.rows.clone(), 1), [17.0, 5.0, 0.0]);
        assert_eq!(
            chunk.spread(vec![1.0, 2.0, 3.0], 1),
            [0.0, 0.0, 1.0, 0.0, 2.0, 3.0]
        );
    }

    #[test]
    fn a_sequence_has_an_output_at_every_row() {
        let mut chunk = Chunk::default();
        chunk.push(&history(8), 1, 7, 3);
        assert_eq!(
            (chunk.outputs(), chunk.judged(chunk.rows.clone(), 1)),
            (3, vec![1.0, 4.0, 7.0])
        );
    }
}
