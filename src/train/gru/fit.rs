use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::average::WeightAverage;
use super::batch::{Batch, Batches};
use super::gradient::loss_and_gradients;
use super::network::{GruNetwork, training_device};
use super::schedule::one_cycle;
use crate::events::Reporter;
use crate::features::TargetOptions;
use crate::models::{Gru, GruOptions};
use crate::train::{TrainError, UnitExamples, derive_seed};

/// Steps between two reports.
const REPORT_STEPS: usize = 20;

/// Fits the recurrent network to the sequences of training units.
///
/// Reports the mean loss of the steps since the last report, in squared label scales, as `gru/loss`.
///
/// # Errors
/// There is no unit with a row, the work was interrupted, or the loss is not finite.
pub(in crate::train) fn fit_gru(
    units: &[UnitExamples],
    target: &TargetOptions,
    options: &GruOptions,
    seed: u64,
    reporter: &Reporter,
) -> Result<Gru, TrainError> {
    let units: Vec<&UnitExamples> = units.iter().filter(|unit| unit.rows() > 0).collect();
    let Some(width) = units.first().map(|unit| unit.input.width) else {
        return Err(TrainError::TooLittleData { what: "units to fit a recurrent network", have: 0, need: 1 });
    };
    let label_scale = target.cap as f32;
    let mut learner = Learner::new(width, options, label_scale, derive_seed(seed, "weights"));
    let mut batches = Batches::new(units, options, label_scale, derive_seed(seed, "batches"));
    let mut losses = Vec::new();
    for step in 1..=options.steps {
        reporter.check()?;
        losses.push(learner.step(&batches.draw())?);
        if step % REPORT_STEPS == 0 || step == options.steps {
            report(step, options.steps, &mut losses, reporter);
        }
    }
    Ok(learner.average.into_model())
}

fn report(step: usize, steps: usize, losses: &mut Vec<f64>, reporter: &Reporter) {
    let loss = losses.iter().sum::<f64>() / losses.len() as f64;
    losses.clear();
    reporter.metric("gru/loss", step as u64, loss);
    reporter.progress("gru", step as u64, steps as u64, format!("loss {loss:.4}"));
}

/// The network and everything that changes with a step.
struct Learner<'a> {
    options: &'a GruOptions,
    device: Device,
    network: GruNetwork,
    optimizer: ModuleOptimizer,
    average: WeightAverage,
    label_scale: f32,
    step: usize,
}

impl<'a> Learner<'a> {
    fn new(width: usize, options: &'a GruOptions, label_scale: f32, seed: u64) -> Self {
        let device = training_device();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let network = GruNetwork::draw(width, options, &device, &mut rng);
        let adam = AdamWConfig::new().with_weight_decay(options.weight_decay as f32).with_epsilon(1e-8);
        let average = WeightAverage::new(options.weight_average, network.model(options.stride, label_scale));
        Self { options, device, network, optimizer: adam.init(), average, label_scale, step: 0 }
    }

    fn step(&mut self, batch: &Batch) -> Result<f64, TrainError> {
        let (loss, gradients) = loss_and_gradients(&self.network, batch, &self.device);
        if !loss.is_finite() {
            return Err(TrainError::Diverged { model: "gru", step: self.step as u64 });
        }
        let gradients = clip(&self.network, gradients, self.options.gradient_clip);
        let GruOptions { steps, learning_rate, warmup_fraction, .. } = *self.options;
        let rate = one_cycle(self.step, steps, learning_rate, warmup_fraction);
        self.network = self.optimizer.step(rate, self.network.clone(), gradients);
        self.average.update(self.network.model(self.options.stride, self.label_scale));
        self.step += 1;
        Ok(f64::from(loss))
    }
}

/// Scales all gradients together so that their norm is at most `limit` (Pascanu et al., ICML 2013).
fn clip(network: &GruNetwork, gradients: GradientsParams, limit: f64) -> GradientsParams {
    let mut norm = Norm { gradients: &gradients, squares: 0.0 };
    network.visit(&mut norm);
    let scale = limit / norm.squares.sqrt();
    if scale >= 1.0 || !scale.is_finite() {
        return gradients;
    }
    let mut scaled = Scale { gradients, scale, result: GradientsParams::new() };
    network.visit(&mut scaled);
    scaled.result
}

