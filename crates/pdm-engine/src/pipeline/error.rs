//! Why a stage failed.

use std::io;
use std::path::{Path, PathBuf};

use pdm_core::codes::Code;
use pdm_core::domain::UnitId;
use pdm_core::events::Interrupted;
use pdm_core::scoring::{ScoringError, highest_reachable, units_needed};
use pdm_models::bundle::BundleError;
use pdm_models::data::{DataError, QualityReport, Role, SplitError};
use pdm_models::train::TrainError;
use pdm_report::report::ReportError;

/// Why a stage failed.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The data cannot be read at all.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The data do not meet the expectations.
    #[error("the data did not meet its expectations")]
    Invalid(Box<QualityReport>),
    /// The units cannot be divided into folds.
    #[error("the units cannot be split")]
    Split(#[from] SplitError),
    /// The model cannot be fitted.
    #[error("the model cannot be fitted")]
    Train(#[from] TrainError),
    /// The predictions cannot be scored or calibrated.
    #[error("the predictions cannot be scored")]
    Scoring(#[from] ScoringError),
    /// The bundle cannot be written or must not be trusted.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A table cannot be written.
    #[error("a table of the results cannot be written")]
    Report(#[from] ReportError),
    /// There are too few units to calibrate intervals; reported before the fit.
    #[error("{units} training units are too few for intervals of {:.0} % coverage", coverage * 100.0)]
    Coverage {
        /// Coverage asked for, a share.
        coverage: f64,
        /// Number of training units.
        units: usize,
    },
    /// Too few units are held back for a score; reported before the fit.
    #[error("`split.holdout` holds back {} of {units} units{}, but a score needs at least {FEWEST_HELD}", .held.len(), listed(.held))]
    Holdout {
        /// The units that are held back.
        held: Vec<UnitId>,
        /// All units that run to failure.
        units: usize,
        /// Options that would hold back enough, as in the file.
        instead: Option<String>,
    },
    /// A model learnt from units of the holdout it is judged on.
    #[error("a model learnt from {} units of the holdout it is judged on: {}", .units.len(), named(.units))]
    Leak {
        /// The units.
        units: Vec<UnitId>,
    },
    /// A model and the data disagree on the columns.
    #[error("the model was fitted on other columns than the data has")]
    Schema,
    /// A data file changed during the run.
    #[error("the {0} file changed during the run; run it again")]
    DataChanged(Role),
    /// A signal or a budget stopped the work.
    #[error("the work was stopped")]
    Interrupted(#[from] Interrupted),
    /// A file of the cache cannot be read or written.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file of the cache is not what it should be.
    #[error("`{}` is not what an earlier stage wrote", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: serde_json::Error,
    },
}

impl StageError {
    /// Returns which kind of error this is.
    pub fn code(&self) -> Code {
        match self {
            Self::Data(error) => error.code(),
            Self::Invalid(report) => report.code(),
            Self::Split(error) => error.code(),
            Self::Train(error) => error.code(),
            Self::Scoring(error) => error.code(),
            Self::Bundle(error) => error.code(),
            Self::Report(error) => error.code(),
            Self::Coverage { .. } => Code::TooFewUnitsToCalibrate,
            Self::Holdout { .. } => Code::HoldoutTooSmall,
            Self::Leak { .. } => Code::Leak,
            Self::Schema => Code::OtherColumns,
            Self::DataChanged(_) => Code::DataChanged,
            Self::Interrupted(interrupted) => interrupted.code(),
            Self::Io { .. } => Code::FileAccess,
            Self::Json { .. } => Code::CacheChanged,
        }
    }

    /// Returns the next step, where one is known.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Train(error) => return error.hint().map(str::to_owned),
            Self::Coverage { coverage, units } => return Some(coverage_hint(*coverage, *units)),
            Self::Holdout { instead, .. } => return Some(holdout_hint(instead.as_deref())),
            Self::Split(_) => "set split.folds to at most the number of units",
            Self::Scoring(ScoringError::TooFewUnits { .. }) => {
                "a score needs at least 2 units to show a spread"
            }
            Self::Leak { .. } => {
                "a holdout can judge only models that were trained with it: restore split.holdout, or start with another \
                 registry.alias"
            }
            Self::Schema => {
                "fit the model again on these columns, or provide the columns it was fitted on"
            }
            Self::Data(_)
            | Self::Invalid(_)
            | Self::Scoring(_)
            | Self::Bundle(_)
            | Self::Report(_)
            | Self::DataChanged(_)
            | Self::Interrupted(_)
            | Self::Io { .. }
            | Self::Json { .. } => return None,
        };
        Some(hint.to_owned())
    }

    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

/// Fewest units that a score can be computed from.
pub(super) const FEWEST_HELD: usize = 2;

/// Returns a coverage that is possible with these units, and the units that the wanted coverage needs.
fn coverage_hint(coverage: f64, units: usize) -> String {
    let needed = units_needed(coverage);
    match highest_reachable(units) {
        Some(highest) => {
            format!(
                "{units} units reach at most calibrate.coverage = {highest}; {coverage} needs {needed} units"
            )
        }
        None => {
            let lowest = 0.5;
            let fewest = units_needed(lowest);
            format!(
                "{coverage} needs {needed} units, and the lowest coverage, {lowest}, needs {fewest}: add units"
            )
        }
    }
}

fn holdout_hint(instead: Option<&str>) -> String {
    let without = "without split.holdout, models are judged out of fold";
    match instead {
        Some(instead) => format!("write split.holdout = {{ {instead} }}; {without}"),
        None => format!("add units; {without}"),
    }
}

/// Returns names in brackets; empty where there are none.
fn listed(units: &[UnitId]) -> String {
    if units.is_empty() {
        return String::new();
    }
    format!(" ({})", named(units))
}

/// Returns the first few names.
fn named(units: &[UnitId]) -> String {
    const SHOWN: usize = 10;
    let names: Vec<_> = units.iter().take(SHOWN).map(UnitId::as_str).collect();
    let more = if units.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", names.join(", "))
}
