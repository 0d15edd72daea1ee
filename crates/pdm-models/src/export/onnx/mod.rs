//! An emitter of ONNX graphs of our own: burn's exporter knows neither LSTM nor attention, nor operations of our own.
//!
//! Linear models and forests are computed in double precision, as the product does. Networks are written in the standard's
//! own operators: `GRU` and `LSTM` with the lengths of the histories, `Conv` with zeros before the first step,
//! attention with a causal mask. Which rows of a history a network reads (every `stride`-th up to the last) is part of
//! the graph, so its input is the plain history.

mod attention;
mod convolution;
mod family;
mod file;
mod graph;
mod linear;
mod network;
mod proto;
mod recurrent;
mod source;
#[cfg(test)]
mod tests;
mod trees;

pub use file::{OPSET, OPSET_TREES, onnx};
