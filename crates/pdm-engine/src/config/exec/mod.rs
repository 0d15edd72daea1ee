//! Programs of the user's as stages of the line: `[[stage]]`, and the order that their inputs and outputs ask for.

mod graph;
mod options;
mod paths;

pub(super) use graph::graph_problems;
pub use graph::{ExecGraph, Node};
pub use options::ExecOptions;
pub use paths::covers;

#[cfg(test)]
mod tests;
