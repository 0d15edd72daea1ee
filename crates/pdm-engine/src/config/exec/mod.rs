//! The user's programs as stages of a pipeline, `[[stage]]`, and the order that their inputs and outputs require.

mod graph;
mod options;
mod paths;

pub(super) use graph::graph_problems;
pub use graph::{ExecGraph, Node};
pub use options::ExecOptions;
pub use paths::covers;

#[cfg(test)]
mod tests;
