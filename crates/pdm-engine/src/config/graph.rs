//! The eight named stages.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

/// One of the eight named stages. Each needs all stages before it.
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
    JsonSchema,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Stage {
    /// Read the files and check them against the expectations.
    Validate,
    /// Fit features on all training units and rank the sensors.
    Features,
    /// Cross-validate by unit, then fit on all training units.
    Train,
    /// Learn interval widths from the out-of-fold predictions and assemble the bundle.
    Calibrate,
    /// Score the bundle under the protocol.
    Evaluate,
    /// Judge the scores, also against the champion.
    Gate,
    /// Make the bundle an immutable version.
    Register,
    /// Point the alias to the version.
    Promote,
}

impl Stage {
    /// All stages, in order.
    pub const ALL: [Self; Self::VARIANTS.len()] =
        *Self::VARIANTS.first_chunk().expect("as many as there are");

    /// Returns the name in tables, caches and messages.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns this stage and all before it.
    pub fn up_to(self) -> &'static [Self] {
        let end = Self::ALL
            .iter()
            .position(|stage| *stage == self)
            .map_or(0, |at| at + 1);
        &Self::ALL[..end]
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_needs_all_before_it() {
        assert_eq!(
            Stage::Train.up_to(),
            [Stage::Validate, Stage::Features, Stage::Train]
        );
        assert_eq!(Stage::Promote.up_to(), Stage::ALL);
    }
}
