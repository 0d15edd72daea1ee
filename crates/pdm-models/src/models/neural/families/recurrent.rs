//! Recurrent networks: GRU and LSTM.

use crate::models::neural::layers::{Cell, Recurrent, StepOrder, Trace};
use crate::models::neural::layout::{ParameterLayout, Weights};
use crate::models::neural::options::{DEEPEST, LONGEST, STRIDE, WIDEST, network_options};
use crate::models::neural::{HistoryReading, NetworkBody, NetworkOptions, SharedOptions};
use pdm_core::domain::{FromData, Problem};

/// Declares the options of a recurrent family; the families differ only in the cell and in how many numbers of a state the
/// backward pass keeps.
macro_rules! recurrent_options {
    ($(#[$about:meta])* $name:ident, $kind:literal, $cell:expr, keeps $kept:literal) => {
        network_options! {
            $(#[$about])*
            $name {
                /// Number of stacked recurrent layers.
                layers: usize = 1,
                /// Width of the recurrent state.
                hidden: usize = 48,
                /// Width of the layer between the state and the prediction.
                head: usize = 32,
                /// Cycles from one step of the network to the next; `auto`: 4, stretched by `features.time_scale`.
                stride: FromData<usize> = FromData::Auto,
                /// Longest sequence of a fit, in steps; of a longer history the last steps are used.
                max_steps: usize = 136,
            }
            fit {}
        }

        impl $name {
            fn stride(&self) -> usize {
                self.stride.or(STRIDE)
            }

            /// Returns what is wrong with the values, with paths relative to this table.
            pub fn problems(&self) -> Vec<Problem> {
                let Self { layers, hidden, head, max_steps, .. } = *self;
                [
                    Problem::out_of_range(&[("layers", layers)], DEEPEST),
                    Problem::out_of_range(&[("hidden", hidden), ("head", head)], WIDEST),
                    Problem::out_of_range(&[("stride", self.stride()), ("max_steps", max_steps)], LONGEST),
                    self.fit().problems(),
                ]
                .concat()
            }
        }

        impl NetworkOptions for $name {
            fn kind(&self) -> &'static str {
                $kind
            }

            fn reading(&self) -> HistoryReading {
                HistoryReading::Sequence { stride: self.stride(), max_steps: self.max_steps }
            }

            fn body(&self, layout: &mut ParameterLayout, inputs: usize) -> NetworkBody {
                NetworkBody::Recurrent(RecurrentLayers::new(layout, $cell, inputs, self.hidden, self.layers))
            }

            fn head(&self) -> usize {
                self.head
            }

            fn kept_a_step(&self, _width: u64) -> u64 {
                $kept * self.hidden as u64 * self.layers as u64 + 8 * self.head as u64
            }

            fn small() -> Self {
                Self { hidden: 8, head: 4, steps: 8, batch: 4, ..Self::default() }
            }
        }
    };
}

recurrent_options! {
    /// Options of a gated recurrent network (GRU) and of its fit.
    GruOptions, "gru", Cell::Gru, keeps 28
}

recurrent_options! {
    /// Options of a network of long short-term memory (LSTM) and of its fit.
    LstmOptions, "lstm", Cell::Lstm, keeps 36
}

/// Stacked recurrent layers over whole sequences.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RecurrentLayers {
    pub(crate) layers: Vec<Recurrent>,
}

/// Values that the backward pass needs.
#[derive(Debug)]
pub(crate) struct LayersKept {
    steps: StepOrder,
    rows: Vec<f32>,
    traces: Vec<Trace>,
}

impl RecurrentLayers {
    fn new(
        layout: &mut ParameterLayout,
        cell: Cell,
        inputs: usize,
        hidden: usize,
        layers: usize,
    ) -> Self {
        let width = |layer: usize| if layer == 0 { inputs } else { hidden };
        let layer =
            |i: usize| Recurrent::new(layout, &format!("layers.{i}"), cell, width(i), hidden);
        Self {
            layers: (0..layers).map(layer).collect(),
        }
    }

    /// Returns the width of the states.
    pub(crate) fn width(&self) -> usize {
        self.layers.last().map_or(0, Recurrent::hidden)
    }

    /// Returns the states of the last layer `[rows, hidden]` for sequences of these lengths.
    pub(crate) fn forward(
        &self,
        weights: &Weights,
        lengths: &[usize],
        rows: &[f32],
    ) -> (Vec<f32>, LayersKept) {
        let steps = StepOrder::of(lengths);
        let first = self.layers[0].input.weight.inputs;
        let mut kept = LayersKept {
            rows: steps.gather(rows, first),
            steps,
            traces: Vec::new(),
        };
        for layer in &self.layers {
            let input = kept.traces.last().map_or(&kept.rows, |trace| &trace.states);
            let trace = layer.forward(weights, &kept.steps, input);
            kept.traces.push(trace);
        }
        let states = kept.traces.last().map_or(&kept.rows, |trace| &trace.states);
        (kept.steps.scatter(states, self.width()), kept)
    }

    /// Adds the gradient by the parameters, given the gradient by the states.
    pub(crate) fn backward(
        &self,
        weights: &Weights,
        kept: &LayersKept,
        by_states: &[f32],
        gradient: &mut [f32],
    ) {
        let mut by_states = kept.steps.gather(by_states, self.width());
        for (i, layer) in self.layers.iter().enumerate().rev() {
            let input = i
                .checked_sub(1)
                .map_or(&kept.rows, |below| &kept.traces[below].states);
            let by_input = layer.backward(
                weights,
                &kept.steps,
                input,
                &kept.traces[i],
                &by_states,
                gradient,
            );
            if i > 0 {
                by_states = layer.input.back(weights, &by_input);
            }
        }
    }
}
