//! Secrets, and the names of environment variables that contain them.

use std::fmt;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Problem, redact};
use crate::codes::Code;
use crate::domain::EnvLookup;

/// The name of an environment variable with a secret: `{ env = "NAME" }` in a pipeline file.
///
/// Options contain this and never the secret, so that a secret is never shown, hashed, logged or cached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SecretName {
    /// Name of the environment variable.
    pub env: String,
}

/// A text that must not be shown: its debug form is `***`, and it has no display form.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// The environment variable of a secret is not set, or empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable `{0}` is not set")]
pub struct MissingSecret(pub String);

/// Hint for a plain text in place of a name; the text is not repeated, since it may be the secret itself.
pub const WRITE_A_NAME: &str = "do not write the secret here; write { env = \"NAME\" } with the name of the environment variable that contains it";

impl SecretName {
    /// Returns the secret name of this environment variable.
    pub fn new(env: impl Into<String>) -> Self {
        Self { env: env.into() }
    }

    /// Returns what is wrong with the name at a key; it is not repeated, since it may be the secret itself.
    pub fn problem(&self, key: &str) -> Option<Problem> {
        let first = self.env.chars().next();
        let is_name = first.is_some_and(|c| !c.is_ascii_digit())
            && self
                .env
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_');
        let what = "`env` is not the name of an environment variable";
        (!is_name).then(|| {
            Problem::new(key, what)
                .with_code(Code::NotAVariableName)
                .hint("write the variable's name (letters, digits and `_`), not its value")
        })
    }

    /// Reads the secret; `variable` returns an environment variable.
    ///
    /// # Errors
    /// The variable is not set, or empty.
    pub fn read(&self, variable: EnvLookup<'_>) -> Result<Secret, MissingSecret> {
        let secret = variable(&self.env)
            .map(|value| Secret::new(&value))
            .filter(|secret| !secret.0.is_empty());
        secret.ok_or_else(|| MissingSecret(self.env.clone()))
    }
}

impl Secret {
    /// Wraps a text without surrounding blanks, such as a trailing newline. From now on it is hidden in all output.
    pub fn new(text: &str) -> Self {
        redact::remember(text);
        Self(text.trim().to_owned())
    }

    /// Returns the text, to send it or to sign with it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<'de> Deserialize<'de> for SecretName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Named)
    }
}

struct Named;

#[derive(Deserialize)]
struct SecretTable {
    env: String,
}

impl<'de> Visitor<'de> for Named {
    type Value = SecretName;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{ env = \"NAME\" }")
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<SecretName, E> {
        Err(E::custom(WRITE_A_NAME))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<SecretName, E> {
        Err(E::custom(WRITE_A_NAME))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<SecretName, E> {
        Err(E::custom(WRITE_A_NAME))
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<SecretName, A::Error> {
        SecretTable::deserialize(MapAccessDeserializer::new(table))
            .map(|SecretTable { env }| SecretName { env })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, Serialize, PartialEq)]
    struct Options {
        secret: SecretName,
    }

    #[test]
    fn a_secret_is_named_and_never_written() {
        let options: Options = toml::from_str("secret = { env = \"KEY\" }").unwrap();
        assert_eq!(options.secret, SecretName::new("KEY"));
        assert_eq!(
            toml::from_str::<Options>(&toml::to_string(&options).unwrap()).unwrap(),
            options
        );
        for wrong in [
            "secret = \"hunter2\"",
            "secret = 7654321",
            "secret = 7654321.0",
        ] {
            let message = toml::from_str::<Options>(wrong).unwrap_err();
            let message = message.message();
            assert!(
                message.contains("write { env = \"NAME\" }") && !message.contains("hunter2"),
                "{message}"
            );
            assert!(!message.contains("7654321"), "{message}");
        }
    }

    #[test]
    fn a_secret_given_instead_of_its_name_is_not_repeated() {
        let problem = SecretName::new("p@ss word").problem("secret").unwrap();
        assert!(!problem.message.contains("p@ss"));
        assert_eq!(SecretName::new("PLANT_KEY_2").problem("secret"), None);
        assert!(
            ["", "2A"]
                .iter()
                .all(|name| SecretName::new(*name).problem("secret").is_some())
        );
    }

    #[test]
    fn a_secret_never_shows() {
        let variable = |name: &str| (name == "KEY").then(|| " hunter2\n".to_owned());
        let secret = SecretName::new("KEY").read(&variable).unwrap();
        assert_eq!(secret.expose(), "hunter2");
        assert_eq!(
            format!("{secret:?} {:#?}", Some(&secret)),
            "*** Some(\n    ***,\n)"
        );
        let missing = SecretName::new("OTHER").read(&variable).unwrap_err();
        assert_eq!(
            missing.to_string(),
            "the environment variable `OTHER` is not set"
        );
    }
}
