//! Errors of exporting a bundle.

use pdm_core::codes::Code;

/// A bundle cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The model does not describe how it computes.
    #[error("models of this family cannot be exported to ONNX")]
    Family,
    /// A model reads other columns than the features have: the bundle was not made by this program.
    #[error("the model reads {reads} inputs, but the features have {columns} columns")]
    Width {
        /// Inputs of the model.
        reads: usize,
        /// Columns of the features.
        columns: usize,
    },
    /// The graph exceeds 2 GiB, the limit of the ONNX format.
    #[error("the graph has {bytes} bytes; the limit of an ONNX file is {most}", most = i32::MAX)]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// There is no unit with a row to make an input from.
    #[error("no unit has a recorded cycle")]
    Empty,
}

impl ExportError {
    /// Returns the error code.
    pub fn code(&self) -> Code {
        match self {
            Self::Family | Self::Width { .. } | Self::TooLarge { .. } => Code::NotExportable,
            Self::Empty => Code::NothingToExport,
        }
    }
}
