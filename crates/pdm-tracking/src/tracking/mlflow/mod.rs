//! MLflow's REST interface, and the replay of journals to it.
//!
//! Tested with MLflow 3.17 and 2.22. Everything here can be repeated: before an object is created, it is searched for; the other
//! requests overwrite with the same values.

mod answer;
mod base;
mod batch;
mod bucket;
mod client;
mod connection;
mod destination;
mod inputs;
mod latency;
mod lost;
mod models;
mod names;
mod parts;
mod remote;
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
pub use state::SyncState;
pub use sync::{SyncReport, sync};

pub(super) use base::ServerAddress;
pub(super) use connection::{flag, number};
pub(super) use latency::Latency;
pub(super) use sync::Syncer;
