//! What a receiver is notified of.

use serde::Serialize;
use serde_json::Value;

use super::Occasion;
use pdm_core::domain::{redact, redact_json};
use pdm_core::scoring::Score;

/// What a receiver is notified of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Notice {
    /// How the run ended.
    pub occasion: Occasion,
    /// Name of the pipeline.
    pub pipeline: String,
    /// What happened, in one line.
    pub title: String,
    /// What happened, as text.
    pub text: String,
    /// Id of the recorded run, if one was recorded.
    pub run: Option<String>,
    /// The registered version, such as `turbofan/3`.
    pub version: Option<String>,
    /// The model's scores, as judged by the gates.
    pub scores: Vec<Score>,
    /// Details for programs.
    pub details: Value,
}

impl Notice {
    /// Returns a notice without scores.
    pub fn new(occasion: Occasion, pipeline: impl Into<String>, title: impl Into<String>) -> Self {
        let title = title.into();
        Self {
            occasion,
            pipeline: pipeline.into(),
            text: title.clone(),
            title,
            run: None,
            version: None,
            scores: Vec::new(),
            details: Value::Null,
        }
    }

    /// Returns this notice with the secrets in its texts redacted.
    #[must_use]
    pub(super) fn redacted(&self) -> Self {
        let details = self.details.to_string();
        Self {
            title: redact(&self.title).into_owned(),
            text: redact(&self.text).into_owned(),
            details: serde_json::from_str(&redact_json(&details)).unwrap_or(Value::Null),
            ..self.clone()
        }
    }

    /// Returns this notice with another text.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }
}
