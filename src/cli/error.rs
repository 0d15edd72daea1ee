mod troubles;

use std::error::Error;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

pub(super) use troubles::Seen;

use super::exit::Exit;
use crate::bundle::BundleError;
use crate::data::{DataError, QualityReport};
use crate::engine::{EngineError, LockError, TuneError};
use crate::events::Interrupted;
use crate::export::ExportError;
use crate::observe::LoggedError;
use crate::pipeline::SpecErrors;
use crate::pipeline::stages::StageError;
use crate::registry::{Failure, NameError, ReferenceError, RegistryError};
use crate::report::{self, ReportError};
use crate::tracking::TrackingError;
use crate::train::TrainError;

/// An error on its way out: what to say, what to do next, and the exit code.
pub(super) struct CliError {
    pub(super) exit: Exit,
    cause: Cause,
    hint: Option<String>,
}

enum Cause {
    Error(Box<dyn Error>),
    Spec(Box<SpecErrors>),
    Data(Box<QualityReport>),
}

impl CliError {
    /// An error that ends with exit code 1.
    pub(super) fn failed(error: impl Into<Box<dyn Error>>) -> Self {
        Self { exit: Exit::Failed, cause: Cause::Error(error.into()), hint: None }
    }

    /// A file or folder the system refused.
    pub(super) fn io(action: &str, path: &Path, source: io::Error) -> Self {
        Self::failed(format!("cannot {action} `{}`: {source}", path.display()))
    }

    /// A server that is not reachable.
    pub(super) fn unavailable(error: impl Into<Box<dyn Error>>) -> Self {
        Self::failed(error).exits(Exit::Unavailable)
    }

    /// Work that a signal or a budget ended.
    pub(super) fn interrupted(interrupted: Interrupted) -> Self {
        Self::failed(interrupted).exits(Exit::of_interruption(interrupted))
    }

    /// Problems in the pipeline file or its overrides.
    pub(super) fn spec(errors: SpecErrors) -> Self {
        Self { exit: Exit::Usage, cause: Cause::Spec(Box::new(errors)), hint: None }
    }

    /// Marks the error as a mistake in the arguments.
    pub(super) fn usage(mut self) -> Self {
        self.exit = Exit::Usage;
        self
    }

    /// Adds the next step.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn maybe_hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hint = hint.map(Into::into);
        self
    }

    fn exits(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Returns the words for standard error.
    pub(super) fn render(&self, coloured: bool) -> String {
        let mark = if coloured { "\u{1b}[1;31merror\u{1b}[0m" } else { "error" };
        let mut text = match &self.cause {
            Cause::Spec(errors) => errors.render(coloured),
            Cause::Data(report) => {
                format!("{}\n{mark}: the data did not meet its expectations", report::quality(report))
            }
            Cause::Error(error) => {
                let chain = chain(error.as_ref());
                let causes = chain.iter().skip(1).map(|cause| format!("\n  caused by: {cause}"));
                format!("{mark}: {}{}", chain[0], causes.collect::<String>())
            }
        };
        if let Some(hint) = &self.hint {
            text.push_str(&format!("\n  hint: {hint}"));
        }
        text
    }

    /// Returns the same for a log: the headline and its causes apart, and all of it where a headline is not enough.
    pub(super) fn for_log(&self) -> LoggedError {
        let (message, causes, detail) = match &self.cause {
            Cause::Spec(_) => ("the pipeline has problems".to_owned(), None, Some(self.render(false))),
            Cause::Data(_) => ("the data did not meet its expectations".to_owned(), None, Some(self.render(false))),
            Cause::Error(error) => {
                let chain = chain(error.as_ref());
                let causes = chain[1..].join(": ");
                (chain[0].clone(), Some(causes).filter(|causes| !causes.is_empty()), None)
            }
        };
        LoggedError { message, causes, detail, hint: self.hint.clone() }
    }

    /// Returns the same for programs.
    pub(super) fn to_json(&self) -> Value {
        let mut object = match &self.cause {
            Cause::Spec(errors) => json!({ "message": "the pipeline has problems", "problems": errors.problems() }),
            Cause::Data(report) => json!({ "message": "the data did not meet its expectations", "report": report }),
            Cause::Error(error) => {
                let chain = chain(error.as_ref());
                json!({ "message": chain[0], "causes": chain[1..] })
            }
        };
        object["hint"] = json!(self.hint);
        object["exit"] = json!(self.exit as u8);
        object
    }
}

/// Returns an error's text and those of its causes, without repetitions.
fn chain(error: &dyn Error) -> Vec<String> {
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if texts.last().is_none_or(|last| !last.contains(&text)) {
            texts.push(text);
        }
        cause = error.source();
    }
    texts
}

