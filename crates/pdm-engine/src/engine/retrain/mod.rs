//! The night job: decides whether a new model is due, makes it, judges it against the champion, and promotes it or not.
//!
//! What it knows of earlier nights stands in the registry's log and nowhere else: every model it makes is registered, promoted
//! with its reason or given a note that says why not. So the same night run twice does nothing the second time, on another
//! machine too, and a night that was killed goes on where it was.
//!
//! - `memory` reads the log: what was judged already, and how old the champion is;
//! - `conditions` says which reasons hold, with their figures;
//! - `news` compares the training files with those of the version that was judged last;
//! - `run` does the work; [`Retrained`] is what is told of it.

mod conditions;
mod memory;
mod news;
mod recipe;
mod retrained;
mod run;

pub use conditions::ConditionFinding;
pub(super) use memory::Memory;
pub(super) use news::changes_since;
pub use retrained::{NightResult, Retrained};
pub use run::retrain;
