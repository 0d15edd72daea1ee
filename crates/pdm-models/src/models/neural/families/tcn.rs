//! Temporal convolutional networks.

use crate::models::neural::kernel::{add, relu, relu_back};
use crate::models::neural::layers::{Conv, Dense};
use crate::models::neural::layout::{ParameterLayout, Weights};
use crate::models::neural::options::{LONGEST, MOST_TAPS, STRIDE, WIDEST, network_options};
use crate::models::neural::{HistoryReading, NetworkBody, NetworkOptions, SharedOptions};
use pdm_core::domain::{FromData, Problem};

network_options! {
    /// Options of a temporal convolutional network (Bai, Kolter, Koltun, 2018) and of its fit.
    TcnOptions {
        /// Channels of the convolutions.
        channels: usize = 48,
        /// Residual blocks; the dilation doubles from block to block, so that `blocks` of them cover
        /// `1 + 2 · (kernel − 1) · (2^blocks − 1)` steps.
        blocks: usize = 4,
        /// Number of steps that each convolution covers.
        kernel: usize = 3,
        /// Width of the layer between the last block and the prediction.
        head: usize = 32,
        /// Cycles from one step of the network to the next; `auto`: 4, stretched by `features.time_scale`.
        stride: FromData<usize> = FromData::Auto,
        /// Longest sequence of a fit, in steps; of a longer history the last steps are used.
        max_steps: usize = 136,
    }
    fit { learning_rate: 3e-3 }
}

/// Maximum number of blocks; more would cover more than any history.
const MOST_BLOCKS: usize = 16;

impl TcnOptions {
    fn stride(&self) -> usize {
        self.stride.or(STRIDE)
    }

    /// Returns what is wrong with the values, with paths relative to this table.
    pub fn problems(&self) -> Vec<Problem> {
        let Self {
            channels,
            blocks,
            kernel,
            head,
            max_steps,
            ..
        } = *self;
        [
            Problem::out_of_range(&[("channels", channels), ("head", head)], WIDEST),
            Problem::out_of_range(&[("blocks", blocks)], MOST_BLOCKS),
            Problem::out_of_range(&[("kernel", kernel)], MOST_TAPS),
            Problem::out_of_range(
                &[("stride", self.stride()), ("max_steps", max_steps)],
                LONGEST,
            ),
            self.fit().problems(),
        ]
        .concat()
    }
}

impl NetworkOptions for TcnOptions {
    fn kind(&self) -> &'static str {
        "tcn"
    }

    fn reading(&self) -> HistoryReading {
        HistoryReading::Sequence {
            stride: self.stride(),
            max_steps: self.max_steps,
        }
    }

    fn body(&self, layout: &mut ParameterLayout, inputs: usize) -> NetworkBody {
        let width = |block: usize| if block == 0 { inputs } else { self.channels };
        let block = |i: usize| {
            Block::new(
                layout,
                &format!("blocks.{i}"),
                [width(i), self.channels],
                self.kernel,
                1 << i,
            )
        };
        NetworkBody::Tcn(Tcn {
            blocks: (0..self.blocks).map(block).collect(),
        })
    }

    fn head(&self) -> usize {
        self.head
    }

    fn kept_a_step(&self, _width: u64) -> u64 {
        12 * self.channels as u64 * self.blocks as u64 + 8 * self.head as u64
    }

    fn small() -> Self {
        Self {
            channels: 8,
            blocks: 2,
            head: 4,
            steps: 8,
            batch: 4,
            ..Self::default()
        }
    }
}

/// Residual blocks of causal convolutions over whole sequences.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tcn {
    pub(crate) blocks: Vec<Block>,
}

/// `relu(relu(second(relu(first(x)))) + skip(x))`; without `skip` if the widths are equal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Block {
    pub(crate) first: Conv,
    pub(crate) second: Conv,
    pub(crate) skip: Option<Dense>,
}

/// Values that the backward pass through one block needs.
#[derive(Debug)]
pub(crate) struct BlockKept {
    input: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
    output: Vec<f32>,
}

impl Tcn {
    /// Returns the width of the outputs.
    pub(crate) fn width(&self) -> usize {
        self.blocks.last().map_or(0, |block| block.second.bias.len)
    }

    /// Returns the outputs of the last block, `[rows, channels]`.
    pub(crate) fn forward(
        &self,
        weights: &Weights,
        lengths: &[usize],
        rows: &[f32],
    ) -> (Vec<f32>, Vec<BlockKept>) {
        let mut kept: Vec<BlockKept> = Vec::with_capacity(self.blocks.len());
        for block in &self.blocks {
            let input = kept.last().map_or(rows, |below| &below.output).to_vec();
            kept.push(block.forward(weights, lengths, input));
        }
        (kept.last().map_or(rows, |last| &last.output).to_vec(), kept)
    }

    /// Adds the gradient by the parameters, given the gradient by the outputs.
    pub(crate) fn backward(
        &self,
        weights: &Weights,
        lengths: &[usize],
        kept: &[BlockKept],
        mut by_outputs: Vec<f32>,
        gradient: &mut [f32],
    ) {
        for (i, (block, kept)) in self.blocks.iter().zip(kept).enumerate().rev() {
            by_outputs = block.backward(weights, lengths, kept, by_outputs, i > 0, gradient);
        }
    }
}

impl Block {
    fn new(
        layout: &mut ParameterLayout,
        name: &str,
        [inputs, outputs]: [usize; 2],
        kernel: usize,
        dilation: usize,
    ) -> Self {
        let first = Conv::new(
            layout,
            &format!("{name}.first"),
            [inputs, outputs],
            kernel,
            dilation,
        );
        let second = Conv::new(
            layout,
            &format!("{name}.second"),
            [outputs, outputs],
            kernel,
            dilation,
        );
        let differs = inputs != outputs;
        let skip =
            differs.then(|| Dense::new(layout, &format!("{name}.skip"), [inputs, outputs], inputs));
        Self {
            first,
            second,
            skip,
        }
    }

    fn forward(&self, weights: &Weights, lengths: &[usize], input: Vec<f32>) -> BlockKept {
        let mut first = self.first.apply(weights, lengths, &input);
        relu(&mut first);
        let mut second = self.second.apply(weights, lengths, &first);
        relu(&mut second);
        let mut output = match &self.skip {
            Some(skip) => skip.apply(weights, &input),
            None => input.clone(),
        };
        add(&second, &mut output);
        relu(&mut output);
        BlockKept {
            input,
            first,
            second,
            output,
        }
    }

    /// Returns the gradient by the inputs, if requested.
    fn backward(
        &self,
        weights: &Weights,
        lengths: &[usize],
        kept: &BlockKept,
        mut by_sum: Vec<f32>,
        wanted: bool,
        gradient: &mut [f32],
    ) -> Vec<f32> {
        relu_back(&kept.output, &mut by_sum);
        let mut by_second = by_sum.clone();
        relu_back(&kept.second, &mut by_second);
        self.second
            .learn(lengths, &kept.first, &by_second, gradient);
        let mut by_first = self.second.back(weights, lengths, &by_second);
        relu_back(&kept.first, &mut by_first);
        self.first.learn(lengths, &kept.input, &by_first, gradient);
        if let Some(skip) = &self.skip {
            skip.learn(&kept.input, &by_sum, gradient);
        }
        if !wanted {
            return Vec::new();
        }
        let mut by_input = self.first.back(weights, lengths, &by_first);
        match &self.skip {
            Some(skip) => add(&skip.back(weights, &by_sum), &mut by_input),
            None => add(&by_sum, &mut by_input),
        }
        by_input
    }
}
