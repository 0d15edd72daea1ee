//! A digest of every training unit, which distinguishes new rows from old rows that were only written differently.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Trajectory, ValidDataset};
use pdm_core::content::Digest;
use pdm_core::domain::UnitId;

/// Hexadecimal digits of a unit's digest that are kept.
const DIGITS: usize = 16;

/// The units of the training files, including those of a holdout, each with its number of rows and a digest of the values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents(BTreeMap<UnitId, UnitContent>);

/// The rows of one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
struct UnitContent {
    rows: usize,
    digest: String,
}

/// How training files differ from an earlier state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Units that are new.
    pub new: Vec<UnitId>,
    /// Units with additional rows at the end.
    pub grown: Vec<UnitId>,
    /// Units with changed values.
    pub changed: Vec<UnitId>,
    /// Units that are gone.
    pub lost: Vec<UnitId>,
    /// Units that have fewer rows than before.
    pub shortened: Vec<UnitId>,
    /// Number of units before.
    pub before: usize,
}

impl Contents {
    /// Takes the digests of the training units of a data set, including those it holds back.
    pub fn of(dataset: &ValidDataset) -> Self {
        Self::of_each(units_of(dataset))
    }

    /// Takes the digests of these units.
    pub fn of_units(units: &[Trajectory]) -> Self {
        Self::of_each(units.iter())
    }

    fn of_each<'a>(units: impl Iterator<Item = &'a Trajectory>) -> Self {
        let content = |unit: &Trajectory| UnitContent {
            rows: unit.len(),
            digest: digest_of_rows(unit, unit.len()),
        };
        Self(
            units
                .map(|unit| (unit.unit.clone(), content(unit)))
                .collect(),
        )
    }

    /// Compares a data set with the earlier state.
    pub fn changes(&self, now: &ValidDataset) -> Changes {
        self.changes_of(units_of(now))
    }

    /// Compares units with the earlier state.
    pub fn changes_in(&self, now: &[Trajectory]) -> Changes {
        self.changes_of(now.iter())
    }

    fn changes_of<'a>(&self, now: impl Iterator<Item = &'a Trajectory>) -> Changes {
        let mut changes = Changes {
            before: self.0.len(),
            ..Changes::default()
        };
        let mut missing: BTreeMap<&UnitId, &UnitContent> = self.0.iter().collect();
        for unit in now {
            let Some(before) = missing.remove(&unit.unit) else {
                changes.new.push(unit.unit.clone());
                continue;
            };
            let same_so_far =
                before.rows <= unit.len() && digest_of_rows(unit, before.rows) == before.digest;
            if unit.len() < before.rows {
                changes.shortened.push(unit.unit.clone());
            } else if !same_so_far {
                changes.changed.push(unit.unit.clone());
            } else if unit.len() > before.rows {
                changes.grown.push(unit.unit.clone());
            }
        }
        changes.lost.extend(missing.into_keys().cloned());
        changes
    }

    /// Compares a data set with units of which only the names are known; those of `before` that are now held back do not
    /// count.
    pub fn changes_by_name(before: &[UnitId], now: &ValidDataset) -> Changes {
        let known: std::collections::BTreeSet<&UnitId> = before.iter().collect();
        let here: std::collections::BTreeSet<&UnitId> =
            units_of(now).map(|unit| &unit.unit).collect();
        let new = now
            .train()
            .iter()
            .map(|unit| &unit.unit)
            .filter(|unit| !known.contains(unit));
        let lost = before.iter().filter(|unit| !here.contains(unit));
        Changes {
            new: new.cloned().collect(),
            lost: lost.cloned().collect(),
            before: before.len(),
            ..Changes::default()
        }
    }
}

impl Changes {
    /// Returns whether there is something new to learn from.
    pub fn has_news(&self) -> bool {
        !(self.new.is_empty() && self.grown.is_empty() && self.changed.is_empty())
    }

    /// Returns whether data that models learnt from are gone.
    pub fn has_losses(&self) -> bool {
        !(self.lost.is_empty() && self.shortened.is_empty())
    }

    /// Returns what is new, as a fragment.
    pub fn news(&self) -> String {
        let counts = [
            (&self.new, "came in"),
            (&self.grown, "grew"),
            (&self.changed, "changed"),
        ];
        describe(&counts)
    }

    /// Returns what is gone, as a fragment: `40 of 60 units are gone (1, 2, …)`.
    pub fn losses(&self) -> String {
        let mut losses = Vec::new();
        if !self.lost.is_empty() {
            let verb = if self.lost.len() == 1 { "is" } else { "are" };
            losses.push(format!(
                "{} of {} units {verb} gone ({})",
                self.lost.len(),
                self.before,
                named(&self.lost)
            ));
        }
        if !self.shortened.is_empty() {
            losses.push(counted(&self.shortened, "lost rows"));
        }
        losses.join(", ")
    }
}