impl From<EngineError> for CliError {
    fn from(error: EngineError) -> Self {
        if let EngineError::Tune(error) = error {
            return error.into();
        }
        if let Some(interrupted) = error.interrupted() {
            let hint = "run the same command again: finished stages and folds are kept";
            return Self::interrupted(interrupted).hint(hint);
        }
        match error {
            EngineError::Stage { source, stage } => match *source {
                StageError::Invalid(report) => Self { exit: Exit::DataInvalid, cause: Cause::Data(report), hint: None },
                StageError::Data(error) => error.into(),
                StageError::Bundle(error) => error.into(),
                StageError::Train(error @ TrainError::Leak { .. }) => Self::failed(error).exits(Exit::Leak),
                source @ StageError::Leak { .. } => {
                    let hint = source.hint();
                    Self::failed(source).exits(Exit::Leak).maybe_hint(hint)
                }
                source => {
                    let hint = source.hint();
                    Self::failed(EngineError::Stage { stage, source: Box::new(source) }).maybe_hint(hint)
                }
            },
            EngineError::Exec { ref source, .. } => {
                let hint = source.hint();
                Self::failed(error).maybe_hint(hint)
            }
            EngineError::Registry(error) => error.into(),
            error @ (EngineError::Policy { .. } | EngineError::Clock { .. }) => Self::failed(error).usage(),
            EngineError::Lock(error) => error.into(),
            EngineError::Busy(busy) => {
                Self::unavailable(busy).hint("`--wait 10m` waits longer; without `--wait` it waits as long as it takes")
            }
            EngineError::Bundle(error) => error.into(),
            EngineError::Budget { ref next, .. } | EngineError::OverBudget { ref next, .. } => {
                let hint = next.clone();
                Self::failed(error).exits(Exit::BudgetExceeded).hint(hint)
            }
            error => Self::failed(error),
        }
    }
}

impl From<TuneError> for CliError {
    fn from(error: TuneError) -> Self {
        let exit = match &error {
            TuneError::Interrupted { source, .. } => Exit::of_interruption(*source),
            _ => Exit::Failed,
        };
        let hint = error.hint();
        Self::failed(error).exits(exit).maybe_hint(hint)
    }
}

impl From<RegistryError> for CliError {
    fn from(error: RegistryError) -> Self {
        if let RegistryError::Interrupted(interrupted) = error {
            return Self::interrupted(interrupted).hint("run the same command again: what arrived is kept");
        }
        let exit = match error.failure() {
            Failure::Usage => Exit::Usage,
            Failure::Failed => Exit::Failed,
            Failure::Refused => Exit::GateRefused,
            Failure::Undecided => Exit::GateUndecided,
            Failure::Unapproved => Exit::Unapproved,
            Failure::Integrity => Exit::IntegrityBroken,
            Failure::Conflict => Exit::PromotionLost,
            Failure::Unavailable => Exit::Unavailable,
        };
        let hint = error.hint();
        Self::failed(error).exits(exit).maybe_hint(hint)
    }
}

impl From<LockError> for CliError {
    fn from(error: LockError) -> Self {
        let exit = if error.is_about_bytes() { Exit::NotReproduced } else { Exit::Usage };
        let hint = error.hint();
        Self::failed(error).exits(exit).hint(hint)
    }
}

impl From<BundleError> for CliError {
    fn from(error: BundleError) -> Self {
        let exit = if error.is_integrity() { Exit::IntegrityBroken } else { Exit::Failed };
        let hint = match exit {
            Exit::IntegrityBroken => Some("do not use this model; `pdm-ml registry verify` checks the registry's copy"),
            _ => None,
        };
        Self::failed(error).exits(exit).maybe_hint(hint)
    }
}

impl From<ExportError> for CliError {
    fn from(error: ExportError) -> Self {
        Self::failed(error)
    }
}

impl From<TrackingError> for CliError {
    fn from(error: TrackingError) -> Self {
        let exit = if error.is_passing() { Exit::Unavailable } else { Exit::Failed };
        let hint = error.hint().map(ToOwned::to_owned);
        Self::failed(error).exits(exit).maybe_hint(hint)
    }
}

impl From<DataError> for CliError {
    fn from(error: DataError) -> Self {
        let exit = match error {
            DataError::Invalid { .. } | DataError::Refused { .. } => Exit::DataInvalid,
            DataError::Simulate(_) => Exit::Usage,
            _ => Exit::Failed,
        };
        let hint = error.hint();
        Self::failed(error).exits(exit).maybe_hint(hint)
    }
}

impl From<ReportError> for CliError {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::UnknownFormat(_) => Self::failed(error).usage(),
            error => Self::failed(error),
        }
    }
}

impl From<NameError> for CliError {
    fn from(error: NameError) -> Self {
        Self::failed(error).usage()
    }
}

impl From<ReferenceError> for CliError {
    fn from(error: ReferenceError) -> Self {
        Self::failed(error).usage().hint("write name@alias or name/version, such as turbofan@champion or turbofan/3")
    }
}
