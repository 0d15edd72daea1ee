//! Runs the plan: brings a pipeline up to a stage, with every result cached, recorded and reported alike.
//!
//! [`plan`] says what would happen and why; [`bring_up`] does it. Both go through the same steps: a stage whose key is in
//! the cache, or whose effect the registry already shows, is not run again. [`tune()`] searches the pipeline's options;
//! [`retrain()`] is the scheduled job, which checks conditions such as [`drift()`] and trains where one of them holds.

mod against;
mod bring_up;
mod budget;
mod cached;
mod catalog;
mod champion;
mod concerns;
mod context;
mod drift;
mod error;
mod exec;
mod executor;
mod gate_facts;
mod inputs;
mod inspect;
mod judgement;
mod kept_runs;
mod locking;
mod logged_model;
mod memory;
mod memory_watch;
mod notice;
mod outcome;
mod pipeline_run;
mod policy;
mod prediction_journal;
mod project_lock;
mod promote;
mod provide;
mod provision;
mod reads;
mod record;
mod registered;
mod registry_view;
mod remote;
mod resident;
mod results;
mod retrain;
mod reuse;
mod step;
mod tune;

pub use against::{Against, AgainstError, ComparedModel, ComparedPart, ComparedRuns, compare_runs};
use bring_up::RunPurpose;
pub use bring_up::{bring_up, plan, register_refused};
pub use cached::{CachedState, Explanation, cache, why};
pub use catalog::catalog;
pub use champion::{PipelineChampion, champion};
pub use concerns::Concern;
pub use context::{Context, Job};
pub use drift::{Drift, drift};
pub use error::EngineError;
pub use exec::ExecError;
pub use gate_facts::gate_facts;
pub use inspect::{fitted_features, quality, raw_data};
pub use judgement::judgement;
pub use kept_runs::KeptRuns;
pub use locking::{LockError, LockMode, check_lock};
pub use notice::{notice, notice_of_error, notice_of_retrain};
pub use outcome::{Judged, Outcome, PlannedStage, StageAction, StageRow};
pub use prediction_journal::{
    JournalEntry, PredictionJournalError, append as append_predictions, read_journal,
};
pub use project_lock::{ProjectBusy, ProjectLock};
pub use promote::{Approval, PromotionOutcome, approve_version, promote_version};
pub use reads::{Read, folder_at, reads};
pub use registered::registered_model;
pub use retrain::{ConditionFinding, RetrainResult, Retrained, retrain};
pub use reuse::Reuse;
pub use step::is_behind;
pub use tune::{Confirmation, EdgeRow, Ended, TrialRow, TuneError, TuneRequest, Tuned, tune};
