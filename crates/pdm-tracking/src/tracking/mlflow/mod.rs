//! MLflow's REST interface, and the replay of journals to it.
//!
//! Tested against MLflow 3.17 and 2.22. Everything here may be repeated: requests that create are preceded by a search for what
//! they would create, the others overwrite with the same.

mod answer;
mod base;
mod batch;
mod bucket;
mod client;
mod connection;
mod inputs;
mod latency;
mod lost;
mod models;
mod names;
mod parts;
mod place;
mod remote;
mod retry;
mod search;
mod state;
mod sync;
#[cfg(test)]
mod tests;
mod tree;
mod wire;
mod wire_models;

pub use client::MlflowClient;
pub use connection::Connection;
pub use lost::{LostRun, lost};
pub use models::{MirrorReport, mirror};
pub use retry::RetryPolicy;
pub use state::SyncState;
pub use sync::{SyncReport, sync};

pub(super) use base::ServerAddress;
pub(super) use connection::{flag, number};
pub(super) use latency::Latency;
pub(super) use sync::Syncer;
