//! The scheduled job: decides whether a new model is due, makes it, judges it against the champion, and promotes it or not.
//!
//! All it knows about earlier retrainings is in the registry's log: every model it makes is registered, and promoted with its
//! reason or given a note that says why not. So a second `retrain` does nothing where nothing changed, on another machine too,
//! and one that was killed is continued by the next.
//!
//! - `registry_history` reads the log: what was judged already, and how old the champion is;
//! - `conditions` says which conditions hold, with their figures;
//! - `data_changes` compares the training files with those of the version judged last;
//! - `run` does the work, and [`Retrained`] is its result.

mod conditions;
mod data_changes;
mod recipe;
mod registry_history;
mod retrained;
mod run;

pub use conditions::ConditionFinding;
pub(super) use data_changes::changes_since;
pub(super) use registry_history::RegistryHistory;
pub use retrained::{RetrainResult, Retrained};
pub use run::retrain;
