//! Causal transformers.

use crate::models::neural::kernel::{add, relu, relu_back};
use crate::models::neural::layers::{Attention, AttentionKept, Dense, Norm, NormKept};
use crate::models::neural::layout::{ParameterLayout, Weights};
use crate::models::neural::options::{DEEPEST, LONGEST, STRIDE, WIDEST, network_options};
use crate::models::neural::{HistoryReading, NetworkBody, NetworkOptions, SharedOptions};
use pdm_core::domain::{FromData, Problem};

network_options! {
    /// Options of a causal transformer encoder (Vaswani et al., NeurIPS 2017; normalised before each part as in Xiong
    /// et al., ICML 2020) and of its fit.
    TransformerOptions {
        /// Width of a row inside the network; a multiple of `heads`.
        width: usize = 48,
        /// Encoder layers.
        layers: usize = 2,
        /// Number of attention heads.
        heads: usize = 4,
        /// Width of the layer inside each feed-forward part.
        feed_forward: usize = 96,
        /// Width of the layer between the encoder and the prediction.
        head: usize = 32,
        /// Cycles from one step of the network to the next; `auto`: 4, stretched by `features.time_scale`.
        stride: FromData<usize> = FromData::Auto,
        /// Longest sequence of a fit, and the maximum number of steps that a step attends to.
        max_steps: usize = 136,
    }
    fit { learning_rate: 2e-3 }
}

impl TransformerOptions {
    fn stride(&self) -> usize {
        self.stride.or(STRIDE)
    }

    /// Returns what is wrong with the values, with paths relative to this table.
    pub fn problems(&self) -> Vec<Problem> {
        let Self {
            width,
            layers,
            heads,
            feed_forward,
            head,
            max_steps,
            ..
        } = *self;
        let mut problems = Problem::out_of_range(&[("width", width), ("heads", heads)], WIDEST);
        if problems.is_empty() && width % heads != 0 {
            let message = format!("{width} is not a multiple of the {heads} heads");
            problems.push(
                Problem::new("width", message).hint(format!("{}", width.next_multiple_of(heads))),
            );
        }
        problems.extend(Problem::out_of_range(&[("layers", layers)], DEEPEST));
        problems.extend(Problem::out_of_range(
            &[("feed_forward", feed_forward), ("head", head)],
            WIDEST,
        ));
        problems.extend(Problem::out_of_range(&[("stride", self.stride())], LONGEST));
        problems.extend(Problem::out_of_range(&[("max_steps", max_steps)], WIDEST));
        [problems, self.fit().problems()].concat()
    }
}

impl NetworkOptions for TransformerOptions {
    fn kind(&self) -> &'static str {
        "transformer"
    }

    fn reading(&self) -> HistoryReading {
        HistoryReading::Sequence {
            stride: self.stride(),
            max_steps: self.max_steps,
        }
    }

    fn body(&self, layout: &mut ParameterLayout, inputs: usize) -> NetworkBody {
        let input = Dense::new(layout, "input", [inputs, self.width], inputs);
        let encoders = (0..self.layers)
            .map(|i| Encoder::new(layout, &format!("layers.{i}"), self))
            .collect();
        let norm = Norm::new(layout, "norm", self.width);
        let positions = positions(self.max_steps, self.width);
        NetworkBody::Transformer(Transformer {
            input,
            encoders,
            norm,
            positions,
        })
    }

    fn head(&self) -> usize {
        self.head
    }

    fn kept_a_step(&self, _width: u64) -> u64 {
        let attention = 3 * self.heads as u64 * self.max_steps as u64;
        let layer = 24 * self.width as u64 + 4 * self.feed_forward as u64 + attention;
        layer * self.layers as u64 + 8 * self.head as u64
    }

    fn small() -> Self {
        Self {
            width: 8,
            layers: 1,
            heads: 2,
            feed_forward: 8,
            head: 4,
            steps: 8,
            batch: 4,
            ..Self::default()
        }
    }
}

/// Encoder layers over whole sequences with sinusoidal positions.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Transformer {
    pub(crate) input: Dense,
    pub(crate) encoders: Vec<Encoder>,
    pub(crate) norm: Norm,
    /// Position embedding of each step, `[steps, width]`; later steps have the last one.
    pub(crate) positions: Vec<f32>,
}

/// `x + attention(norm(x))`, then `x + contract(relu(expand(norm(x))))`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Encoder {
    pub(crate) before_attention: Norm,
    pub(crate) attention: Attention,
    pub(crate) before_feed_forward: Norm,
    pub(crate) expand: Dense,
    pub(crate) contract: Dense,
}

/// Values that the backward pass needs.
#[derive(Debug)]
pub(crate) struct TransformerKept {
    encoders: Vec<EncoderKept>,
    norm: NormKept,
}

#[derive(Debug)]
struct EncoderKept {
    attention_norm: NormKept,
    attention_input: Vec<f32>,
    attention: AttentionKept,
    feed_forward_norm: NormKept,
    feed_forward_input: Vec<f32>,
    expanded: Vec<f32>,
}

