//! How networks learn: from the error at every step of every training unit, or at the end of windows.
//!
//! The native backend cuts a batch into chunks of a fixed size and computes the gradient of each on plain slices; threads
//! share the chunks, and the gradients are summed in order, so any number of threads gives the same bytes. With a backend of
//! burn the same network is a graph of burn operations, which the tests also compare the native gradient with. The
//! optimiser's step is ours in both cases, in place on the parameters.

mod adamw;
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
