//! Convolutional networks on windows.

use crate::models::neural::kernel::{tanh_all, tanh_back};
use crate::models::neural::layers::{MapConv, Maps};
use crate::models::neural::layout::{ParameterLayout, Weights};
use crate::models::neural::options::{
    DEEPEST, LONGEST, MOST_TAPS, STRIDE, WIDEST, network_options,
};
use crate::models::neural::{
    Activation, HistoryReading, NetworkBody, NetworkOptions, SharedOptions,
};
use pdm_core::domain::{FromData, Problem};

network_options! {
    /// Options of the deep convolutional network of Li, Ding and Sun (RESS 172, 2018) and of its fit.
    CnnOptions {
        /// Steps of the window the network reads; a shorter history is filled up with zeros before it, which do not
        /// reach the maps.
        window: usize = 30,
        /// Convolutions along time; a last one with a single filter follows.
        layers: usize = 4,
        /// Filters of each convolution.
        filters: usize = 10,
        /// Steps each filter looks at.
        kernel: usize = 10,
        /// Number of steps that the last filter covers.
        last_kernel: usize = 3,
        /// Width of the layer between the maps and the prediction.
        head: usize = 100,
        /// Cycles from one step of the window to the next; `auto`: 4, stretched by `features.time_scale`.
        stride: FromData<usize> = FromData::Auto,
    }
    fit { batch: 256, learning_rate: 2e-3 }
}

impl CnnOptions {
    fn stride(&self) -> usize {
        self.stride.or(STRIDE)
    }

    /// Returns what is wrong with the values, with paths relative to this table.
    pub fn problems(&self) -> Vec<Problem> {
        let Self {
            window,
            layers,
            filters,
            kernel,
            last_kernel,
            head,
            ..
        } = *self;
        [
            Problem::out_of_range(&[("window", window)], WIDEST),
            Problem::out_of_range(&[("layers", layers)], DEEPEST),
            Problem::out_of_range(&[("filters", filters), ("kernel", kernel)], MOST_TAPS),
            Problem::out_of_range(&[("last_kernel", last_kernel)], MOST_TAPS),
            Problem::out_of_range(&[("head", head)], WIDEST),
            Problem::out_of_range(&[("stride", self.stride())], LONGEST),
            self.fit().problems(),
        ]
        .concat()
    }
}

impl NetworkOptions for CnnOptions {
    fn kind(&self) -> &'static str {
        "cnn"
    }

    fn reading(&self) -> HistoryReading {
        HistoryReading::Window {
            stride: self.stride(),
            length: self.window,
        }
    }

    fn body(&self, layout: &mut ParameterLayout, inputs: usize) -> NetworkBody {
        let width = |layer: usize| if layer == 0 { 1 } else { self.filters };
        let mut conv = |i: usize, outputs, taps| {
            MapConv::new(
                layout,
                &format!("convolutions.{i}"),
                [width(i), outputs],
                taps,
            )
        };
        let mut convs: Vec<_> = (0..self.layers)
            .map(|i| conv(i, self.filters, self.kernel))
            .collect();
        convs.push(conv(self.layers, 1, self.last_kernel));
        NetworkBody::Cnn(Cnn {
            convs,
            window: self.window,
            features: inputs,
        })
    }

    fn head(&self) -> usize {
        self.head
    }

    fn activation(&self) -> Activation {
        Activation::Tanh
    }

    fn kept_a_step(&self, width: u64) -> u64 {
        3 * width * (self.filters as u64 * self.layers as u64 + 2)
    }

    fn small() -> Self {
        Self {
            window: 8,
            layers: 2,
            filters: 4,
            kernel: 3,
            head: 4,
            steps: 8,
            batch: 16,
            ..Self::default()
        }
    }
}

/// Convolutions along time, with filters shared by all features, over windows of one length.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cnn {
    pub(crate) convs: Vec<MapConv>,
    pub(crate) window: usize,
    pub(crate) features: usize,
}

/// The input of every convolution of one window, and the last output.
pub(crate) type CnnKept = Vec<Maps>;

impl Cnn {
    /// Returns the width of the outputs: the last map of a window, `window · features`.
    pub(crate) fn width(&self) -> usize {
        self.window * self.features
    }

    /// Returns the last map of each window, `[windows, window · features]`, for windows of at most the full length.
    pub(crate) fn forward(
        &self,
        weights: &Weights,
        lengths: &[usize],
        rows: &[f32],
    ) -> (Vec<f32>, Vec<CnnKept>) {
        let mut rows = rows;
        let window = |length: &usize| {
            let (window, rest) = rows.split_at(length * self.features);
            rows = rest;
            self.window(weights, window)
        };
        let kept: Vec<CnnKept> = lengths.iter().map(window).collect();
        (
            kept.iter()
                .filter_map(|maps| maps.last())
                .flat_map(|map| map.map(0))
                .copied()
                .collect(),
            kept,
        )
    }

    /// Adds the gradient by the parameters, given the gradient by the outputs.
    pub(crate) fn backward(
        &self,
        weights: &Weights,
        lengths: &[usize],
        kept: &[CnnKept],
        by_outputs: &[f32],
        gradient: &mut [f32],
    ) {
        for ((kept, by_output), length) in kept
            .iter()
            .zip(by_outputs.chunks_exact(self.width()))
            .zip(lengths)
        {
            self.window_back(weights, self.window - length, kept, by_output, gradient);
        }
    }

    fn window(&self, weights: &Weights, rows: &[f32]) -> CnnKept {
        let missing = self.window - rows.len() / self.features;
        let mut input = self.maps(1, self.convs[0].padding());
        input.map_mut(0)[missing * self.features..].copy_from_slice(rows);
        let mut kept = vec![input];
        for (i, conv) in self.convs.iter().enumerate() {
            let padding = self.convs.get(i + 1).map_or([0; 2], MapConv::padding);
            let mut output = self.maps(conv.bias.len, padding);
            conv.apply(weights, &kept[i], &mut output);
            output.each(|_, values| tanh_all(values));
            output.mask(missing);
            kept.push(output);
        }
        kept
    }

    fn window_back(
        &self,
        weights: &Weights,
        missing: usize,
        kept: &CnnKept,
        by_output: &[f32],
        gradient: &mut [f32],
    ) {
        let last = &self.convs[self.convs.len() - 1];
        let mut by_maps = self.maps(1, last.padding_back());
        by_maps.map_mut(0).copy_from_slice(by_output);
        for (i, conv) in self.convs.iter().enumerate().rev() {
            by_maps.each(|map, values| tanh_back(kept[i + 1].map(map), values));
            by_maps.mask(missing);
            conv.learn(&kept[i], &by_maps, gradient);
            if i > 0 {
                let mut by_inputs = self.maps(conv.inputs, self.convs[i - 1].padding_back());
                conv.back(weights, &by_maps, &mut by_inputs);
                by_maps = by_inputs;
            }
        }
    }

    fn maps(&self, maps: usize, padding: [usize; 2]) -> Maps {
        Maps::new([maps, self.window, self.features], padding)
    }
}
