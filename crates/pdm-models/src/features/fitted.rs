//! Fitted features, which turn histories into model inputs.

use serde::{Deserialize, Serialize};

use super::health_index::HealthIndex;
use super::regimes::Regimes;
use super::scaler::{Clipped, Scaler};
use super::select::{LeftOut, Selection, select};
use super::sequences::InputScaler;
use super::{FeatureError, FeatureOptions, InputKind, Matrix, TargetOptions, sequences, table};
use crate::data::{Schema, TrainingUnits, Trajectory};
use pdm_core::domain::UnitId;

/// Everything learnt from training units that turns a history into model inputs.
///
/// Histories given to its methods must have the channels of [`Self::schema`], all of the same length. NaN counts as the mean
/// of its regime, so inputs are always finite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedFeatures {
    schema: Schema,
    options: FeatureOptions,
    fitted_on: Vec<UnitId>,
    sensors: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<LeftOut>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    clipped: Vec<Clipped>,
    pub(super) regimes: Regimes,
    pub(super) scaler: Scaler,
    pub(super) health_index: HealthIndex,
    pub(super) input_scaler: InputScaler,
}

/// Learns regimes, scalers and the health index from training units only.
///
/// The same units, options and seed give the same result, bit by bit.
///
/// # Errors
/// There is no training row, a named sensor is unknown, or no sensor varies.
pub fn fit(
    training: &TrainingUnits<'_>,
    options: &FeatureOptions,
    target: &TargetOptions,
    seed: u64,
) -> Result<FittedFeatures, FeatureError> {
    learn(training.schema(), training.units(), options, target, seed)
}

/// Implements [`fit`], whose argument type guarantees that no held-out unit is included.
pub(super) fn learn(
    schema: &Schema,
    units: &[&Trajectory],
    options: &FeatureOptions,
    target: &TargetOptions,
    seed: u64,
) -> Result<FittedFeatures, FeatureError> {
    if units.iter().all(|unit| unit.is_empty()) {
        return Err(FeatureError::Empty);
    }
    let regimes = Regimes::fit(schema, units, options.regimes, seed);
    let rows: Vec<_> = units.iter().map(|unit| regimes.of(unit)).collect();
    let Selection { channels, left_out } =
        select(schema, units, &regimes, &rows, &options.sensors)?;
    let scaler = Scaler::fit(units, &regimes, &rows, &channels, options.clip_sd);
    let clipped = scaler.clipped(schema, units, &rows);
    let standardised: Vec<_> = units
        .iter()
        .zip(&rows)
        .map(|(unit, rows)| scaler.apply(unit, rows))
        .collect();
    let most = largest_label(units, target);
    let targets: Vec<_> = units
        .iter()
        .map(|unit| relative_labels(unit, target, most))
        .collect();
    let inputs = units
        .iter()
        .zip(&standardised)
        .map(|(unit, z)| sequences::columns(z, &unit.cycles, options));
    Ok(FittedFeatures {
        input_scaler: InputScaler::fit(inputs),
        health_index: HealthIndex::fit(&standardised, &targets),
        sensors: channels
            .iter()
            .map(|channel| schema.sensors[channel - schema.settings.len()].clone())
            .collect(),
        fitted_on: units.iter().map(|unit| unit.unit.clone()).collect(),
        schema: schema.clone(),
        options: options.clone(),
        left_out,
        clipped,
        regimes,
        scaler,
    })
}

/// Returns the label of the healthiest row: the cap, or the longest life if that is shorter.
fn largest_label(units: &[&Trajectory], target: &TargetOptions) -> f64 {
    let with_rows = units.iter().filter(|unit| !unit.is_empty());
    let most = with_rows
        .map(|unit| target.label(unit.rul_at(0)))
        .fold(0.0, f64::max);
    if most > 0.0 { most } else { 1.0 }
}

fn relative_labels(unit: &Trajectory, target: &TargetOptions, most: f64) -> Vec<f64> {
    (0..unit.len())
        .map(|row| target.label(unit.rul_at(row)) / most)
        .collect()
}

