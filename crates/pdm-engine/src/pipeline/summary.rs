//! The summary of a stage.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The result of a stage in short: a fragment for people, and figures for programs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// One fragment, such as `5 folds, 800 out-of-fold predictions`.
    pub text: String,
    /// Named figures.
    pub figures: Map<String, Value>,
}

impl Summary {
    /// Returns a summary without figures.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            figures: Map::new(),
        }
    }

    /// Returns this summary with one more figure.
    #[must_use]
    pub fn figure(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.figures.insert(name.to_owned(), value.into());
        self
    }
}