/// Returns sine and cosine of wavelengths from 2π to 10 000 · 2π, `[steps, width]`.
fn positions(steps: usize, width: usize) -> Vec<f32> {
    let signal = |at: usize| {
        let (step, column) = ((at / width) as f32, at % width);
        let angle = step * (-(10_000.0f32.ln()) * (column / 2 * 2) as f32 / width as f32).exp();
        if column.is_multiple_of(2) {
            angle.sin()
        } else {
            angle.cos()
        }
    };
    (0..steps * width).map(signal).collect()
}

impl Transformer {
    /// Returns the width of the outputs.
    pub(crate) fn width(&self) -> usize {
        self.norm.scale.len
    }

    /// Returns the outputs `[rows, width]` for sequences of these lengths.
    pub(crate) fn forward(
        &self,
        weights: &Weights,
        lengths: &[usize],
        rows: &[f32],
    ) -> (Vec<f32>, TransformerKept) {
        let mut x = self.input.apply(weights, rows);
        self.add_positions(lengths, &mut x);
        let mut encoders = Vec::with_capacity(self.encoders.len());
        for encoder in &self.encoders {
            encoders.push(encoder.forward(weights, lengths, &mut x));
        }
        let (outputs, norm) = self.norm.forward(weights, &x);
        (outputs, TransformerKept { encoders, norm })
    }

    /// Adds the gradient by the parameters, given the gradient by the outputs.
    pub(crate) fn backward(
        &self,
        weights: &Weights,
        lengths: &[usize],
        rows: &[f32],
        kept: &TransformerKept,
        by_outputs: &[f32],
        gradient: &mut [f32],
    ) {
        let mut by_x = self
            .norm
            .backward(weights, &kept.norm, by_outputs, gradient);
        for (encoder, kept) in self.encoders.iter().zip(&kept.encoders).rev() {
            encoder.backward(weights, lengths, kept, &mut by_x, gradient);
        }
        self.input.learn(rows, &by_x, gradient);
    }

    fn add_positions(&self, lengths: &[usize], x: &mut [f32]) {
        let width = self.width();
        let last = self.positions.len() / width - 1;
        let mut rows = x.chunks_exact_mut(width);
        for length in lengths {
            for (step, row) in rows.by_ref().take(*length).enumerate() {
                let at = step.min(last) * width;
                add(&self.positions[at..at + width], row);
            }
        }
    }
}

impl Encoder {
    fn new(layout: &mut ParameterLayout, name: &str, options: &TransformerOptions) -> Self {
        let TransformerOptions {
            width,
            heads,
            feed_forward,
            max_steps,
            ..
        } = *options;
        Self {
            before_attention: Norm::new(layout, &format!("{name}.attention_norm"), width),
            attention: Attention::new(layout, name, width, heads, max_steps),
            before_feed_forward: Norm::new(layout, &format!("{name}.feed_forward_norm"), width),
            expand: Dense::new(layout, &format!("{name}.up"), [width, feed_forward], width),
            contract: Dense::new(
                layout,
                &format!("{name}.down"),
                [feed_forward, width],
                feed_forward,
            ),
        }
    }

    fn forward(&self, weights: &Weights, lengths: &[usize], x: &mut [f32]) -> EncoderKept {
        let (attention_input, attention_norm) = self.before_attention.forward(weights, x);
        let (mixed, attention) = self.attention.forward(weights, lengths, &attention_input);
        add(&mixed, x);
        let (feed_forward_input, feed_forward_norm) = self.before_feed_forward.forward(weights, x);
        let mut expanded = self.expand.apply(weights, &feed_forward_input);
        relu(&mut expanded);
        add(&self.contract.apply(weights, &expanded), x);
        EncoderKept {
            attention_norm,
            attention_input,
            attention,
            feed_forward_norm,
            feed_forward_input,
            expanded,
        }
    }

    /// Converts the gradient by the layer's outputs to the gradient by its inputs.
    fn backward(
        &self,
        weights: &Weights,
        lengths: &[usize],
        kept: &EncoderKept,
        by_x: &mut [f32],
        gradient: &mut [f32],
    ) {
        self.contract.learn(&kept.expanded, by_x, gradient);
        let mut by_expanded = self.contract.back(weights, by_x);
        relu_back(&kept.expanded, &mut by_expanded);
        self.expand
            .learn(&kept.feed_forward_input, &by_expanded, gradient);
        let by_norm = self.expand.back(weights, &by_expanded);
        add(
            &self.before_feed_forward.backward(
                weights,
                &kept.feed_forward_norm,
                &by_norm,
                gradient,
            ),
            by_x,
        );
        let by_norm = self.attention.backward(
            weights,
            lengths,
            &kept.attention_input,
            &kept.attention,
            by_x,
            gradient,
        );
        add(
            &self
                .before_attention
                .backward(weights, &kept.attention_norm, &by_norm, gradient),
            by_x,
        );
    }
}
