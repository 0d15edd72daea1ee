//! Causal self-attention.

use super::Dense;
use crate::models::neural::kernel::{Packed, View, Work, exp, multiply_add, vectorised};
use crate::models::neural::layout::{ParameterLayout, Weights};

/// Causal self-attention with several heads (Vaswani et al., NeurIPS 2017): every row attends to itself and the rows of
/// its sequence before it, at most `context` of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Attention {
    /// To adjacent queries, keys and values, `[width, 3 · width]`.
    pub(crate) projections: Dense,
    /// `[width, width]`
    pub(crate) output: Dense,
    pub(crate) heads: usize,
    /// Maximum number of rows that a row attends to.
    pub(crate) context: usize,
}

/// Values that the backward pass needs.
#[derive(Debug, Clone)]
pub(crate) struct AttentionKept {
    /// Queries, keys and values, `[rows, 3 · width]`.
    projected: Vec<f32>,
    /// The attention of each sequence and head, `[rows, rows]` one after the other.
    shares: Vec<Vec<f32>>,
    /// The mixed values of all heads, `[rows, width]`.
    mixed: Vec<f32>,
}

/// One head of one sequence among the projections `[rows, 3 · width]`.
#[derive(Clone, Copy)]
struct Head {
    first: usize,
    rows: usize,
    width: usize,
    /// First column of the head.
    column: usize,
    columns: usize,
}

impl Attention {
    /// Adds the layer to a network.
    pub(crate) fn new(
        layout: &mut ParameterLayout,
        name: &str,
        width: usize,
        heads: usize,
        context: usize,
    ) -> Self {
        let projections = Dense::new(layout, &format!("{name}.qkv"), [width, 3 * width], width);
        let output = Dense::new(layout, &format!("{name}.attended"), [width, width], width);
        Self {
            projections,
            output,
            heads,
            context,
        }
    }

    /// Returns the outputs `[rows, width]` for sequences of these lengths.
    pub(crate) fn forward(
        &self,
        weights: &Weights,
        lengths: &[usize],
        inputs: &[f32],
    ) -> (Vec<f32>, AttentionKept) {
        let projected = self.projections.apply(weights, inputs);
        let mut mixed = vec![0.0; inputs.len()];
        let mut shares = Vec::with_capacity(lengths.len() * self.heads);
        for head in self.each_head(lengths) {
            let share = self.shares(head, &projected);
            let values = Packed::of(head.part(&projected, 2));
            multiply_add(
                View::new(&share, head.rows),
                &values,
                &mut mixed[head.start()..],
                head.width,
            );
            shares.push(share);
        }
        let outputs = self.output.apply(weights, &mixed);
        (
            outputs,
            AttentionKept {
                projected,
                shares,
                mixed,
            },
        )
    }

    /// Adds the gradient by the parameters, and returns the gradient by the inputs.
    pub(crate) fn backward(
        &self,
        weights: &Weights,
        lengths: &[usize],
        inputs: &[f32],
        kept: &AttentionKept,
        by_outputs: &[f32],
        gradient: &mut [f32],
    ) -> Vec<f32> {
        self.output.learn(&kept.mixed, by_outputs, gradient);
        let by_mixed = self.output.back(weights, by_outputs);
        let mut by_projected = vec![0.0; kept.projected.len()];
        for (head, share) in self.each_head(lengths).zip(&kept.shares) {
            self.head_back(head, &kept.projected, share, &by_mixed, &mut by_projected);
        }
        self.projections.learn(inputs, &by_projected, gradient);
        self.projections.back(weights, &by_projected)
    }

    /// Returns the attention weights of each row of a sequence for each row, `[rows, rows]`.
    fn shares(&self, head: Head, projected: &[f32]) -> Vec<f32> {
        let mut shares = vec![0.0; head.rows * head.rows];
        let keys = Packed::of(head.part(projected, 1).transposed());
        multiply_add(head.part(projected, 0), &keys, &mut shares, head.rows);
        vectorised(Softmax {
            rows: head.rows,
            context: self.context,
            scale: head.scale(),
            values: &mut shares,
        });
        shares
    }

