//! The id of a run.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// The id of a run: a UUID of version 7, so that ids sort by start time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(Uuid);

/// The text is not a UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a run id")]
pub struct ParseRunIdError(String);

const SHORTEST: usize = 8;

impl RunId {
    pub(super) fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// Returns whether this id begins with `prefix`; hyphens and case do not matter.
    pub(super) fn starts_with(&self, prefix: &str) -> bool {
        let wanted: String = prefix
            .chars()
            .filter(|c| *c != '-')
            .collect::<String>()
            .to_ascii_lowercase();
        self.0.simple().to_string().starts_with(&wanted)
    }

    /// Returns the shortest prefix of this id, of 8 digits or more, that is unique among `ids`.
    pub(super) fn short_among(&self, ids: &[Self]) -> String {
        let full = self.to_string();
        let unique = |prefix: &str| {
            !ids.iter()
                .any(|other| other != self && other.starts_with(prefix))
        };
        let length = (SHORTEST..full.len())
            .find(|length| !full[..*length].ends_with('-') && unique(&full[..*length]));
        full[..length.unwrap_or(full.len())].to_owned()
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for RunId {
    type Err = ParseRunIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text)
            .map(Self)
            .map_err(|_| ParseRunIdError(text.to_owned()))
    }
}

impl Serialize for RunId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RunId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_runs_sort_later() {
        let ids: Vec<_> = (0..1000).map(|_| RunId::new()).collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn short_names_are_unique_and_accepted() {
        let ids: Vec<_> = (0..100).map(|_| RunId::new()).collect();
        for id in &ids {
            let short = id.short_among(&ids);
            assert!(short.len() >= 8 && !short.ends_with('-'), "{short}");
            assert_eq!(
                ids.iter()
                    .filter(|other| other.starts_with(&short))
                    .collect::<Vec<_>>(),
                [id]
            );
            assert!(id.starts_with(&short.replace('-', "").to_uppercase()));
        }
        assert_eq!(ids[0].short_among(&ids[..1]).len(), 8);
    }
}
