//! MLflow's REST interface, and the replay of journals to it.
//!
//! Tested against MLflow 3.17. Everything here may be repeated: requests that create are preceded by a search for what
//! they would create, the others overwrite with the same.

mod base;
mod batch;
mod client;
mod names;
mod patience;
mod state;
mod sync;
#[cfg(test)]
mod tests;
mod tracker;
mod wire;

pub use client::MlflowClient;
pub use patience::Patience;
pub use state::SyncState;
pub use sync::{SyncReport, sync};

pub(super) use base::Base;
pub(super) use sync::Syncer;
