use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One station of the line. Each needs all stations before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Read the files and hold them against the expectations.
    Validate,
    /// Fit features on all training units and rank the sensors.
    Features,
    /// Cross-validate by unit, then fit on all training units.
    Train,
    /// Learn interval widths from the out-of-fold predictions and assemble the bundle.
    Calibrate,
    /// Score the bundle under the protocol.
    Evaluate,
    /// Judge the scores, against the champion too.
    Gate,
    /// Make the bundle an immutable version.
    Register,
    /// Point the alias at the version.
    Promote,
}

impl Stage {
    /// All stages, in order.
    pub const ALL: [Self; 8] = [
        Self::Validate,
        Self::Features,
        Self::Train,
        Self::Calibrate,
        Self::Evaluate,
        Self::Gate,
        Self::Register,
        Self::Promote,
    ];

    /// Returns the name in tables, caches and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Validate => "validate",
            Self::Features => "features",
            Self::Train => "train",
            Self::Calibrate => "calibrate",
            Self::Evaluate => "evaluate",
            Self::Gate => "gate",
            Self::Register => "register",
            Self::Promote => "promote",
        }
    }

    /// Returns the version of what the stage computes; raised when the same inputs should give another result.
    ///
    /// It is part of the cache key in place of the program's version, so that an upgrade does not retrain the world.
    pub fn semantic_version(self) -> u32 {
        match self {
            Self::Validate
            | Self::Features
            | Self::Train
            | Self::Calibrate
            | Self::Evaluate
            | Self::Register
            | Self::Promote => 1,
            // 2: intervals that hold on few units, and no comparison of the champion with itself.
            Self::Gate => 2,
        }
    }

    /// Returns this stage and all before it.
    pub fn line_up_to(self) -> &'static [Self] {
        let end = Self::ALL.iter().position(|stage| *stage == self).map_or(0, |at| at + 1);
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
        assert_eq!(Stage::Train.line_up_to(), [Stage::Validate, Stage::Features, Stage::Train]);
        assert_eq!(Stage::Promote.line_up_to(), Stage::ALL);
    }
}
