//! The machine of each history.

use std::collections::BTreeMap;

use pdm_core::domain::UnitId;

/// The machine of each history; a machine that failed several times has several.
///
/// Histories of one machine resemble each other, so they are always on the same side of a split.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Machines(BTreeMap<UnitId, UnitId>);

impl Machines {
    /// Returns the machine of a history; a history of which nothing is known is a machine of its own.
    pub fn of<'a>(&'a self, history: &'a UnitId) -> &'a UnitId {
        self.0.get(history).unwrap_or(history)
    }

    /// Records the machine of a history.
    pub(super) fn admit(&mut self, history: &UnitId, machine: &UnitId) {
        self.0.insert(history.clone(), machine.clone());
    }
}
