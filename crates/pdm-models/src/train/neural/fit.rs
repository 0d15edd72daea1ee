//! The fit of a network: its steps, evaluations on the units held back, checkpoints and reports.

use serde_json::json;

use super::batch::Batches;
use super::checkpoint::{Checkpoints, FitProgress};
use super::learner::{Divergence, Learner, StepReport};
use super::loss::{Loss, ScaledLoss};
use super::validation::{BestParameters, HeldBackUnits};
use crate::features::TargetOptions;
use crate::models::Neural;
use crate::models::neural::{FitOptions, Network, NetworkOptions, WHEN_DIVERGED};
use crate::train::examples::divide;
use crate::train::{TrainError, TrainOptions, UnitExamples, Workspace, derive_seed};
use pdm_core::content::{Digest, digest_of};
use pdm_core::events::Reporter;

/// Steps between two reports.
const REPORT_STEPS: usize = 20;
/// Steps between two checkpoints.
const CHECKPOINT_STEPS: usize = 100;

/// Fits a network to the sequences of training units.
///
/// Reports, by the family's name: `loss` (mean of the steps since the last report, in squared label scales),
/// `learning_rate`, `gradient_norm`, and, where units are held back, their `validation_rmse` in cycles. A fit that was
/// stopped continues from its last checkpoint in the workspace, to the same bytes as one that never stopped.
///
/// # Errors
/// No unit has a row, the work was interrupted, the loss is not finite, or a checkpoint cannot be written.
pub(in crate::train) fn fit_neural(
    units: &[UnitExamples],
    target: &TargetOptions,
    options: &dyn NetworkOptions,
    training: &TrainOptions,
    seed: u64,
    workspace: &Workspace,
    reporter: &Reporter,
) -> Result<Neural, TrainError> {
    let fit = digest(units, target, options, training, seed);
    let units: Vec<&UnitExamples> = units.iter().filter(|unit| unit.rows() > 0).collect();
    let Some(inputs) = units.first().map(|unit| unit.input.width) else {
        return Err(TrainError::TooLittleData {
            what: "units to fit a network",
            have: 0,
            need: 1,
        });
    };
    let reading = options.reading();
    let label_scale = largest_label(&units, target);
    let (learnt, held_back) = divide(units, training, derive_seed(seed, "validation"));
    let loss = scaled(training, label_scale);
    let network = Network::new(options, inputs, loss.outputs());
    let learner = Learner::new(
        &network,
        options.fit(),
        loss,
        training.backend.graph_device(),
        derive_seed(seed, "weights"),
    );
    let course = TrainingLoop {
        family: options.kind(),
        options: options.fit(),
        batches: Batches::new(
            learnt,
            reading,
            options.fit().batch,
            label_scale,
            derive_seed(seed, "batches"),
        ),
        validation: HeldBackUnits::new(&held_back, reading, training, label_scale),
        checkpoints: Checkpoints::new(workspace, fit),
        learner,
        best: None,
        losses: Vec::new(),
    };
    let parameters = course.run(reporter)?;
    Ok(Neural::new(
        options,
        network,
        parameters,
        inputs,
        label_scale,
    ))
}

/// Returns the divisor that brings labels into 0 to 1: the cap, or the largest label where no unit lives as long.
fn largest_label(units: &[&UnitExamples], target: &TargetOptions) -> f32 {
    let most = units
        .iter()
        .flat_map(|unit| &unit.labels)
        .fold(0.0, |most: f64, label| most.max(*label));
    let scale = if most > 0.0 {
        most.min(target.cap())
    } else {
        target.cap()
    };
    scale as f32
}

/// Returns the digest of everything that decides a fit, as canonical JSON of named values.
fn digest(
    units: &[UnitExamples],
    target: &TargetOptions,
    options: &dyn NetworkOptions,
    training: &TrainOptions,
    seed: u64,
) -> Digest {
    let numbers = |unit: &UnitExamples| {
        let inputs = unit.input.values.iter().flat_map(|v| v.to_le_bytes());
        let labels = unit.labels.iter().flat_map(|label| label.to_le_bytes());
        Digest::of(inputs.chain(labels).collect::<Vec<u8>>())
    };
    let fit = json!({
        "units": units.iter().map(numbers).collect::<Vec<_>>(),
        "target": target,
        "family": options.kind(),
        "options": options.to_json(),
        "train": training,
        "seed": seed,
    });
    digest_of(&fit).expect("a JSON value has a JSON form")
}

