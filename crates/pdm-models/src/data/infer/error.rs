//! Errors of inferring a pipeline from files.

use crate::data::{DataError, Finding, causes};
use pdm_core::codes::Code;

/// Columns whose reasons a message lists.
const SHOWN: usize = 12;

/// No pipeline can be drafted from the files.
#[derive(Debug, thiserror::Error)]
pub enum InferError {
    /// A file cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A file holds no table.
    #[error("`{file}` {problem}")]
    Unreadable {
        /// The file.
        file: String,
        /// What is wrong, as a predicate.
        problem: String,
        /// What the reader found, if it says which expectation is not met.
        code: Code,
    },
    /// No column names the units, or no column orders their rows.
    #[error(
        "`{file}` has no column that names the units and a second one that rises within each unit{}",
        listed(reasons)
    )]
    NoUnits {
        /// The file.
        file: String,
        /// Each column with the reason why it does not name the units.
        reasons: Vec<String>,
    },
    /// No column can be a sensor.
    #[error(
        "`{file}` has no column that varies and could be a sensor, apart from `{unit}` and `{time}`"
    )]
    NoSensors {
        /// The file.
        file: String,
        /// The column that names the units.
        unit: String,
        /// The column that orders the rows.
        time: String,
    },
}

impl InferError {
    /// Returns the error of a file without a table.
    pub(super) fn unreadable(file: &str, problem: impl Into<String>) -> Self {
        Self::Unreadable {
            file: file.to_owned(),
            problem: problem.into(),
            code: Code::DataColumns,
        }
    }

    /// Returns the error for the findings of a reader.
    pub(super) fn found(file: &str, findings: &[Finding]) -> Self {
        let code = findings
            .first()
            .map_or(Code::DataInvalid, |finding| finding.expectation.code());
        let problem = causes(findings)
            .first()
            .map(|cause| cause.first.message.clone());
        let problem = problem.unwrap_or_else(|| "cannot be read".to_owned());
        Self::Unreadable {
            file: file.to_owned(),
            problem,
            code,
        }
    }

    /// Returns which kind of error this is.
    pub fn code(&self) -> Code {
        match self {
            Self::Data(error) => error.code(),
            Self::Unreadable { code, .. } => *code,
            Self::NoUnits { .. } => Code::NoUnitColumn,
            Self::NoSensors { .. } => Code::NoSensorColumn,
        }
    }

    /// Returns what to do about the error, if known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Data(error) => error.hint(),
            Self::Unreadable { .. } => None,
            Self::NoUnits { .. } => Some(
                "add a column with the name or number of the unit in each row; rows of a unit must be in order of time".to_owned(),
            ),
            Self::NoSensors { .. } => Some("give a file with at least one column of measured numbers".to_owned()),
        }
    }
}

/// Lists the first reasons, one line each.
fn listed(reasons: &[String]) -> String {
    let mut lines: String = reasons
        .iter()
        .take(SHOWN)
        .map(|reason| format!("\n  {reason}"))
        .collect();
    if reasons.len() > SHOWN {
        lines.push_str(&format!("\n  and {} more columns", reasons.len() - SHOWN));
    }
    lines
}
