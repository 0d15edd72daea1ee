//! Evaluations on the units that a fit holds back.

use super::batch::Labelled;
use crate::models::neural::{HistoryReading, Network, Weights, ordered};
use crate::train::{TrainOptions, UnitExamples};

/// Whole units that a fit holds back, to stop when their predictions no longer improve.
pub(super) struct HeldBackUnits {
    units: Vec<Labelled>,
    every: usize,
    patience: usize,
    label_scale: f32,
}

/// The parameters that predicted the units held back best.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BestParameters {
    /// Steps taken to reach them.
    pub(super) step: usize,
    /// Root of the mean squared error over all steps of the units held back, in cycles.
    pub(super) rmse: f64,
    pub(super) parameters: Vec<f32>,
}

impl HeldBackUnits {
    /// Returns the units as the network reads them; `None` where there are none.
    pub(super) fn new(
        units: &[&UnitExamples],
        reading: HistoryReading,
        options: &TrainOptions,
        label_scale: f32,
    ) -> Option<Self> {
        let read = |unit: &&UnitExamples| {
            let mut labelled = Labelled::of(reading);
            match reading {
                HistoryReading::Sequence { stride, max_steps } => {
                    labelled.push_sequence(unit, 0, [stride, max_steps], label_scale);
                }
                HistoryReading::Window { stride, length } => {
                    (0..unit.rows()).step_by(stride).for_each(|last| {
                        labelled.push_window(unit, last, [stride, length], label_scale)
                    })
                }
            }
            labelled
        };
        let (every, patience) = (options.validate_every, options.patience);
        (!units.is_empty()).then(|| Self {
            units: units.iter().map(read).collect(),
            every,
            patience,
            label_scale,
        })
    }

    /// Returns whether an evaluation is due after step `step` of `steps`.
    pub(super) fn is_due(&self, step: usize, steps: usize) -> bool {
        step.is_multiple_of(self.every) || step == steps
    }

    /// Returns the root of the mean squared error in cycles, of the middle quantile where the network learns quantiles.
    pub(super) fn rmse(&self, network: &Network, parameters: &[f32]) -> f64 {
        let weights = Weights::new(&network.layout, parameters.to_vec());
        let (mut squares, mut count) = (0.0, 0);
        for unit in &self.units {
            let outputs = network.predict(&weights, &unit.chunk);
            let middles = outputs
                .chunks_exact(network.outputs())
                .map(|outputs| ordered(outputs)[1]);
            squares += middles
                .zip(&unit.labels)
                .map(|(r, y)| f64::from(r - y).powi(2))
                .sum::<f64>();
            count += unit.labels.len();
        }
        f64::from(self.label_scale) * (squares / count as f64).sqrt()
    }

    /// Returns whether the best is too long ago for the fit to continue.
    pub(super) fn is_over(&self, best: &BestParameters, step: usize) -> bool {
        step >= best.step + self.every * self.patience
    }
}
