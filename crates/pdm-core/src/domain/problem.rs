//! Problems of option values.

use serde::Serialize;

use crate::codes::Code;

/// A problem with an option value, found by the room that uses it.
///
/// The room knows the key; the pipeline room knows its location in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The error code.
    pub code: Code,
    /// Dotted key path, relative to the table the options came from; empty for the table itself.
    pub path: String,
    /// What is wrong, with the value, as a lower-case fragment.
    pub message: String,
    /// What to write instead, if known.
    pub hint: Option<String>,
}

impl Problem {
    /// Returns a problem without a hint: a value that the option cannot take.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: Code::BadValue,
            path: path.into(),
            message: message.into(),
            hint: None,
        }
    }

    /// Returns a problem for every count that is not from 1 to `most`.
    pub fn out_of_range(counts: &[(&str, usize)], most: usize) -> Vec<Self> {
        let wrong = counts
            .iter()
            .filter(|(_, count)| !(1..=most).contains(count));
        wrong
            .map(|(key, count)| Self::new(*key, format!("must be from 1 to {most}, not {count}")))
            .collect()
    }

    /// Returns this problem with another error code.
    #[must_use]
    pub fn with_code(mut self, code: Code) -> Self {
        self.code = code;
        self
    }

    /// Returns this problem with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Returns this problem with a path relative to the table that contains `parent`.
    #[must_use]
    pub fn within(mut self, parent: &str) -> Self {
        self.path = if self.path.is_empty() {
            parent.to_owned()
        } else {
            format!("{parent}.{}", self.path)
        };
        self
    }
}
