use pdm_core::codes::Code;

/// A bundle cannot be written in another program's form.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A model that tells nothing of how it computes.
    #[error("the model is of no family that has an ONNX form")]
    Family,
    /// A model reads other columns than the features have: the bundle was not put together by this program.
    #[error("a model of {reads} inputs is given {columns} columns")]
    Width {
        /// Inputs of the model.
        reads: usize,
        /// Columns it is given.
        columns: usize,
    },
    /// ONNX files end at 2 GiB: the limit of their format.
    #[error("the graph has {bytes} bytes, and an ONNX file at most {most}", most = i32::MAX)]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// There is no unit with a row to make an input of.
    #[error("no unit has a recorded cycle")]
    Empty,
}

impl ExportError {
    /// Returns which kind of error this is.
    pub fn code(&self) -> Code {
        match self {
            Self::Family | Self::Width { .. } | Self::TooLarge { .. } => Code::NotExportable,
            Self::Empty => Code::NothingToExport,
        }
    }
}
