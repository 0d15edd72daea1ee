//! The layers of a pipeline, and what it is composed from.

use std::fmt;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

/// Where a value was set; later layers override earlier ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layer {
    /// The built-in default.
    Default,
    /// A file that the pipeline file extends, directly or through another.
    Extends,
    /// The pipeline file.
    File,
    /// The chosen profile, by name.
    Profile(String),
    /// A variable `PDM_ML__SECTION__KEY`.
    Environment,
    /// A `--set`.
    Set,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Extends => f.write_str("extends"),
            Self::File => f.write_str("file"),
            Self::Profile(name) => write!(f, "profile.{name}"),
            Self::Environment => f.write_str("environment"),
            Self::Set => f.write_str("set"),
        }
    }
}

impl Serialize for Layer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Everything that a pipeline is composed from.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    /// Name of the pipeline file as it is shown.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Its path; `extends` is relative to its folder. None for a text that is not in a file.
    pub path: Option<PathBuf>,
    /// The chosen profile.
    pub profile: Option<ChosenProfile>,
    /// Variables that set one key each; a later one overrides an earlier one.
    pub variables: Vec<SetVariable>,
    /// Overrides `KEY=VALUE`; a later one overrides an earlier one.
    pub overrides: Vec<String>,
}

/// A profile that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenProfile {
    /// Its name.
    pub name: String,
    /// The environment variable that names it; none where the command line does.
    pub variable: Option<String>,
}

/// A variable of the environment that sets a key.
#[derive(Clone, PartialEq, Eq)]
pub struct SetVariable {
    /// Its name, such as `PDM_ML__SPLIT__FOLDS`.
    pub name: String,
    /// The key it sets, where its name does not say so; its value is then always text.
    pub key: Option<String>,
    /// Its value: TOML, or else text.
    pub value: String,
}

impl fmt::Debug for SetVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A secret in the wrong variable must not appear in a log.
        f.debug_struct("Variable")
            .field("name", &self.name)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl Layers {
    /// Returns the layers of a text alone.
    pub fn of_text(text: &str, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
            ..Self::default()
        }
    }

    /// Adds overrides.
    #[must_use]
    pub fn with_overrides(mut self, overrides: &[String]) -> Self {
        self.overrides.extend_from_slice(overrides);
        self
    }
}
