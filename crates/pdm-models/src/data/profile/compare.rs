//! Compares two data sets: units, columns and distributions.

use std::collections::BTreeMap;

use serde::Serialize;

use super::ProfiledData;
use super::shift::{BothSides, ColumnShift};
use super::subject::ProfiledUnit;
use crate::data::infer::{InferError, InferFile, InferredData, infer_data};
use crate::data::{Changes, Contents, RawDataset, Trajectory};
use pdm_core::domain::{Cycle, UnitId};

/// Seconds of a time's coarse part, so that both parts are exact as 32-bit floats.
const COARSE: f64 = 65_536.0;

/// A data set to compare.
#[derive(Debug)]
pub enum ComparedData<'a> {
    /// Files whose columns are inferred.
    Files(&'a [InferFile]),
    /// The training part of a pipeline's data set.
    Dataset(&'a RawDataset),
}

/// How two data sets differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DataComparison {
    /// Whether a unit or a column differs.
    pub differs: bool,
    /// Changes of units, by the columns that both have.
    pub units: UnitChanges,
    /// Columns that were added, removed or have another type.
    pub columns: Vec<ColumnChange>,
    /// The shift of every column of numbers that both have, the largest first.
    pub shifts: Vec<ColumnShift>,
}

/// Changes of units.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnitChanges {
    /// Units of the first data set.
    pub before: usize,
    /// Units of the second data set.
    pub after: usize,
    /// Units that only the second has.
    pub new: Vec<UnitId>,
    /// Units with additional rows at the end.
    pub grown: Vec<UnitId>,
    /// Units with other values.
    pub changed: Vec<UnitId>,
    /// Units that only the first has.
    pub lost: Vec<UnitId>,
    /// Units with fewer rows.
    pub shortened: Vec<UnitId>,
}

/// A column that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnChange {
    /// Name of the column.
    pub column: String,
    /// Its type in the first data set: `number`, `text`, `time` or `empty`; absent if it was added.
    pub before: Option<String>,
    /// Its type in the second data set; absent if it was removed.
    pub after: Option<String>,
}

/// Compares two data sets.
///
/// # Errors
/// A file cannot be read, or no columns are units, time and sensors.
pub fn compare(
    before: &ComparedData<'_>,
    after: &ComparedData<'_>,
) -> Result<DataComparison, InferError> {
    let (before, after) = (ReadData::of(before)?, ReadData::of(after)?);
    let names = before.data.names();
    let common: Vec<String> = names
        .into_iter()
        .filter(|name| after.data.channel(name).is_some())
        .collect();
    let changes = Contents::of_units(&before.data.trajectories(&common))
        .changes_in(&after.data.trajectories(&common));
    let columns = column_changes(&before.types, &after.types);
    let units = UnitChanges::of(changes, after.data.units.len());
    Ok(DataComparison {
        differs: units.is_any() || !columns.is_empty(),
        shifts: shifts(&before.data, &after.data, &common),
        units,
        columns,
    })
}

/// A data set with the types of its columns.
struct ReadData {
    data: ProfiledData,
    types: BTreeMap<String, String>,
}

impl ReadData {
    fn of(compared: &ComparedData<'_>) -> Result<Self, InferError> {
        match compared {
            ComparedData::Files(files) => {
                let data = infer_data(files)?;
                Ok(Self {
                    types: types_of(&data),
                    data: ProfiledData::of_units(&data),
                })
            }
            ComparedData::Dataset(raw) => {
                let data = ProfiledData::of_dataset(raw);
                let types = data
                    .names()
                    .into_iter()
                    .map(|name| (name, "number".to_owned()))
                    .collect();
                Ok(Self { data, types })
            }
        }
    }
}

fn types_of(data: &InferredData) -> BTreeMap<String, String> {
    let columns = data.table.columns.iter();
    columns
        .map(|column| (column.name.clone(), column.type_name().to_owned()))
        .collect()
}

impl UnitChanges {
    fn of(changes: Changes, after: usize) -> Self {
        let Changes {
            new,
            grown,
            changed,
            lost,
            shortened,
            before,
        } = changes;
        Self {
            before,
            after,
            new,
            grown,
            changed,
            lost,
            shortened,
        }
    }

    fn is_any(&self) -> bool {
        [
            &self.new,
            &self.grown,
            &self.changed,
            &self.lost,
            &self.shortened,
        ]
        .into_iter()
        .any(|units| !units.is_empty())
    }
}

impl ProfiledData {
    /// Returns the names of all channels: settings, then sensors.
    fn names(&self) -> Vec<String> {
        self.settings.iter().chain(&self.sensors).cloned().collect()
    }

