//! References to a version of a model.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::name::{Alias, ModelName, NameError};
use pdm_core::codes::Code;

/// Points to one version of a model: `name@alias`, `name@latest`, `name/3` or `name/v3`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelRef {
    /// The model.
    pub model: ModelName,
    /// Which of its versions.
    pub target: Target,
}

/// Which version of a model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// The version an alias points to.
    Alias(Alias),
    /// The version with this number.
    Version(u32),
    /// The version registered last.
    Latest,
}

/// The text is not a reference to a model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// The text holds neither `@` nor `/`.
    #[error("`{0}` is not a model reference; expected name@alias, name@latest or name/3")]
    Shape(String),
    /// The part after the `/` is not a version number.
    #[error("`{version}` in `{text}` is not a version number; expected name/3 or name/v3")]
    Version {
        /// The reference as written.
        text: String,
        /// The part that should be a number.
        version: String,
    },
    /// The name or the alias breaks the grammar.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl ReferenceError {
    /// Returns which kind of error this is.
    pub fn code(&self) -> Code {
        match self {
            Self::Shape(_) | Self::Version { .. } => Code::BadReference,
            Self::Name(error) => error.code(),
        }
    }
}

impl ModelRef {
    /// Reads a reference.
    ///
    /// ```
    /// use pdm_store::registry::{ModelRef, Target};
    ///
    /// assert_eq!(ModelRef::parse("turbofan/v3")?.target, Target::Version(3));
    /// assert_eq!(ModelRef::parse("turbofan@latest")?.target, Target::Latest);
    /// # Ok::<(), pdm_store::registry::ReferenceError>(())
    /// ```
    ///
    /// # Errors
    /// [`ReferenceError`] if the text has another form.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        text.parse()
    }

    /// Returns the reference to a version by its number.
    pub fn version(model: ModelName, version: u32) -> Self {
        Self {
            model,
            target: Target::Version(version),
        }
    }

    /// Returns the reference to the version an alias points to.
    pub fn alias(model: ModelName, alias: Alias) -> Self {
        Self {
            model,
            target: Target::Alias(alias),
        }
    }
}

fn parse_version(text: &str, version: &str) -> Result<u32, ReferenceError> {
    let number = version.strip_prefix('v').unwrap_or(version);
    // `parse` would accept a leading `+`.
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    match number.parse() {
        Ok(number) if digits && number > 0 => Ok(number),
        _ => Err(ReferenceError::Version {
            text: text.to_owned(),
            version: version.to_owned(),
        }),
    }
}

impl FromStr for ModelRef {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if let Some((model, alias)) = text.split_once('@') {
            let target = if alias == "latest" {
                Target::Latest
            } else {
                Target::Alias(alias.parse()?)
            };
            return Ok(Self {
                model: model.parse()?,
                target,
            });
        }
        let (model, version) = text
            .split_once('/')
            .ok_or_else(|| ReferenceError::Shape(text.to_owned()))?;
        Ok(Self {
            model: model.parse()?,
            target: Target::Version(parse_version(text, version)?),
        })
    }
}

impl TryFrom<String> for ModelRef {
    type Error = ReferenceError;

    fn try_from(text: String) -> Result<Self, ReferenceError> {
        text.parse()
    }
}

impl From<ModelRef> for String {
    fn from(reference: ModelRef) -> Self {
        reference.to_string()
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::Alias(alias) => write!(f, "{}@{alias}", self.model),
            Target::Version(version) => write!(f, "{}/{version}", self.model),
            Target::Latest => write!(f, "{}@latest", self.model),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_written_back() {
        for (text, written) in [
            ("fd001@champion", "fd001@champion"),
            ("fd001@latest", "fd001@latest"),
            ("fd001/3", "fd001/3"),
            ("fd001/v3", "fd001/3"),
        ] {
            assert_eq!(ModelRef::parse(text).unwrap().to_string(), written);
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "fd001",
            "fd001@",
            "@champion",
            "fd001/",
            "fd001/0",
            "fd001/x",
            "fd001/+3",
            "fd001/3/4",
            "fd001@v3",
        ] {
            assert!(ModelRef::parse(text).is_err(), "{text}");
        }
        assert!(ModelRef::parse("fd001/99999999999").is_err());
    }
}