impl FittedFeatures {
    /// Returns the columns that a history must have.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Returns the options this was fitted with.
    pub fn options(&self) -> &FeatureOptions {
        &self.options
    }

    /// Returns the units this was fitted on, in ascending order; no other unit had any influence.
    pub fn fitted_on(&self) -> &[UnitId] {
        &self.fitted_on
    }

    /// Returns the names of the sensors in use.
    pub fn sensors(&self) -> &[String] {
        &self.sensors
    }

    /// Returns the sensors that no model reads, and why; empty in features fitted before this was recorded.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// Returns the used sensors of which training rows were clipped.
    pub fn clipped(&self) -> &[Clipped] {
        &self.clipped
    }

    /// Returns the number of operating regimes, at least 1.
    pub fn regime_count(&self) -> usize {
        self.regimes.count()
    }

    /// Returns the operating regime of one row, from 0; unseen settings belong to the nearest regime.
    ///
    /// # Panics
    /// If the history has no such row.
    pub fn regime(&self, trajectory: &Trajectory, row: usize) -> usize {
        self.regimes.at(trajectory, row)
    }

    /// Returns the sensors in use, standardised within their regime and clipped, as `[sensor][row]`.
    ///
    /// # Panics
    /// If the history lacks a channel of the schema.
    pub fn standardised(&self, trajectory: &Trajectory) -> Vec<Vec<f64>> {
        self.scaler.apply(trajectory, &self.regimes.of(trajectory))
    }

    /// Returns the feature table, `[rows, features]`, which trees and linear models read.
    ///
    /// # Panics
    /// If the history lacks a channel of the schema.
    pub fn table(&self, trajectory: &Trajectory) -> Matrix {
        Matrix::from_columns(&self.table_columns(&self.standardised(trajectory), trajectory))
    }

    /// Returns the names of the columns of [`Self::table`].
    pub fn table_names(&self) -> Vec<String> {
        table::names(self.sensors.iter().map(String::as_str), &self.options)
    }

    /// Returns the per-cycle inputs, `[rows, inputs]`, which networks read; standardised over training rows.
    ///
    /// # Panics
    /// If the history lacks a channel of the schema.
    pub fn sequence(&self, trajectory: &Trajectory) -> Matrix {
        Matrix::from_columns(&self.sequence_columns(&self.standardised(trajectory), trajectory))
    }

    /// Returns the names of the columns of [`Self::sequence`].
    pub fn sequence_names(&self) -> Vec<String> {
        sequences::names(self.sensors.iter().map(String::as_str), &self.options)
    }

    /// Returns the names of the columns of [`Self::input`].
    pub fn input_names(&self, kind: InputKind) -> Vec<String> {
        match kind {
            InputKind::Table => self.table_names(),
            InputKind::Sequence => self.sequence_names(),
            InputKind::Both => [self.table_names(), self.sequence_names()].concat(),
        }
    }

    /// Returns the columns of [`Self::table`], then those of [`Self::sequence`].
    pub(super) fn table_and_sequence(&self, trajectory: &Trajectory) -> Matrix {
        let sensors = self.standardised(trajectory);
        let mut columns = self.table_columns(&sensors, trajectory);
        columns.extend(self.sequence_columns(&sensors, trajectory));
        Matrix::from_columns(&columns)
    }

    fn table_columns(&self, sensors: &[Vec<f64>], trajectory: &Trajectory) -> Vec<Vec<f64>> {
        table::columns(
            sensors,
            &self.health_index.of(sensors),
            &trajectory.cycles,
            &self.options,
        )
    }

    fn sequence_columns(&self, sensors: &[Vec<f64>], trajectory: &Trajectory) -> Vec<Vec<f64>> {
        self.input_scaler.apply(sequences::columns(
            sensors,
            &trajectory.cycles,
            &self.options,
        ))
    }
}