struct Norm<'a> {
    gradients: &'a GradientsParams,
    squares: f64,
}

impl ModuleVisitor for Norm<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.squares += f64::from(gradient.square().sum().into_scalar::<f32>());
        }
    }
}

struct Scale {
    gradients: GradientsParams,
    scale: f64,
    result: GradientsParams,
}

impl ModuleVisitor for Scale {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.result.register(param.id, gradient.mul_scalar(self.scale));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Interrupt;
    use crate::features::Matrix;
    use crate::models::Predictor;

    const TARGET: TargetOptions = TargetOptions { cap: 20.0 };

    /// Units that fail at cycle 40; the one feature is a noisy view of the time left, up to 20 cycles.
    fn units(count: usize) -> Vec<UnitExamples> {
        let unit = |i: usize| {
            let labels: Vec<f64> = (0..40).map(|row| f64::from(39 - row).min(20.0)).collect();
            let noise = |row: usize| 0.3 * ((i * 40 + row) as f32 * 12.9898).sin();
            let values = labels.iter().enumerate().map(|(row, y)| 1.0 - *y as f32 / 10.0 + noise(row)).collect();
            UnitExamples { input: Matrix { width: 1, values }, labels }
        };
        (0..count).map(unit).collect()
    }

    fn options() -> GruOptions {
        GruOptions {
            hidden: 8,
            head: 6,
            stride: 2,
            steps: 180,
            batch_units: 4,
            learning_rate: 0.02,
            ..Default::default()
        }
    }

    fn fit(options: &GruOptions, seed: u64) -> Gru {
        fit_gru(&units(12), &TARGET, options, seed, &Reporter::silent()).unwrap()
    }

    #[test]
    fn learns_to_read_the_time_left() {
        let gru = fit(&options(), 1);
        let test = units(14).pop().unwrap();
        let errors = gru.predict(&test.input).into_iter().zip(&test.labels).map(|(r, y)| (r - y).powi(2));
        let rmse = (errors.sum::<f64>() / 40.0).sqrt();
        assert!(rmse < 2.5, "{rmse}");
    }

    #[test]
    fn a_seed_decides_every_byte_at_any_number_of_threads() {
        let with_threads = |threads: usize, seed| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| fit(&GruOptions { steps: 9, ..options() }, seed).weights())
        };
        let one = with_threads(1, 5);
        assert_eq!(one, with_threads(2, 5));
        assert_eq!(one, with_threads(3, 5));
        assert_ne!(one, with_threads(1, 6));
    }

    #[test]
    fn all_gradients_are_clipped_together() {
        let device = training_device();
        let network = GruNetwork::draw(1, &options(), &device, &mut ChaCha8Rng::seed_from_u64(1));
        let data = units(2);
        let (all, options) = (data.iter().collect(), options());
        let batch = Batches::new(all, &options, 0.01, 1).draw();
        let clipped = clip(&network, loss_and_gradients(&network, &batch, &device).1, 0.5);
        let mut norm = Norm { gradients: &clipped, squares: 0.0 };
        network.visit(&mut norm);
        assert!((norm.squares.sqrt() - 0.5).abs() < 1e-5);
        assert_eq!(clipped.len(), 8);
    }

    #[test]
    fn a_signal_and_nonsense_end_the_fit() {
        let interrupt = Interrupt::default();
        interrupt.cell().store(2, std::sync::atomic::Ordering::Relaxed);
        let stopped = fit_gru(&units(2), &TARGET, &options(), 1, &Reporter::new(interrupt));
        assert!(matches!(stopped, Err(TrainError::Interrupted(_))));
        let mut nonsense = units(2);
        nonsense[0].labels[5] = f64::INFINITY;
        nonsense[0].labels[4] = f64::INFINITY;
        let diverged = fit_gru(&nonsense, &TARGET, &options(), 1, &Reporter::silent());
        assert!(matches!(diverged, Err(TrainError::Diverged { model: "gru", .. })));
        let empty = fit_gru(&[UnitExamples::default()], &TARGET, &options(), 1, &Reporter::silent());
        assert!(matches!(empty, Err(TrainError::TooLittleData { .. })));
    }
}