    fn head_back(
        &self,
        head: Head,
        projected: &[f32],
        share: &[f32],
        by_mixed: &[f32],
        by_projected: &mut [f32],
    ) {
        let (rows, wide) = (head.rows, 3 * head.width);
        let by_mixed = View::strided(&by_mixed[head.start()..], rows, head.columns, head.width);
        let shares = View::new(share, rows);
        let values = &mut by_projected[head.start_of(2)..];
        multiply_add(shares.transposed(), &Packed::of(by_mixed), values, wide);
        let mut by_scores = vec![0.0; share.len()];
        let values = Packed::of(head.part(projected, 2).transposed());
        multiply_add(by_mixed, &values, &mut by_scores, rows);
        vectorised(SoftmaxBack {
            rows,
            scale: head.scale(),
            shares: share,
            by_scores: &mut by_scores,
        });
        let by_scores = View::new(&by_scores, rows);
        let (queries, keys) = (
            Packed::of(head.part(projected, 0)),
            Packed::of(head.part(projected, 1)),
        );
        multiply_add(
            by_scores,
            &keys,
            &mut by_projected[head.start_of(0)..],
            wide,
        );
        multiply_add(
            by_scores.transposed(),
            &queries,
            &mut by_projected[head.start_of(1)..],
            wide,
        );
    }

    fn each_head(&self, lengths: &[usize]) -> impl Iterator<Item = Head> {
        let width = self.output.weight.inputs;
        let (heads, columns) = (self.heads, width / self.heads);
        let mut first = 0;
        lengths.iter().flat_map(move |rows| {
            let start = first;
            first += rows;
            (0..heads).map(move |head| Head {
                first: start,
                rows: *rows,
                width,
                column: head * columns,
                columns,
            })
        })
    }
}

impl Head {
    /// Returns the queries (0), keys (1) or values (2), `[rows, columns]`.
    fn part<'a>(&self, projected: &'a [f32], part: usize) -> View<'a> {
        View::strided(
            &projected[self.start_of(part)..],
            self.rows,
            self.columns,
            3 * self.width,
        )
    }

    fn start_of(&self, part: usize) -> usize {
        (3 * self.first + part) * self.width + self.column
    }

    fn start(&self) -> usize {
        self.first * self.width + self.column
    }

    fn scale(&self) -> f32 {
        (self.columns as f32).sqrt().recip()
    }
}

/// Converts scores to shares that sum to one over the visible rows, and are zero elsewhere.
struct Softmax<'a> {
    rows: usize,
    context: usize,
    scale: f32,
    values: &'a mut [f32],
}

impl Work for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (row, values) in self.values.chunks_exact_mut(self.rows).enumerate() {
            let oldest = (row + 1).saturating_sub(self.context);
            values[..oldest].fill(0.0);
            values[row + 1..].fill(0.0);
            let seen = &mut values[oldest..=row];
            let largest = seen
                .iter()
                .fold(f32::NEG_INFINITY, |largest, value| largest.max(*value));
            seen.iter_mut()
                .for_each(|value| *value = exp((*value - largest) * self.scale));
            let factor = seen.iter().sum::<f32>().recip();
            seen.iter_mut().for_each(|value| *value *= factor);
        }
    }
}

/// Converts a gradient by shares to one by scores.
struct SoftmaxBack<'a> {
    rows: usize,
    scale: f32,
    shares: &'a [f32],
    by_scores: &'a mut [f32],
}

impl Work for SoftmaxBack<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (shares, by) in self
            .shares
            .chunks_exact(self.rows)
            .zip(self.by_scores.chunks_exact_mut(self.rows))
        {
            let along: f32 = shares.iter().zip(&*by).map(|(share, g)| share * g).sum();
            by.iter_mut()
                .zip(shares)
                .for_each(|(g, share)| *g = self.scale * share * (*g - along));
        }
    }
}
