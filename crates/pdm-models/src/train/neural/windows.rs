//! A learner for benchmarks of single steps.

use super::batch::{Labelled, TrainingBatch};
use super::learner::Learner;
use super::loss::ScaledLoss;
use crate::models::neural::{Chunk, Network};
use crate::models::{ModelOptions, Neural, Predictor};
use crate::train::Backend;

/// A network that learns from the same windows in every step, for benchmarks.
///
/// A step is the gradient of the mean squared error at the last row of every window, and the optimiser's step.
pub struct WindowLearner {
    options: ModelOptions,
    network: Network,
    batch: TrainingBatch,
    parameters: Vec<f32>,
    inputs: usize,
}

/// Windows of a chunk: as in a fit with a batch of 256.
const WINDOWS: usize = 16;

impl WindowLearner {
    /// Returns a learner for windows `[labels, steps, inputs]` with all parameters zero; `None` where the family is not a
    /// network.
    pub fn new(
        options: ModelOptions,
        [steps, inputs]: [usize; 2],
        windows: &[f32],
        labels: &[f32],
    ) -> Option<Self> {
        let network = Network::new(options.neural()?, inputs, 1);
        let chunks = windows
            .chunks(WINDOWS * steps * inputs)
            .zip(labels.chunks(WINDOWS))
            .map(|(rows, labels)| {
                let chunk = Chunk {
                    rows: rows.to_vec(),
                    lengths: vec![steps; labels.len()],
                    last_only: true,
                };
                Labelled {
                    chunk,
                    labels: labels.to_vec(),
                }
            });
        let (batch, parameters) = (
            TrainingBatch {
                chunks: chunks.collect(),
            },
            vec![0.0; network.layout.len()],
        );
        Some(Self {
            options,
            network,
            batch,
            parameters,
            inputs,
        })
    }

    /// Returns name and shape of each tensor of the network.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.network
            .layout
            .tensors()
            .iter()
            .map(|tensor| (tensor.name.as_str(), tensor.shape.as_slice()))
    }

    /// Returns the number of parameters.
    pub fn parameters(&self) -> usize {
        self.parameters.len()
    }

    /// Sets all parameters, in the order of [`Self::tensors`].
    ///
    /// # Panics
    /// Their number is not that of the network.
    pub fn set_parameters(&mut self, parameters: Vec<f32>) {
        assert_eq!(
            parameters.len(),
            self.parameters.len(),
            "as many numbers as the network has parameters"
        );
        self.parameters = parameters;
    }

    /// Takes `steps` steps from the parameters set, and reports the loss of each before its update.
    pub fn run(&self, backend: Backend, steps: usize, mut each: impl FnMut(f64)) {
        let Some(options) = self.options.neural() else {
            return;
        };
        let mut learner = Learner::new(
            &self.network,
            options.fit(),
            ScaledLoss::Mse,
            backend.graph_device(),
            0,
        );
        learner.state.parameters.clone_from(&self.parameters);
        for _ in 0..steps {
            each(
                learner
                    .step(&self.batch)
                    .map_or(f64::NAN, |report| report.loss),
            );
        }
    }

    /// Returns the model with the parameters set, which predicts in units of the labels.
    pub fn model(&self) -> Option<Box<dyn Predictor>> {
        let options = self.options.neural()?;
        Some(Box::new(Neural::new(
            options,
            self.network.clone(),
            self.parameters.clone(),
            self.inputs,
            1.0,
        )))
    }
}
