//! Runs the plan: brings a pipeline up to a stage, with every result cached, recorded and reported alike.
//!
//! [`plan`] says what would happen and why; [`bring_up`] makes it happen. Both ask the same line: a stage whose key
//! is in the cache, or whose effect the registry already shows, is not run again. [`tune()`] searches the pipeline's options.

mod bring_up;
mod budget;
mod catalog;
mod context;
mod decide;
mod error;
mod exec;
mod inspect;
mod line;
mod logged_model;
mod memory;
mod outcome;
mod policy;
mod promote;
mod provision;
mod record;
mod registered;
mod resident;
mod reuse;
mod storeroom;
mod train;
mod tune;
mod work;

pub use bring_up::{bring_up, plan};
pub use catalog::catalog;
pub use context::{Context, Job};
pub use error::EngineError;
pub use exec::ExecError;
pub use inspect::{fitted_features, quality};
use line::Line;
pub use outcome::{Action, Judged, Outcome, PlannedStage, StageRow};
pub use promote::{Approval, Promoted, approve_version, promote_version};
pub use registered::registered_model;
pub use reuse::Reuse;
pub use tune::{Confirmation, Ended, TrialRow, TuneError, TuneRequest, Tuned, tune};
