//! One causal gated recurrent layer and a small head, read at a stride.
//!
//! [`GruOptions`] says how it is built and fitted; [`Gru`] is the fitted model. Its forward pass is plain Rust on
//! weight slices, shared by training and serving: microseconds a step, and no tensor runtime in a server.

mod activation;
mod dense;
mod layer;
mod model;
mod options;

pub(crate) use dense::{Dense, accumulate};
pub(crate) use layer::{Gates, GruLayer};
pub use model::Gru;
pub use options::GruOptions;
