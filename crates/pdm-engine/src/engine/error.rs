//! Why the engine could not do what it was asked.

use std::io;
use std::path::PathBuf;

use jiff::Timestamp;

use super::concerns::Concern;
use super::exec::ExecError;
use super::locking::LockError;
use super::tune::TuneError;
use crate::cache::CacheError;
use crate::config::{Stage, StepName};
use crate::engine::project_lock::ProjectBusy;
use crate::pipeline::StageError;
use pdm_core::codes::Code;
use pdm_core::events::{BudgetExceeded, Interrupted};
use pdm_models::bundle::BundleError;
use pdm_models::export::ExportError;
use pdm_store::registry::{NameError, RegistryError};

/// Why the engine could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A stage failed.
    #[error("stage `{stage}` failed")]
    Stage {
        /// The stage.
        stage: Stage,
        /// Why.
        source: Box<StageError>,
    },
    /// A program of `[[stage]]` failed.
    #[error("stage `{stage}` failed")]
    Exec {
        /// The stage's name.
        stage: String,
        /// Why.
        source: Box<ExecError>,
    },
    /// The cache cannot be read or written.
    #[error("the stage cache cannot be used")]
    Cache(#[from] CacheError),
    /// The registry cannot be read or written.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A name in `[registry]` breaks the grammar.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A policy file of the registry is not understood.
    #[error("`{}`: {what}", path.display())]
    Policy {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        what: String,
    },
    /// The model cannot be opened.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The model cannot be exported.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The time that was set is before the end of the registry's log.
    #[error("the time is set to {now}, but the registry's log ends at {last}")]
    Clock {
        /// The time that was set.
        now: Timestamp,
        /// Time of the newest entry about the model.
        last: Timestamp,
    },
    /// Data that the newest judged model learnt from are gone.
    #[error("the training files lost data that v{version} learnt from: {losses}")]
    DataLost {
        /// The version.
        version: u32,
        /// What is gone, as a fragment.
        losses: String,
    },
    /// A search did not finish.
    #[error(transparent)]
    Tune(#[from] TuneError),
    /// The run is not the one that is locked.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Another command works on the project.
    #[error(transparent)]
    Busy(#[from] ProjectBusy),
    /// A folder or a file in it cannot be made.
    #[error("cannot write `{}`", path.display())]
    Folder {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Training would not fit its budget, or did not.
    #[error("training was stopped by its budget; {kept}")]
    Budget {
        /// Which budget.
        #[source]
        exceeded: BudgetExceeded,
        /// What is kept, such as `2 of 5 folds are kept`.
        kept: String,
        /// What to do next.
        next: String,
    },
    /// A stage other than training would not fit its memory budget, or did not.
    #[error("stage `{stage}` was stopped by its budget; what was finished before it is kept")]
    OverBudget {
        /// The step.
        stage: StepName,
        /// Which budget.
        #[source]
        exceeded: BudgetExceeded,
        /// What to do next.
        next: String,
    },
    /// There are concerns, and `--strict` was given.
    #[error("--strict: {}", listed(.0))]
    Strict(Vec<Concern>),
    /// A signal asked the work to stop.
    #[error("the work was stopped")]
    Interrupted(#[from] Interrupted),
}

impl EngineError {
    /// Returns which kind of error this is.
    pub fn code(&self) -> Code {
        match self {
            Self::Stage { source, .. } => source.code(),
            Self::Exec { source, .. } => source.code(),
            Self::Cache(error) => error.code(),
            Self::Registry(error) => error.code(),
            Self::Name(error) => error.code(),
            Self::Policy { .. } => Code::Policy,
            Self::Bundle(error) => error.code(),
            Self::Export(error) => error.code(),
            Self::Clock { .. } => Code::ClockBehind,
            Self::DataLost { .. } => Code::DataLost,
            Self::Tune(error) => error.code(),
            Self::Lock(error) => error.code(),
            Self::Busy(_) => Code::ProjectBusy,
            Self::Folder { .. } => Code::FileAccess,
            Self::Budget { exceeded, .. } | Self::OverBudget { exceeded, .. } => exceeded.code(),
            Self::Strict(_) => Code::Strict,
            Self::Interrupted(interrupted) => interrupted.code(),
        }
    }

    /// Returns a function that makes an error of a stage one of the engine.
    pub(super) fn in_stage(stage: Stage) -> impl Fn(StageError) -> Self {
        move |source| Self::Stage {
            stage,
            source: Box::new(source),
        }
    }

    /// Returns the signal or budget that stopped the work, where one is among the causes.
    pub fn interrupted(&self) -> Option<Interrupted> {
        interruption(self)
    }
}

fn listed(concerns: &[Concern]) -> String {
    concerns
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

/// Returns the signal or budget that stopped the work, where one is among the causes of an error.
pub(super) fn interruption(error: &(dyn std::error::Error + 'static)) -> Option<Interrupted> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(interrupted) = error.downcast_ref::<Interrupted>() {
            return Some(*interrupted);
        }
        cause = error.source();
    }
    None
}
