//! How the recurrent network learns: the error at every step of every training unit at once.
//!
//! Burn holds the parameters, differentiates the head and the loss, forms the weight gradients and takes the optimiser's
//! steps. The recurrence itself is differentiated by hand: unit by unit on plain slices it costs a fraction of a graph
//! with thousands of nodes, and needs no padding.

mod average;
mod batch;
mod fit;
mod gradient;
mod network;
mod recurrence;
mod schedule;

pub(super) use fit::fit_gru;