    fn channel(&self, name: &str) -> Option<usize> {
        self.settings
            .iter()
            .chain(&self.sensors)
            .position(|known| known == name)
    }

    /// Returns the histories with these channels, and their times as two more.
    fn trajectories(&self, channels: &[String]) -> Vec<Trajectory> {
        let positions: Vec<usize> = channels
            .iter()
            .filter_map(|name| self.channel(name))
            .collect();
        self.units
            .iter()
            .map(|unit| unit.trajectory(&positions))
            .collect()
    }
}

impl ProfiledUnit {
    fn trajectory(&self, positions: &[usize]) -> Trajectory {
        let mut channels: Vec<Vec<f64>> = positions
            .iter()
            .map(|at| self.channels[*at].clone())
            .collect();
        channels.push(
            self.times
                .iter()
                .map(|time| (time / COARSE).floor())
                .collect(),
        );
        channels.push(
            self.times
                .iter()
                .map(|time| time.rem_euclid(COARSE))
                .collect(),
        );
        Trajectory {
            rest: 0,
            unit: self.id(),
            cycles: (1..=self.times.len() as u32).map(Cycle).collect(),
            channels,
        }
    }
}

fn column_changes(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<ColumnChange> {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let mut changes = Vec::new();
    for name in names {
        let (old, new) = (before.get(name), after.get(name));
        if old != new {
            changes.push(ColumnChange {
                column: name.clone(),
                before: old.cloned(),
                after: new.cloned(),
            });
        }
    }
    changes
}

fn shifts(before: &ProfiledData, after: &ProfiledData, common: &[String]) -> Vec<ColumnShift> {
    let mut shifts = Vec::new();
    for name in common {
        let (Some(old), Some(new)) = (before.channel(name), after.channel(name)) else {
            continue;
        };
        let sides = BothSides {
            before: before.known(old),
            after: after.known(new),
            units_before: before.unit_means(old),
            units_after: after.unit_means(new),
        };
        shifts.extend(sides.shift(name));
    }
    shifts.sort_by(|a, b| b.psi.total_cmp(&a.psi));
    shifts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(folder: &std::path::Path, name: &str, csv: &str) -> Vec<InferFile> {
        let path = folder.join(name);
        std::fs::write(&path, csv).unwrap();
        vec![InferFile {
            path,
            named: name.to_owned(),
        }]
    }

    fn fleet(units: &[(&str, u32)], header: &str, shift: f64) -> String {
        let mut csv = format!("unit,cycle,temp{header}\n");
        for (unit, rows) in units {
            for cycle in 1..=*rows {
                let more = if header.is_empty() { "" } else { ",x" };
                csv.push_str(&format!(
                    "{unit},{cycle},{}{more}\n",
                    f64::from(cycle).sqrt() + shift
                ));
            }
        }
        csv
    }

    #[test]
    fn units_columns_and_shifts_are_compared() {
        let folder = tempfile::tempdir().unwrap();
        let old = file(
            folder.path(),
            "a.csv",
            &fleet(&[("p1", 8), ("p2", 8), ("p3", 8)], "", 0.0),
        );
        let same = compare(&ComparedData::Files(&old), &ComparedData::Files(&old)).unwrap();
        assert!(!same.differs && same.shifts[0].psi == 0.0, "{same:?}");
        let new = file(
            folder.path(),
            "b.csv",
            &fleet(&[("p1", 9), ("p2", 5), ("p4", 8)], ",note", 0.0),
        );
        let found = compare(&ComparedData::Files(&old), &ComparedData::Files(&new)).unwrap();
        let names = |units: &[UnitId]| units.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(&found.units.grown), ["p1"]);
        assert_eq!(names(&found.units.shortened), ["p2"]);
        assert_eq!(
            (names(&found.units.lost), names(&found.units.new)),
            (vec!["p3".to_owned()], vec!["p4".to_owned()])
        );
        assert_eq!(
            found.columns,
            [ColumnChange {
                column: "note".into(),
                before: None,
                after: Some("text".into())
            }]
        );
        let moved = file(
            folder.path(),
            "c.csv",
            &fleet(&[("p1", 8), ("p2", 8), ("p3", 8)], "", 5.0),
        );
        let found = compare(&ComparedData::Files(&old), &ComparedData::Files(&moved)).unwrap();
        assert_eq!(found.units.changed.len(), 3);
        assert!(
            found.shifts[0].distance == 1.0 && found.differs,
            "{found:?}"
        );
    }
}
