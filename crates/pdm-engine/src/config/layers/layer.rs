use std::fmt;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

/// Who wrote a value, from the least to the most important.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layer {
    /// Nobody: it is built in.
    Default,
    /// A file that the pipeline file extends, directly or by way of another.
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

/// All that a pipeline is put together from.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    /// Name of the pipeline file as it is shown.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Where it lies; `extends` begins at the folder around it. Nothing for a text that is in no file.
    pub path: Option<PathBuf>,
    /// The profile to lay over it.
    pub profile: Option<ChosenProfile>,
    /// Variables that set a key each, the later one winning.
    pub variables: Vec<SetVariable>,
    /// Overrides `KEY=VALUE`, the later one winning.
    pub overrides: Vec<String>,
}

/// A profile that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenProfile {
    /// Its name.
    pub name: String,
    /// The environment variable that names it; nothing where the command line does.
    pub variable: Option<String>,
}

/// A variable of the environment that sets a key.
#[derive(Clone, PartialEq, Eq)]
pub struct SetVariable {
    /// Its name, such as `PDM_ML__SPLIT__FOLDS`.
    pub name: String,
    /// The key it stands for where its name does not say so; its value is then always text.
    pub key: Option<String>,
    /// Its value: TOML, or else text.
    pub value: String,
}

impl fmt::Debug for SetVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Who puts a secret into the wrong variable should not find it in a log.
        f.debug_struct("Variable")
            .field("name", &self.name)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl Layers {
    /// Returns a text without any other layer.
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
