use pdm_core::codes::Code;

/// The features cannot be learnt from these units.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FeatureError {
    /// A named sensor or setting is not in the schema.
    #[error("the data has no column `{column}`; it has {known}")]
    UnknownColumn {
        /// The name asked for.
        column: String,
        /// The names at hand.
        known: String,
    },
    /// No sensor varies within a regime.
    #[error("no sensor carries information: all of them are constant within each regime")]
    NothingVaries,
    /// There is no row to learn from.
    #[error("there is no training row")]
    Empty,
}

impl FeatureError {
    /// Returns which kind of error this is.
    pub fn code(&self) -> Code {
        match self {
            Self::UnknownColumn { .. } => Code::FeatureColumn,
            Self::NothingVaries => Code::NothingVaries,
            Self::Empty => Code::TooLittleData,
        }
    }
}
