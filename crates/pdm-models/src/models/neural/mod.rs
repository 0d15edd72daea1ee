//! Neural networks that read sequences: gated recurrent units, long short-term memory, convolutions and transformers.
//!
//! [`Network`] computes outputs and gradients on plain slices: a step takes microseconds in a server, no tensor runtime is
//! needed, and a fit is several times faster than with a graph of single tensor operations. [`Neural`] is a fitted network.
//! The options of each family define how it is built and fitted (`NetworkOptions`); the fitting itself is in `train`.

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
