//! How networks learn: the error at every step of every training unit, or at the end of windows.
//!
//! On the CPU a batch is cut into chunks of a fixed size, each of which computes its gradient on plain slices; threads
//! share the chunks, and their gradients are summed in order, so any number of threads gives the same bytes. On another
//! backend the same network is a graph of burn operations, which is also what the tests hold the plain one against.
//! Burn takes the optimiser's steps in both cases.

mod average;
mod batch;
mod checkpoint;
mod fit;
mod gradient;
mod graph;
mod learner;
mod loss;
mod schedule;
mod validation;
mod windows;

pub use loss::Loss;
pub use windows::WindowLearner;

pub(super) use fit::fit_neural;

#[cfg(test)]
mod tests;
