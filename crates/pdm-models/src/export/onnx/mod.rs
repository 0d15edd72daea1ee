//! Writes ONNX graphs; burn's exporter supports neither LSTM nor attention nor custom operations.
//!
//! Linear models and forests are computed in double precision, like the models themselves. Networks are written with standard
//! operators: `GRU` and `LSTM` with the lengths of the histories, `Conv` with zeros before the first step, attention with a
//! causal mask. The selection of rows that a network reads (every `stride`-th up to the last) is part of the graph, so its
//! input is the plain history.

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
