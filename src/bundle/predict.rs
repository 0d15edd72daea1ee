use rayon::prelude::*;

use super::ModelBundle;
use crate::data::Trajectory;
use crate::domain::Prediction;
use crate::features::Matrix;
use crate::models::InputKind;

impl ModelBundle {
    /// Predicts every unit at its last recorded cycle, short histories too; units without a row are left out.
    pub fn predict(&self, units: &[Trajectory]) -> Vec<Prediction> {
        let known = units.par_iter().filter(|unit| !unit.is_empty());
        known.map(|unit| self.predict_at(unit, unit.len() - 1, self.model.predict_last(&self.input(unit)))).collect()
    }

    /// Predicts every unit at every recorded cycle.
    pub fn predict_every_cycle(&self, units: &[Trajectory]) -> Vec<Prediction> {
        let of_unit = |unit: &Trajectory| -> Vec<_> {
            let predicted = self.model.predict(&self.input(unit));
            predicted.into_iter().enumerate().map(|(row, rul)| self.predict_at(unit, row, rul)).collect()
        };
        units.par_iter().flat_map_iter(of_unit).collect()
    }

    fn input(&self, unit: &Trajectory) -> Matrix {
        match self.model.input() {
            InputKind::Table => self.features.table(unit),
            InputKind::Sequence => self.features.sequence(unit),
        }
    }

    /// Clips to what the model was taught: `[0, cap]` cycles.
    fn predict_at(&self, unit: &Trajectory, row: usize, raw: f64) -> Prediction {
        let rul = raw.clamp(0.0, self.manifest.target.cap);
        Prediction {
            unit: unit.unit.clone(),
            cycle: unit.cycles[row],
            rul,
            interval: Some(self.calibration.interval(rul)),
            truth: None,
        }
    }
}
