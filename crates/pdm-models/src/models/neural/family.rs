//! The interface of families of networks, and what all of them have in common.

use std::fmt::Debug;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Activation, HistoryReading, Network, NetworkBody, ParameterLayout, SharedOptions};
use crate::models::InputKind;
use crate::models::{FamilyOptions, FitExtent};

/// Properties of a family of networks, implemented by its options in the file with its layers.
pub(crate) trait NetworkOptions: SharedOptions + ToJson + Debug {
    /// Returns the name of the family.
    fn kind(&self) -> &'static str;

    /// Returns how the family reads a history.
    fn reading(&self) -> HistoryReading;

    /// Builds the layers specific to the family, and adds their parameters to the layout.
    fn body(&self, layout: &mut ParameterLayout, inputs: usize) -> NetworkBody;

    /// Returns the width of the layer between the body and the outputs.
    fn head(&self) -> usize;

    /// Returns the activation function of that layer.
    fn activation(&self) -> Activation {
        Activation::Relu
    }

    /// Returns how many numbers the backward pass keeps per step, besides its `width` inputs and their gradients.
    fn kept_a_step(&self, width: u64) -> u64;

    /// Returns options that are fast to fit, for tests.
    fn small() -> Self
    where
        Self: Sized;
}

/// Options by key, for digests; every serde type has it.
pub(crate) trait ToJson {
    /// Returns the options as JSON.
    fn to_json(&self) -> Value;
}

impl<T: Serialize> ToJson for T {
    fn to_json(&self) -> Value {
        json!(self)
    }
}

/// What to try if the loss of a network is no longer finite.
pub(crate) const WHEN_DIVERGED: &str =
    "lower the network's `learning_rate`, for example to a third, or lower `gradient_clip`";

impl<T: NetworkOptions> FamilyOptions for T {
    fn input(&self) -> InputKind {
        InputKind::Sequence
    }

    /// | term | bytes |
    /// |---|---|
    /// | weights, gradients, averages, two moments and copies | 48 · parameters |
    /// | values kept for the backward pass of a batch | 4 · steps · values per step |
    ///
    /// `steps` is the smaller of a full batch and all units at the stride.
    fn memory(&self, extent: &FitExtent) -> u64 {
        let width = extent.width(self.input());
        let parameters = Network::new(self, width as usize, 1).layout.len() as u64;
        let full_batch = |longest: usize| (self.fit().batch as u64).saturating_mul(longest as u64);
        let steps = match self.reading() {
            HistoryReading::Sequence { stride, max_steps } => {
                full_batch(max_steps).min(extent.rows / (stride as u64).max(1) + extent.units)
            }
            HistoryReading::Window { length, .. } => full_batch(length),
        };
        let kept = steps.saturating_mul(4 * (2 * width + self.kept_a_step(width)));
        kept.saturating_add(48 * parameters)
            .saturating_add(extent.inputs(width))
    }

    fn needs_less(&self) -> &'static str {
        "a smaller model.batch, or fewer and narrower layers"
    }

    fn learns_by_loss(&self) -> bool {
        true
    }

    fn never_stops_early(&self) -> Option<&'static str> {
        None
    }

    fn small() -> Self {
        <Self as NetworkOptions>::small()
    }
}
