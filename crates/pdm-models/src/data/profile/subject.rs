//! A data set as it is described: histories by unit, with the ends of lives.

use super::statistics::mean;
use crate::data::infer::{InferredData, InferredRole, LifeRows, TimeMeasure};
use crate::data::rows::Rows;
use crate::data::{LifeEnd, ObservedLife, RawDataset, Role};

/// Histories with their columns.
pub(super) struct ProfiledData {
    pub(super) name: String,
    pub(super) settings: Vec<String>,
    pub(super) sensors: Vec<String>,
    pub(super) units: Vec<ProfiledUnit>,
    pub(super) lives: Vec<ObservedLife>,
    /// What times and lives are counted in.
    pub(super) counted_in: String,
}

/// The history of one unit.
pub(super) struct ProfiledUnit {
    pub(super) name: String,
    /// The time of each row.
    pub(super) times: Vec<f64>,
    /// Values as `[channel][row]`, settings first; `NaN` without a value.
    pub(super) channels: Vec<Vec<f64>>,
    /// Whether the last row is a failure, so that the remaining life of each row is known.
    pub(super) ended: bool,
}

impl ProfiledData {
    /// Takes the training part of a data set as it was read, valid or not; every history counts as ended.
    pub(super) fn of_dataset(raw: &RawDataset) -> Self {
        let mut units = Vec::new();
        for (part, rows) in raw.histories().filter(|(part, _)| part.role == Role::Train) {
            let prefix = part
                .group
                .as_ref()
                .map(|group| format!("{group}-"))
                .unwrap_or_default();
            units.extend(units_of(rows, &prefix));
        }
        for unit in &mut units {
            if let Some(record) = raw.lives.get(&unit.id()) {
                unit.ended = matches!(record.end, LifeEnd::Failed { .. });
            }
        }
        let lives = units.iter().filter_map(ProfiledUnit::life).collect();
        let counted_in = match &raw.schema.time {
            Some(time) => format!("steps of {}", time.shown_step()),
            None => "cycles".to_owned(),
        };
        Self {
            name: raw.name.clone(),
            settings: raw.schema.settings.clone(),
            sensors: raw.schema.sensors.clone(),
            units,
            lives,
            counted_in,
        }
    }

    /// Takes files whose columns were inferred; each life of a unit is one of its own.
    pub(super) fn of_files(data: &InferredData) -> Self {
        Self::of_pieces(data, &data.facts.life.pieces, data.measure())
    }

    /// Takes files whose columns were inferred, with the whole history of each unit.
    pub(super) fn of_units(data: &InferredData) -> Self {
        let whole = |(unit, rows): (usize, &Vec<usize>)| LifeRows {
            unit,
            rows: 0..rows.len(),
            ended: false,
        };
        let pieces: Vec<LifeRows> = data.units.rows.iter().enumerate().map(whole).collect();
        Self::of_pieces(data, &pieces, data.smallest_measure())
    }

    fn of_pieces(data: &InferredData, pieces: &[LifeRows], measure: TimeMeasure) -> Self {
        let of_role = |role: InferredRole| {
            let columns = data.facts.columns.iter().zip(&data.table.columns);
            columns
                .filter(move |(fact, _)| fact.role == role)
                .map(|(_, column)| column)
        };
        let settings: Vec<_> = of_role(InferredRole::Setting).collect();
        let sensors: Vec<_> = of_role(InferredRole::Sensor).collect();
        let values: Vec<&[f64]> = settings
            .iter()
            .chain(&sensors)
            .filter_map(|column| column.numbers())
            .collect();
        let times = data.table.columns[data.time].ordered().unwrap_or_default();
        let mut units = Vec::with_capacity(pieces.len());
        for (at, piece) in pieces.iter().enumerate() {
            let rows = &data.units.rows[piece.unit][piece.rows.clone()];
            let take = |values: &[f64]| rows.iter().map(|row| values[*row]).collect::<Vec<f64>>();
            let times = take(times)
                .into_iter()
                .map(|time| time / measure.length)
                .collect();
            let channels = values.iter().map(|values| take(values)).collect();
            units.push(ProfiledUnit {
                name: life_name(data, pieces, at),
                times,
                channels,
                ended: piece.ended,
            });
        }
        units.sort_by_cached_key(ProfiledUnit::id);
        let lives = data.facts.life.lives.iter();
        Self {
            name: data
                .facts
                .files
                .first()
                .map(|file| file.path.clone())
                .unwrap_or_default(),
            settings: settings.iter().map(|column| column.name.clone()).collect(),
            sensors: sensors.iter().map(|column| column.name.clone()).collect(),
            units,
            lives: lives
                .map(|life| ObservedLife {
                    length: life.length / measure.length,
                    ..*life
                })
                .collect(),
            counted_in: measure.name.to_owned(),
        }
    }

    /// Returns the number of rows.
    pub(super) fn rows(&self) -> usize {
        self.units.iter().map(|unit| unit.times.len()).sum()
    }

    /// Returns all values of a channel that are known.
    pub(super) fn known(&self, channel: usize) -> Vec<f64> {
        let values = self.units.iter().flat_map(|unit| &unit.channels[channel]);
        values.copied().filter(|value| !value.is_nan()).collect()
    }

    /// Returns the mean of each unit that has values in a channel.
    pub(super) fn unit_means(&self, channel: usize) -> Vec<f64> {
        let mut means = Vec::new();
        for unit in &self.units {
            let known: Vec<f64> = unit.channels[channel]
                .iter()
                .copied()
                .filter(|value| !value.is_nan())
                .collect();
            if !known.is_empty() {
                means.push(mean(&known));
            }
        }
        means
    }
}

impl ProfiledUnit {
    pub(super) fn id(&self) -> pdm_core::domain::UnitId {
        pdm_core::domain::UnitId::new(&self.name)
    }

    fn life(&self) -> Option<ObservedLife> {
        Some(ObservedLife {
            length: *self.times.last()?,
            ended: self.ended,
        })
    }

    /// Returns the remaining life at each row, if the unit failed at the last one.
    pub(super) fn remaining(&self) -> Option<Vec<f64>> {
        let last = *self.times.last()?;
        self.ended
            .then(|| self.times.iter().map(|time| last - time).collect())
    }
}

/// Returns the name of a life: that of the unit, with a number from the second on, such as `P-101/2`.
fn life_name(data: &InferredData, pieces: &[LifeRows], at: usize) -> String {
    let unit = pieces[at].unit;
    let name = &data.units.names[unit];
    let first = pieces.partition_point(|piece| piece.unit < unit);
    match at - first {
        0 => name.clone(),
        later => format!("{name}/{}", later + 1),
    }
}

/// Returns the units of a file; the rows of a unit may be in several places.
fn units_of(rows: &Rows, prefix: &str) -> Vec<ProfiledUnit> {
    let mut units: std::collections::BTreeMap<pdm_core::domain::UnitId, ProfiledUnit> =
        std::collections::BTreeMap::new();
    for run in &rows.runs {
        let unit = units
            .entry(run.unit.clone())
            .or_insert_with(|| ProfiledUnit {
                name: format!("{prefix}{}", run.unit),
                times: Vec::new(),
                channels: vec![Vec::new(); rows.channels.len()],
                ended: true,
            });
        unit.times.extend(
            rows.cycles[run.rows.clone()]
                .iter()
                .map(|cycle| f64::from(*cycle)),
        );
        for (channel, values) in unit.channels.iter_mut().zip(&rows.channels) {
            channel.extend_from_slice(&values[run.rows.clone()]);
        }
    }
    units.into_values().collect()
}
