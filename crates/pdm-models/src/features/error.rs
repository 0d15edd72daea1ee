//! Errors of fitting features.

use pdm_core::codes::Code;

/// The features cannot be fitted to these units.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FeatureError {
    /// A named sensor or setting is not in the schema.
    #[error("the data has no column `{column}`; it has {known}")]
    UnknownColumn {
        /// The requested name.
        column: String,
        /// The available names.
        known: String,
    },
    /// No sensor varies within a regime.
    #[error("no sensor carries information: all are constant within each regime")]
    NothingVaries,
    /// There is no training row.
    #[error("there are no training rows")]
    Empty,
}

impl FeatureError {
    /// Returns the error code.
    pub fn code(&self) -> Code {
        match self {
            Self::UnknownColumn { .. } => Code::FeatureColumn,
            Self::NothingVaries => Code::NothingVaries,
            Self::Empty => Code::TooLittleData,
        }
    }
}
