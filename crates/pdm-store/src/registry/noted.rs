//! A head of the log that was noted earlier.

use std::str::FromStr;

use super::keys::Sequence;
use pdm_core::content::Digest;

/// A head of the log that was noted earlier: the digest or number of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotedHead {
    /// SHA-256 of the entry's bytes, as `verify` prints it.
    Digest(Digest),
    /// Number of the entry in the log.
    Entry(Sequence),
}

/// The text is not the head of a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not the head of a log: expected the digest that `pdm-ml registry verify` prints, or the number of an entry"
)]
pub struct NotedError(String);

impl FromStr for NotedHead {
    type Err = NotedError;

    fn from_str(text: &str) -> Result<Self, NotedError> {
        if let Ok(digest) = text.parse() {
            return Ok(Self::Digest(digest));
        }
        match text.parse::<Sequence>() {
            Ok(entry) if entry > 0 => Ok(Self::Entry(entry)),
            _ => Err(NotedError(text.to_owned())),
        }
    }
}