fn scaled(training: &TrainOptions, label_scale: f32) -> ScaledLoss {
    match training.loss {
        Loss::Mse => ScaledLoss::Mse,
        Loss::Huber => ScaledLoss::Huber {
            delta: training.huber_delta as f32 / label_scale,
        },
        Loss::Asymmetric => ScaledLoss::Asymmetric {
            late: training.late_weight as f32,
        },
        Loss::Quantile => ScaledLoss::Quantile {
            levels: training.quantiles.map(|level| level as f32),
        },
    }
}

/// A fit in progress.
struct TrainingLoop<'a> {
    family: &'static str,
    options: FitOptions,
    batches: Batches<'a>,
    validation: Option<HeldBackUnits>,
    checkpoints: Checkpoints<'a>,
    learner: Learner<'a>,
    best: Option<BestParameters>,
    losses: Vec<f64>,
}

impl TrainingLoop<'_> {
    /// Takes all steps, and returns the parameters that predict.
    fn run(mut self, reporter: &Reporter) -> Result<Vec<f32>, TrainError> {
        self.restore();
        let steps = self.options.steps;
        while self.learner.state.step < steps && !self.is_over() {
            if let Err(stop) = reporter.check() {
                self.checkpoints.keep_last(&self.progress())?;
                return Err(stop.into());
            }
            let report = self
                .learner
                .step(&self.batches.draw())
                .map_err(|divergence| self.diverged(divergence))?;
            self.report(report, reporter);
            self.validate(reporter)?;
            if self.learner.state.step.is_multiple_of(CHECKPOINT_STEPS) {
                self.checkpoints.keep_last(&self.progress())?;
            }
        }
        Ok(self
            .best
            .map_or(self.learner.state.average.mean, |best| best.parameters))
    }

    fn restore(&mut self) {
        let mut progress = self.progress();
        self.checkpoints.restore(&mut progress);
        FitProgress {
            state: self.learner.state,
            best: self.best,
            losses: self.losses,
        } = progress;
        // The batches before the checkpoint are drawn again and dropped, so that the next ones are the same.
        (0..self.learner.state.step).for_each(|_| drop(self.batches.draw()));
    }

    fn progress(&self) -> FitProgress {
        FitProgress {
            state: self.learner.state.clone(),
            best: self.best.clone(),
            losses: self.losses.clone(),
        }
    }

    fn is_over(&self) -> bool {
        let step = self.learner.state.step;
        self.validation
            .as_ref()
            .zip(self.best.as_ref())
            .is_some_and(|(validation, best)| validation.is_over(best, step))
    }

    /// Predicts the units held back, where it is time, and keeps the best weights.
    fn validate(&mut self, reporter: &Reporter) -> Result<(), TrainError> {
        let state = &self.learner.state;
        let Some(validation) = self
            .validation
            .as_ref()
            .filter(|v| v.is_due(state.step, self.options.steps))
        else {
            return Ok(());
        };
        let rmse = validation.rmse(self.learner.network, &state.average.mean);
        reporter.metric(
            format!("{}/validation_rmse", self.family),
            state.step as u64,
            rmse,
        );
        if self.best.as_ref().is_none_or(|best| rmse < best.rmse) {
            self.best = Some(BestParameters {
                step: state.step,
                rmse,
                parameters: state.average.mean.clone(),
            });
            self.checkpoints.keep_best(&self.progress())?;
        }
        Ok(())
    }

    fn report(&mut self, report: StepReport, reporter: &Reporter) {
        self.losses.push(report.loss);
        let (step, steps) = (self.learner.state.step, self.options.steps);
        if !step.is_multiple_of(REPORT_STEPS) && step != steps {
            return;
        }
        let loss = self.losses.iter().sum::<f64>() / self.losses.len() as f64;
        self.losses.clear();
        let metrics = [
            ("loss", loss),
            ("learning_rate", report.learning_rate),
            ("gradient_norm", report.gradient_norm),
        ];
        for (name, value) in metrics {
            reporter.metric(format!("{}/{name}", self.family), step as u64, value);
        }
        reporter.progress(
            self.family,
            step as u64,
            steps as u64,
            format!("loss {loss:.4}"),
        );
    }

    fn diverged(&self, divergence: Divergence) -> TrainError {
        let Divergence {
            step,
            tensor: place,
        } = divergence;
        let kept = self.checkpoints.kept();
        TrainError::Diverged {
            model: self.family,
            step: step as u64,
            place,
            kept,
            hint: WHEN_DIVERGED,
        }
    }
}
