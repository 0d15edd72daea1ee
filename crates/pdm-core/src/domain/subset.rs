//! The subsets of C-MAPSS.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

/// One of the four C-MAPSS subsets (Saxena et al., PHM 2008).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    IntoStaticStr,
    VariantArray,
)]
pub enum Subset {
    /// One operating regime, one fault mode.
    FD001,
    /// Six operating regimes, one fault mode.
    FD002,
    /// One operating regime, two fault modes.
    FD003,
    /// Six operating regimes, two fault modes.
    FD004,
}

impl Subset {
    /// All subsets, in order.
    pub const ALL: [Self; Self::VARIANTS.len()] = *Self::VARIANTS
        .first_chunk()
        .expect("the array has the length of the slice");

    /// Returns the name used in the published file names.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl fmt::Display for Subset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The text is not a C-MAPSS subset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a C-MAPSS subset; expected FD001, FD002, FD003 or FD004")]
pub struct ParseSubsetError(String);

impl FromStr for Subset {
    type Err = ParseSubsetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|subset| subset.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| ParseSubsetError(text.to_owned()))
    }
}
