//! Neural networks that read sequences: gated recurrent units, long short-term memory, convolutions and transformers.
//!
//! [`Network`] computes outputs and gradients on plain slices: microseconds a step in a server, no tensor runtime, and in
//! a fit several times the speed of a graph of single tensor operations. [`Neural`] is a fitted network. The options of
//! each family say how it is built and fitted (`NetworkOptions`); the fitting itself lives in `train`.

mod chunk;
pub(crate) mod families;
mod family;
mod kernel;
pub(crate) mod layers;
pub(crate) mod layout;
mod model;
mod network;
mod options;
mod quantiles;

pub use families::*;
pub use model::Neural;
pub use options::Schedule;

pub(crate) use chunk::{Chunk, HistoryReading};
pub(crate) use family::{NetworkOptions, WHEN_DIVERGED};
pub(crate) use layout::{Init, ParameterLayout, Weights};
pub(crate) use network::{Activation, Network, NetworkBody};
pub(crate) use options::{FitOptions, SharedOptions, stretched_stride};
pub(crate) use quantiles::{QUANTILES, ordered};
