//! Summarises a data set: units, lives, columns and regimes.

use serde::Serialize;

use super::prognostic::{Prognostic, smoothed};
use super::regimes::{FoundRegimes, OperatingRegime};
use super::statistics::{mean, sample_sd, spearman};
use super::survival::{SurvivalCurve, survival};
use super::{ProfileSource, ProfiledData};
use crate::data::infer::{InferError, InferFile, infer_data};
use crate::data::{ObservedLife, RawDataset};
use pdm_core::statistics::quantile;

/// The share of the median life over which values are smoothed before their course is judged.
const SMOOTHED_SHARE: usize = 20;
/// Rows over which the rank correlation is taken; of more rows, every n-th.
const CORRELATED_ROWS: usize = 1_000_000;

/// What a data set holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DataSummary {
    /// Name of the data set or of its first file.
    pub dataset: String,
    /// Whether the columns were named by a pipeline or inferred.
    pub source: ProfileSource,
    /// Number of units; a unit with several lives counts once for each.
    pub units: usize,
    /// Number of rows.
    pub rows: usize,
    /// What times and lives are counted in.
    pub counted_in: String,
    /// Lengths of lives.
    pub lives: LifeSummary,
    /// Settings, then sensors.
    pub columns: Vec<ColumnSummary>,
    /// Operating regimes, by the levels of the settings.
    pub regimes: Vec<OperatingRegime>,
    /// Rows over which values are smoothed before monotonicity, trendability and prognosability.
    pub smoothed_rows: usize,
}

/// Lengths of lives.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LifeSummary {
    /// Shortest life seen.
    pub shortest: f64,
    /// Median of the lives seen, ended or not.
    pub median: f64,
    /// Longest life seen.
    pub longest: f64,
    /// The share of units that live longer than a time.
    pub survival: SurvivalCurve,
}

/// What one column holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnSummary {
    /// Name of the column.
    pub name: String,
    /// Whether it is a setting; else it is a sensor.
    pub is_setting: bool,
    /// Cells without a value.
    pub missing: usize,
    /// Different values.
    pub distinct: usize,
    /// Smallest value; this and the following are absent without values.
    pub min: Option<f64>,
    /// Quantile of 5 %.
    pub q05: Option<f64>,
    /// Quantile of 25 %.
    pub q25: Option<f64>,
    /// Median.
    pub median: Option<f64>,
    /// Quantile of 75 %.
    pub q75: Option<f64>,
    /// Quantile of 95 %.
    pub q95: Option<f64>,
    /// Largest value.
    pub max: Option<f64>,
    /// Mean.
    pub mean: Option<f64>,
    /// Standard deviation, with n − 1.
    pub sd: Option<f64>,
    /// Whether it has a single value in each regime.
    pub constant_within_regimes: bool,
    /// Spearman's correlation with the remaining life over the rows of lives that ended; absent if one of them is constant.
    pub correlation: Option<f64>,
    /// Its prognostic value over lives that ended, of values standardised within regimes and smoothed; absent for settings and
    /// constant columns.
    pub prognostic: Option<Prognostic>,
}

/// Summarises files whose columns are inferred.
///
/// # Errors
/// A file cannot be read, or no columns are units, time and sensors.
pub fn profile_files(files: &[InferFile]) -> Result<DataSummary, InferError> {
    let data = infer_data(files)?;
    Ok(summarise(
        &ProfiledData::of_files(&data),
        ProfileSource::Inferred,
    ))
}

/// Summarises the training part of a data set as it was read, valid or not.
pub fn profile_dataset(raw: &RawDataset) -> DataSummary {
    summarise(&ProfiledData::of_dataset(raw), ProfileSource::Pipeline)
}

fn summarise(data: &ProfiledData, source: ProfileSource) -> DataSummary {
    let regimes = FoundRegimes::of(data);
    let mut rows: Vec<usize> = data.units.iter().map(|unit| unit.times.len()).collect();
    rows.sort_unstable();
    let median = rows
        .get(rows.len().saturating_sub(1) / 2)
        .copied()
        .unwrap_or(1);
    let window = (median / SMOOTHED_SHARE).max(1);
    let channels = data.settings.iter().chain(&data.sensors).enumerate();
    let columns = channels
        .map(|(channel, name)| column(data, &regimes, channel, name, window))
        .collect();
    DataSummary {
        dataset: data.name.clone(),
        source,
        units: data.units.len(),
        rows: data.rows(),
        counted_in: data.counted_in.clone(),
        lives: lives(&data.lives),
        columns,
        regimes: regimes.regimes,
        smoothed_rows: window,
    }
}

