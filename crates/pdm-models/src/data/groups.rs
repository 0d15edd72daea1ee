//! The groups of a pooled data set.

use std::collections::BTreeMap;

use pdm_core::domain::UnitId;

/// The group of each unit in a pooled data set; for C-MAPSS the subset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Groups(BTreeMap<UnitId, String>);

impl Groups {
    /// Returns the group of a unit; `None` in a data set without groups.
    pub fn of(&self, unit: &UnitId) -> Option<&str> {
        self.0.get(unit).map(String::as_str)
    }

    /// Returns the name a unit has within its group, as written in the file.
    pub fn name_within<'a>(&self, unit: &'a UnitId) -> &'a str {
        let name = unit.as_str();
        if let Some(group) = self.of(unit)
            && let Some(rest) = name.strip_prefix(group)
            && let Some(own) = rest.strip_prefix('-')
        {
            return own;
        }
        name
    }

    /// Records the group of a unit and returns its name in the pooled data set.
    pub(super) fn admit(&mut self, unit: &UnitId, group: Option<&str>) -> UnitId {
        let Some(group) = group else {
            return unit.clone();
        };
        let name = UnitId::new(format!("{group}-{unit}"));
        self.0.insert(name.clone(), group.to_owned());
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_a_group_are_named_after_it() {
        let mut groups = Groups::default();
        let plain = groups.admit(&17.into(), None);
        let pooled = groups.admit(&17.into(), Some("FD002"));
        assert_eq!((plain.as_str(), groups.of(&plain)), ("17", None));
        assert_eq!(
            (pooled.as_str(), groups.of(&pooled)),
            ("FD002-17", Some("FD002"))
        );
        assert_eq!(
            (groups.name_within(&plain), groups.name_within(&pooled)),
            ("17", "17")
        );
        assert_eq!(groups.name_within(&UnitId::new("FD002-18")), "FD002-18");
    }
}
