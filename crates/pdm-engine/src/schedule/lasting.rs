//! A length of time in `[schedule]`.

use std::str::FromStr;

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A length of time, written with its unit: `6h`, `30min`, `1h 30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lasting(SignedDuration);

impl Lasting {
    /// Returns a number of hours.
    pub(super) const fn hours(hours: i64) -> Self {
        Self(SignedDuration::from_hours(hours))
    }

    /// Returns the length in whole seconds; zero for a negative one.
    pub fn seconds(self) -> u64 {
        u64::try_from(self.0.as_secs()).unwrap_or(0)
    }
}

impl Serialize for Lasting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{:#}", self.0))
    }
}

impl<'de> Deserialize<'de> for Lasting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        SignedDuration::from_str(&text).map(Self).map_err(|_| {
            de::Error::invalid_value(
                de::Unexpected::Str(&text),
                &"a length of time such as \"6h\" or \"30min\"",
            )
        })
    }
}
