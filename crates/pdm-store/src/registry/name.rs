//! The names of models and aliases.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use pdm_core::codes::Code;

/// Most bytes of a name.
const MAX_LENGTH: usize = 64;

/// Names a model in the registry: 1 to 64 lower-case letters, digits, `-`, `_` and `.`, the first a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelName(String);

/// A movable name for a version, such as `champion`; the grammar of [`ModelName`], but neither `latest` nor `v<N>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Alias(String);

/// A name breaks the grammar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Wrong length or a character that is not allowed.
    #[error(
        "`{name}` is not a {what}: expected 1 to 64 lower-case letters, digits, `-`, `_` and `.`, beginning with a \
         letter or digit"
    )]
    Grammar {
        /// `model name` or `alias`.
        what: &'static str,
        /// The name as written.
        name: String,
    },
    /// The word already has a meaning in references.
    #[error("`{name}` cannot be an alias: `latest` and `v<N>` are reserved")]
    Reserved {
        /// The name as written.
        name: String,
    },
}

impl NameError {
    /// Returns which kind of error this is.
    pub fn code(&self) -> Code {
        match self {
            Self::Grammar { .. } | Self::Reserved { .. } => Code::BadName,
        }
    }
}

fn check(what: &'static str, name: &str) -> Result<(), NameError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let follows = |byte: u8| plain(byte) || matches!(byte, b'-' | b'_' | b'.');
    let good = name.len() <= MAX_LENGTH
        && name.bytes().next().is_some_and(plain)
        && name.bytes().all(follows);
    if good {
        Ok(())
    } else {
        Err(NameError::Grammar {
            what,
            name: name.to_owned(),
        })
    }
}

fn is_reserved(name: &str) -> bool {
    let number =
        |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    name == "latest" || name.strip_prefix('v').is_some_and(number)
}

impl ModelName {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Alias {
    /// Returns the alias as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ModelName {
    type Error = NameError;

    fn try_from(name: String) -> Result<Self, NameError> {
        check("model name", &name)?;
        Ok(Self(name))
    }
}

impl TryFrom<String> for Alias {
    type Error = NameError;

    fn try_from(name: String) -> Result<Self, NameError> {
        check("alias", &name)?;
        if is_reserved(&name) {
            Err(NameError::Reserved { name })
        } else {
            Ok(Self(name))
        }
    }
}

impl FromStr for ModelName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        name.to_owned().try_into()
    }
}

impl FromStr for Alias {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        name.to_owned().try_into()
    }
}

impl From<ModelName> for String {
    fn from(name: ModelName) -> Self {
        name.0
    }
}

impl From<Alias> for String {
    fn from(alias: Alias) -> Self {
        alias.0
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_obey_the_grammar() {
        for name in ["a", "turbofan-fd001", "7", "v2.x_y", &"a".repeat(64)] {
            assert!(name.parse::<ModelName>().is_ok(), "{name}");
        }
        for name in [
            "",
            ".",
            "..",
            "-a",
            "A",
            "a/b",
            "a@b",
            "é",
            "a b",
            &"a".repeat(65),
        ] {
            assert!(name.parse::<ModelName>().is_err(), "{name}");
            assert!(name.parse::<Alias>().is_err(), "{name}");
            assert!(
                serde_json::from_value::<ModelName>(name.into()).is_err(),
                "{name}"
            );
        }
    }

    #[test]
    fn words_of_references_are_no_aliases() {
        for name in ["latest", "v1", "v042"] {
            assert_eq!(
                name.parse::<Alias>(),
                Err(NameError::Reserved {
                    name: name.to_owned()
                })
            );
        }
        for name in ["v", "v1a", "latest2", "champion"] {
            assert!(name.parse::<Alias>().is_ok(), "{name}");
        }
    }
}
