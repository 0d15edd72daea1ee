//! Units and cycles.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The name of one machine that runs to failure: an engine, a bearing, a pump.
///
/// Numeric names sort by value (`2` before `10`), before all other names, which sort as text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct UnitId(Arc<str>);

impl UnitId {
    /// Returns the id with this name.
    pub fn new(name: impl AsRef<str>) -> Self {
        Self(Arc::from(name.as_ref()))
    }

    /// Returns the name as written in the data.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name as a number, if it is one.
    pub fn number(&self) -> Option<u64> {
        self.0.parse().ok()
    }
}

impl From<String> for UnitId {
    fn from(name: String) -> Self {
        Self(name.into())
    }
}

impl From<UnitId> for String {
    fn from(unit: UnitId) -> Self {
        unit.0.as_ref().to_owned()
    }
}

impl From<u32> for UnitId {
    fn from(number: u32) -> Self {
        Self::new(number.to_string())
    }
}

impl Ord for UnitId {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.number(), other.number()) {
            (Some(a), Some(b)) => a.cmp(&b).then_with(|| self.0.cmp(&other.0)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => self.0.cmp(&other.0),
        }
    }
}

impl PartialOrd for UnitId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for UnitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The number of an operating cycle of a unit, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cycle(pub u32);

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numeric_units_sort_by_value_and_before_names() {
        let mut units = ["pump-b", "10", "2", "pump-a"].map(UnitId::new);
        units.sort();
        assert_eq!(
            units.map(|u| u.to_string()),
            ["2", "10", "pump-a", "pump-b"]
        );
    }
}
