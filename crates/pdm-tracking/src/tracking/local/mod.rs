//! The local run store: one folder per run, locked while its process lives.

mod active;
mod artifact;
mod collect;
mod folder;
mod listing;
mod looks;
mod status;
mod store;
#[cfg(test)]
mod tests;

pub use active::ActiveRun;
pub use collect::{KeptRun, RemovableRun, RunPolicy, RunRemoval, RunsToRemove};
pub use listing::{ListedRun, ListedScore, RecordedModel, RunFilter, RunListing};
pub use looks::Looks;
pub use store::{Listing, RunStore, RunSummary, Unreadable};

pub(super) use folder::RunFolder;
pub(super) use status::{RunState, read_state};
