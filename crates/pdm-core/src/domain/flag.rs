//! Flags of predictions whose input differs from the training data.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Prediction, UnitId};

/// A way in which a unit's history differs from the training data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlagKind {
    /// The history begins at another cycle than those of training.
    FirstCycle,
    /// Cycles are missing within the history.
    Gaps,
    /// The unit is older than every training unit; its age is clipped to the oldest one.
    Age,
    /// The history has fewer rows than those at which the model was scored.
    ShortHistory,
    /// A sensor that the model reads has values far outside those of training.
    SensorRange,
    /// A sensor that the model reads has another level from the first cycles on, as in another unit of measure.
    SensorLevel,
    /// A sensor that the model reads repeats one value to the end, for far longer than in any training unit.
    Stuck,
    /// The settings are those of no operating regime of training.
    Settings,
}

impl FlagKind {
    /// All kinds, in the order they are reported.
    pub const ALL: [Self; 8] = [
        Self::FirstCycle,
        Self::Gaps,
        Self::Age,
        Self::ShortHistory,
        Self::SensorRange,
        Self::SensorLevel,
        Self::Stuck,
        Self::Settings,
    ];

    /// Returns the name, as in JSON and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::FirstCycle => "first_cycle",
            Self::Gaps => "gaps",
            Self::Age => "age",
            Self::ShortHistory => "short_history",
            Self::SensorRange => "sensor_range",
            Self::SensorLevel => "sensor_level",
            Self::Stuck => "stuck",
            Self::Settings => "settings",
        }
    }
}

impl fmt::Display for FlagKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One such difference, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    /// What kind of difference it is.
    pub kind: FlagKind,
    /// What was found, and what the training data have.
    pub message: String,
}

/// The numbers of flagged units, in total and by kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FlagCounts {
    all: BTreeSet<UnitId>,
    flagged: BTreeSet<UnitId>,
    by_kind: BTreeMap<FlagKind, BTreeSet<UnitId>>,
}

impl FlagCounts {
    /// Counts the units of some predictions.
    pub fn of(predictions: &[Prediction]) -> Self {
        let mut counts = Self::default();
        for prediction in predictions {
            counts.all.insert(prediction.unit.clone());
            for flag in &prediction.flags {
                counts.flagged.insert(prediction.unit.clone());
                counts
                    .by_kind
                    .entry(flag.kind)
                    .or_default()
                    .insert(prediction.unit.clone());
            }
        }
        counts
    }

    /// Returns whether no unit is flagged.
    pub fn is_empty(&self) -> bool {
        self.flagged.is_empty()
    }

    /// Returns the number of flagged units.
    pub fn units(&self) -> usize {
        self.flagged.len()
    }

    /// Returns the number of flagged units by kind.
    pub fn by_kind(&self) -> impl Iterator<Item = (FlagKind, usize)> {
        self.by_kind
            .iter()
            .map(|(kind, units)| (*kind, units.len()))
    }
}

impl fmt::Display for FlagCounts {
    /// Writes for example `2 of 100 units outside the training data (age 1, gaps 2)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<String> = self
            .by_kind()
            .map(|(kind, units)| format!("{kind} {units}"))
            .collect();
        let flagged = self.units();
        let all = self.all.len();
        let kinds = kinds.join(", ");
        write!(
            f,
            "{flagged} of {all} units outside the training data ({kinds})"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_the_name_of_its_json() {
        assert!(FlagKind::ALL.is_sorted());
        for kind in FlagKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }
}