fn describe(counts: &[(&Vec<UnitId>, &str)]) -> String {
    let some = counts.iter().filter(|(units, _)| !units.is_empty());
    some.map(|(units, what)| counted(units, what))
        .collect::<Vec<_>>()
        .join(", ")
}

fn counted(units: &[UnitId], what: &str) -> String {
    let noun = if units.len() == 1 { "unit" } else { "units" };
    format!("{} {noun} {what} ({})", units.len(), named(units))
}

/// Lists the first few names.
fn named(units: &[UnitId]) -> String {
    const SHOWN: usize = 5;
    let names: Vec<_> = units.iter().take(SHOWN).map(UnitId::as_str).collect();
    let more = if units.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", names.join(", "))
}

fn units_of(dataset: &ValidDataset) -> impl Iterator<Item = &Trajectory> {
    dataset.train().iter().chain(
        dataset
            .holdout()
            .into_iter()
            .flat_map(|holdout| holdout.units()),
    )
}

/// Returns the digest of the first rows. Values are compared as 32-bit floats: programs differ in the last digits they write.
fn digest_of_rows(unit: &Trajectory, rows: usize) -> String {
    let mut bytes = Vec::with_capacity(rows * 4 * (unit.channels.len() + 1));
    for row in 0..rows {
        bytes.extend_from_slice(&unit.cycles[row].0.to_le_bytes());
        for channel in &unit.channels {
            // Negative and positive zero count as equal.
            bytes.extend_from_slice(&(channel[row] as f32 + 0.0).to_le_bytes());
        }
    }
    let mut digest = Digest::of(&bytes).to_string();
    digest.truncate(DIGITS);
    digest
}

impl Serialize for Contents {
    /// Writes one string per unit: rows, digest, name.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(
            self.0
                .iter()
                .map(|(unit, content)| format!("{} {} {unit}", content.rows, content.digest)),
        )
    }
}

impl<'de> Deserialize<'de> for Contents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut units = BTreeMap::new();
        for text in Vec::<String>::deserialize(deserializer)? {
            let mut parts = text.splitn(3, ' ');
            let rows = parts.next();
            let digest = parts.next();
            let unit = parts.next();
            let rows = rows.and_then(|rows| rows.parse().ok());
            let (Some(rows), Some(digest), Some(unit)) = (rows, digest, unit) else {
                return Err(D::Error::custom(format!(
                    "expected `<rows> <digest> <unit>`, found `{text}`"
                )));
            };
            units.insert(
                UnitId::new(unit),
                UnitContent {
                    rows,
                    digest: digest.to_owned(),
                },
            );
        }
        Ok(Self(units))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Groups, Schema};
    use pdm_core::domain::Cycle;

    fn unit(name: &str, values: &[f64]) -> Trajectory {
        let cycles = (1..=values.len() as u32).map(Cycle).collect();
        Trajectory {
            rest: 0,
            unit: UnitId::new(name),
            cycles,
            channels: vec![values.to_vec()],
        }
    }

    fn dataset(train: Vec<Trajectory>) -> ValidDataset {
        ValidDataset {
            name: "t".into(),
            digest: Digest::of(""),
            schema: Schema {
                unit: "u".into(),
                cycle: "c".into(),
                settings: vec![],
                sensors: vec!["x".into()],
                ..Schema::default()
            },
            train,
            running: Vec::new(),
            machines: crate::data::Machines::default(),
            test: None,
            holdout: None,
            groups: Groups::default(),
            suspicions: Vec::new(),
        }
    }

    #[test]
    fn changes_are_found_by_content() {
        let before = dataset(vec![
            unit("1", &[0.1, 0.2]),
            unit("a b", &[0.3]),
            unit("c", &[1.0, 2.0]),
            unit("d", &[4.0]),
        ]);
        let contents = Contents::of(&before);
        assert_eq!(
            contents.changes(&before),
            Changes {
                before: 4,
                ..Changes::default()
            }
        );
        let json = serde_json::to_string(&contents).unwrap();
        assert_eq!(serde_json::from_str::<Contents>(&json).unwrap(), contents);

        // The last digit of 0.2 differs, as after 0.1 + 0.2 - 0.1.
        let rewritten = dataset(vec![
            unit("1", &[0.1, 0.2 + 1e-15]),
            unit("a b", &[0.3, 0.4]),
            unit("c", &[1.0]),
            unit("e", &[4.0]),
        ]);
        let changes = contents.changes(&rewritten);
        let names = |units: &[UnitId]| units.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(&changes.grown), ["a b"]);
        assert_eq!(names(&changes.shortened), ["c"]);
        assert_eq!(names(&changes.new), ["e"]);
        assert_eq!(names(&changes.lost), ["d"]);
        assert!(changes.changed.is_empty() && changes.has_news() && changes.has_losses());
        assert_eq!(
            changes.losses(),
            "1 of 4 units is gone (d), 1 unit lost rows (c)"
        );
        assert_eq!(
            contents
                .changes(&dataset(vec![unit("1", &[0.1, 0.25])]))
                .news(),
            "1 unit changed (1)"
        );
    }
}
