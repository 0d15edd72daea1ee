//! Predicts with a bundle.

use rayon::prelude::*;

use super::ModelBundle;
use crate::data::Trajectory;
use crate::features::Matrix;
use pdm_core::domain::{Interval, Prediction};

impl ModelBundle {
    /// Predicts every unit at its last recorded cycle, short histories too; units without a row are left out.
    ///
    /// Properties of a history that were not in the training data are flagged; ages beyond those of training are clipped.
    pub fn predict(&self, units: &[Trajectory]) -> Vec<Prediction> {
        let of_unit = |unit: &Trajectory| {
            let row = unit.len() - 1;
            let examined = self.examine(unit);
            let recounted = examined
                .begins_elsewhere()
                .then(|| self.predict_last(&self.recounted(unit)).rul);
            Prediction {
                flags: examined.at(row, recounted),
                ..self.predict_last(unit)
            }
        };
        units
            .par_iter()
            .filter(|unit| !unit.is_empty())
            .map(of_unit)
            .collect()
    }

    /// Predicts every unit at every recorded cycle.
    pub fn predict_every_cycle(&self, units: &[Trajectory]) -> Vec<Prediction> {
        let of_unit = |unit: &Trajectory| -> Vec<_> {
            let examined = self.examine(unit);
            let recounted = examined
                .begins_elsewhere()
                .then(|| self.predict_rows(&self.recounted(unit)));
            let flagged = |(row, prediction): (usize, Prediction)| {
                let recounted = recounted.as_ref().map(|rows| rows[row].rul);
                Prediction {
                    flags: examined.at(row, recounted),
                    ..prediction
                }
            };
            self.predict_rows(unit)
                .into_iter()
                .enumerate()
                .map(flagged)
                .collect()
        };
        units.par_iter().flat_map_iter(of_unit).collect()
    }

    /// Returns the model input of a history, `[rows, width]`.
    pub fn input(&self, unit: &Trajectory) -> Matrix {
        self.features
            .input(self.model.input(), &self.within_age(unit))
    }

    /// Predicts a unit, which must have a row, at its last cycle, without flags.
    fn predict_last(&self, unit: &Trajectory) -> Prediction {
        let input = self.input(unit);
        let own = if self.calibration.reads_intervals() {
            self.model.last_interval(&input)
        } else {
            None
        };
        self.predict_at(unit, unit.len() - 1, self.model.predict_last(&input), own)
    }

    /// Predicts a unit at every cycle, without flags.
    fn predict_rows(&self, unit: &Trajectory) -> Vec<Prediction> {
        let input = self.input(unit);
        let own = if self.calibration.reads_intervals() {
            self.model.intervals(&input)
        } else {
            None
        };
        let at = |(row, rul)| self.predict_at(unit, row, rul, own.as_ref().map(|own| own[row]));
        self.model
            .predict(&input)
            .into_iter()
            .enumerate()
            .map(at)
            .collect()
    }

    /// Clips to the range of the target: `[0, cap]` cycles.
    fn predict_at(
        &self,
        unit: &Trajectory,
        row: usize,
        raw: f64,
        own: Option<Interval>,
    ) -> Prediction {
        let rul = raw.clamp(0.0, self.manifest.target.cap());
        Prediction {
            unit: unit.unit.clone(),
            cycle: unit.cycles[row],
            rul,
            interval: Some(self.calibration.interval(rul, own)),
            truth: None,
            flags: Vec::new(),
        }
    }
}
