use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::batch::Labelled;
use crate::models::neural::{Network, Reading, Weights, ordered};
use crate::train::{TrainOptions, UnitExamples};

/// Whole units that a fit holds back, to see when it has learnt enough.
pub(super) struct Validation {
    units: Vec<Labelled>,
    every: usize,
    patience: usize,
    label_scale: f32,
}

/// The parameters that predicted the units held back best.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Best {
    /// Steps taken until then.
    pub(super) step: usize,
    /// Root of the mean squared error over all steps of the units held back, in cycles.
    pub(super) rmse: f64,
    pub(super) parameters: Vec<f32>,
}

/// Divides units into those to learn from and those to hold back, at least one of each; none are held back where the
/// options ask for none or there is one unit only.
pub(super) fn divide<'a>(
    mut units: Vec<&'a UnitExamples>,
    options: &TrainOptions,
    seed: u64,
) -> (Vec<&'a UnitExamples>, Vec<&'a UnitExamples>) {
    if options.validation <= 0.0 || units.len() < 2 {
        return (units, Vec::new());
    }
    units.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let back = ((units.len() as f64 * options.validation).round() as usize).clamp(1, units.len() - 1);
    let held_back = units.split_off(units.len() - back);
    (units, held_back)
}

impl Validation {
    /// Returns a validation on these units; `None` where there are none.
    pub(super) fn new(
        units: &[&UnitExamples],
        reading: Reading,
        options: &TrainOptions,
        label_scale: f32,
    ) -> Option<Self> {
        let read = |unit: &&UnitExamples| {
            let mut labelled = Labelled::of(reading);
            match reading {
                Reading::Sequence { stride, max_steps } => {
                    labelled.push_sequence(unit, 0, [stride, max_steps], label_scale);
                }
                Reading::Window { stride, length } => (0..unit.rows())
                    .step_by(stride)
                    .for_each(|last| labelled.push_window(unit, last, [stride, length], label_scale)),
            }
            labelled
        };
        let (every, patience) = (options.validate_every, options.patience);
        (!units.is_empty()).then(|| Self { units: units.iter().map(read).collect(), every, patience, label_scale })
    }

    /// Returns whether it is time to look, after so many of all steps.
    pub(super) fn is_due(&self, step: usize, steps: usize) -> bool {
        step.is_multiple_of(self.every) || step == steps
    }

    /// Returns the root of the mean squared error in cycles, of the middle where the network learns quantiles.
    pub(super) fn rmse(&self, network: &Network, parameters: &[f32]) -> f64 {
        let weights = Weights::new(&network.layout, parameters.to_vec());
        let (mut squares, mut count) = (0.0, 0);
        for unit in &self.units {
            let outputs = network.predict(&weights, &unit.chunk);
            let middles = outputs.chunks_exact(network.outputs()).map(|outputs| ordered(outputs)[1]);
            squares += middles.zip(&unit.labels).map(|(r, y)| f64::from(r - y).powi(2)).sum::<f64>();
            count += unit.labels.len();
        }
        f64::from(self.label_scale) * (squares / count as f64).sqrt()
    }

    /// Returns whether the best is so long ago that the fit should stop.
    pub(super) fn is_over(&self, best: &Best, step: usize) -> bool {
        step >= best.step + self.every * self.patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Matrix;

    #[test]
    fn whole_units_are_held_back_and_somebody_is_left() {
        let units: Vec<UnitExamples> = (0..10)
            .map(|i| UnitExamples { input: Matrix { width: 1, values: vec![i as f32] }, labels: vec![f64::from(i)] })
            .collect();
        let all: Vec<_> = units.iter().collect();
        let with = |validation| TrainOptions { validation, ..Default::default() };
        for (validation, expected) in [(0.0, 0), (0.01, 1), (0.2, 2), (0.5, 5)] {
            let (learnt, held_back) = divide(all.clone(), &with(validation), 1);
            assert_eq!((learnt.len(), held_back.len()), (10 - expected, expected));
            assert!(held_back.iter().all(|unit| !learnt.contains(unit)));
        }
        assert_eq!(divide(all[..1].to_vec(), &with(0.5), 1).1.len(), 0);
        assert_ne!(divide(all.clone(), &with(0.5), 1).1, divide(all, &with(0.5), 2).1);
    }
}