fn lives(lives: &[ObservedLife]) -> LifeSummary {
    let mut lengths: Vec<f64> = lives.iter().map(|life| life.length).collect();
    lengths.sort_by(f64::total_cmp);
    LifeSummary {
        shortest: lengths.first().copied().unwrap_or(0.0),
        median: if lengths.is_empty() {
            0.0
        } else {
            quantile(&lengths, 0.5)
        },
        longest: lengths.last().copied().unwrap_or(0.0),
        survival: survival(lives),
    }
}

fn column(
    data: &ProfiledData,
    regimes: &FoundRegimes,
    channel: usize,
    name: &str,
    window: usize,
) -> ColumnSummary {
    let mut known = data.known(channel);
    known.sort_by(f64::total_cmp);
    let is_setting = channel < data.settings.len();
    let constant_within_regimes = regimes.is_constant_within(data, channel);
    let some = |value: f64| (!known.is_empty()).then_some(value);
    let at = |share: f64| some(quantile(&known, share));
    let mut distinct = known.clone();
    distinct.dedup();
    let prognostic = if is_setting || constant_within_regimes {
        None
    } else {
        prognostic(data, regimes, channel, window)
    };
    ColumnSummary {
        name: name.to_owned(),
        is_setting,
        missing: data.rows() - known.len(),
        distinct: distinct.len(),
        min: known.first().copied(),
        q05: at(0.05),
        q25: at(0.25),
        median: at(0.5),
        q75: at(0.75),
        q95: at(0.95),
        max: known.last().copied(),
        mean: some(mean(&known)),
        sd: some(sample_sd(&known)),
        constant_within_regimes,
        correlation: correlation(data, channel),
        prognostic,
    }
}

fn prognostic(
    data: &ProfiledData,
    regimes: &FoundRegimes,
    channel: usize,
    window: usize,
) -> Option<Prognostic> {
    let courses = regimes.standardised(data, channel);
    let ended = data
        .units
        .iter()
        .zip(courses)
        .filter(|(unit, _)| unit.ended);
    let lives: Vec<Vec<f64>> = ended.map(|(_, course)| smoothed(&course, window)).collect();
    Prognostic::of(&lives)
}

/// Returns the rank correlation of a channel with the remaining life.
fn correlation(data: &ProfiledData, channel: usize) -> Option<f64> {
    let every = data.rows().div_ceil(CORRELATED_ROWS).max(1);
    let (mut values, mut remaining) = (Vec::new(), Vec::new());
    let mut at = 0;
    for unit in &data.units {
        let Some(lives) = unit.remaining() else {
            continue;
        };
        for (value, life) in unit.channels[channel].iter().zip(lives) {
            at += 1;
            if at % every == 0 && !value.is_nan() {
                values.push(*value);
                remaining.push(life);
            }
        }
    }
    spearman(&values, &remaining)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::infer::InferFile;

    fn profile(csv: &str) -> DataSummary {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fleet.csv");
        std::fs::write(&path, csv).unwrap();
        profile_files(&[InferFile {
            path,
            named: "fleet.csv".to_owned(),
        }])
        .unwrap()
    }

    #[test]
    fn a_fleet_is_summarised_with_regimes_lives_and_prognostic_value() {
        let mut csv = "unit,cycle,load,wear,steps,failed\n".to_owned();
        for unit in 1..=4_u32 {
            let life = 40 + 5 * unit;
            for cycle in 1..=life {
                let load = [10, 90][((cycle * 7 + unit) % 2) as usize];
                let wear = f64::from(cycle) / f64::from(life) + f64::from(load);
                let failed = u32::from(cycle == life && unit != 4);
                csv.push_str(&format!(
                    "{unit},{cycle},{load},{wear},{},{failed}\n",
                    load * 2 + (cycle * 3 + unit) % 2
                ));
            }
        }
        let found = profile(&csv);
        assert_eq!((found.units, found.rows, found.regimes.len()), (4, 210, 2));
        assert_eq!(
            (found.lives.survival.lives, found.lives.survival.ended),
            (4, 3)
        );
        assert_eq!((found.lives.shortest, found.lives.longest), (44.0, 59.0));
        let wear = found
            .columns
            .iter()
            .find(|column| column.name == "wear")
            .unwrap();
        let prognostic = wear.prognostic.unwrap();
        assert!(
            prognostic.monotonicity > 0.9 && prognostic.prognosability > 0.9,
            "{prognostic:?}"
        );
        assert!(
            wear.correlation.is_some_and(|value| value.abs() < 1.0)
                && !wear.constant_within_regimes
        );
        let load = found
            .columns
            .iter()
            .find(|column| column.name == "load")
            .unwrap();
        assert!(
            load.is_setting && load.constant_within_regimes && load.distinct == 2,
            "{load:?}"
        );
    }
}
