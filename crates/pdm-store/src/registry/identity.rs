//! The id of a registry.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use pdm_core::content::Digest;

/// The id of a registry, created with it and part of every entry of its log; written as a UUID.
///
/// The id of a registry from before entries held one is derived from its first entry, which never changes either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RegistryId(Uuid);

/// The text is not the id of a registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not the id of a registry: expected the UUID that `pdm-ml registry verify` prints"
)]
pub struct IdError(String);

impl RegistryId {
    /// Returns a new id.
    pub(crate) fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// Returns the id of a registry whose first entry has this digest and holds no id.
    pub(crate) fn of_first_entry(digest: Digest) -> Self {
        let digits = digest.to_string();
        let number = u128::from_str_radix(&digits[..32], 16)
            .expect("a digest is written in hexadecimal digits");
        Self(uuid::Builder::from_custom_bytes(number.to_be_bytes()).into_uuid())
    }
}

impl fmt::Display for RegistryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RegistryId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let id = text
            .parse()
            .map(Self)
            .map_err(|_| IdError(text.to_owned()))?;
        // Other spellings of the same id would be other bytes in an entry.
        if id.to_string() == text {
            Ok(id)
        } else {
            Err(IdError(text.to_owned()))
        }
    }
}

impl TryFrom<String> for RegistryId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<RegistryId> for String {
    fn from(id: RegistryId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_written_and_read_back() {
        let id = RegistryId::new();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{id}\""));
        let first = RegistryId::of_first_entry(Digest::of("abc"));
        assert_eq!(first.to_string(), "ba7816bf-8f01-8fea-8141-40de5dae2223");
        for wrong in [
            "plant-7",
            "",
            &id.to_string().to_uppercase(),
            &format!("{{{id}}}"),
        ] {
            assert!(wrong.parse::<RegistryId>().is_err(), "{wrong}");
        }
    }
}
