//! Where the columns of a described data set come from.

use serde::Serialize;

/// How the columns of a data set are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileSource {
    /// A pipeline names them.
    Pipeline,
    /// They were inferred from the file.
    Inferred,
}
