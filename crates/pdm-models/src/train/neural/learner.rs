//! A network that learns: draws its first parameters and takes the steps of a fit.

use burn::tensor::Device;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::adamw::{AdamMoments, AdamW};
use super::average::WeightAverage;
use super::batch::TrainingBatch;
use super::gradient::loss_and_gradient;
use super::graph;
use super::loss::ScaledLoss;
use super::schedule::learning_rate;
use crate::models::neural::{FitOptions, Init, Network, ParameterLayout};

/// The network's parameters and everything that changes with a step.
pub(super) struct Learner<'a> {
    pub(super) network: &'a Network,
    options: FitOptions,
    loss: ScaledLoss,
    /// Device of the graph that computes the gradient; `None` where the native layers do.
    graph: Option<Device>,
    optimizer: AdamW,
    pub(super) state: LearnerState,
}

/// Everything from which a fit continues as if it had never stopped.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LearnerState {
    /// Steps taken.
    pub(super) step: usize,
    pub(super) parameters: Vec<f32>,
    pub(super) average: WeightAverage,
    pub(super) moments: AdamMoments,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct StepReport {
    pub(super) loss: f64,
    /// Norm of the gradient before it was clipped.
    pub(super) gradient_norm: f64,
    pub(super) learning_rate: f64,
}

/// The loss or its gradient is no longer finite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Divergence {
    /// The step, counted from 1.
    pub(super) step: usize,
    /// The first tensor, in the order of the network, whose gradient is not finite.
    pub(super) tensor: Option<String>,
}

impl<'a> Learner<'a> {
    /// Returns a learner with parameters drawn by seed.
    pub(super) fn new(
        network: &'a Network,
        options: FitOptions,
        loss: ScaledLoss,
        graph: Option<Device>,
        seed: u64,
    ) -> Self {
        let parameters = draw(&network.layout, seed);
        let average = WeightAverage::new(options.weight_average, parameters.clone());
        let optimizer = AdamW::new(options.weight_decay as f32);
        let moments = AdamMoments::new(parameters.len());
        let state = LearnerState {
            step: 0,
            parameters,
            average,
            moments,
        };
        Self {
            network,
            options,
            loss,
            graph,
            optimizer,
            state,
        }
    }

    /// Takes one step.
    ///
    /// # Errors
    /// The loss or its gradient is not finite; nothing has changed.
    pub(super) fn step(&mut self, batch: &TrainingBatch) -> Result<StepReport, Divergence> {
        let (loss, mut gradient) = match &self.graph {
            None => loss_and_gradient(self.network, &self.state.parameters, batch, self.loss),
            Some(device) => graph::loss_and_gradient(
                self.network,
                &self.state.parameters,
                batch,
                self.loss,
                device,
            ),
        };
        let gradient_norm = norm(&gradient);
        if !(loss.is_finite() && gradient_norm.is_finite()) {
            let broken = gradient.iter().position(|g| !g.is_finite());
            let tensor = broken.map(|parameter| self.network.layout.name_of(parameter).to_owned());
            return Err(Divergence {
                step: self.state.step + 1,
                tensor,
            });
        }
        clip(&mut gradient, gradient_norm, self.options.gradient_clip);
        let learning_rate = learning_rate(&self.options, self.state.step);
        let state = &mut self.state;
        self.optimizer.step(
            learning_rate,
            state.step,
            &mut state.parameters,
            &gradient,
            &mut state.moments,
        );
        state.average.update(&state.parameters, state.step);
        state.step += 1;
        Ok(StepReport {
            loss,
            gradient_norm,
            learning_rate,
        })
    }
}

/// Draws the first parameters.
fn draw(layout: &ParameterLayout, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut parameters = Vec::with_capacity(layout.len());
    for tensor in layout.tensors() {
        let count = tensor.end() - tensor.start;
        match tensor.init {
            Init::Uniform(bound) => {
                parameters.extend((0..count).map(|_| rng.random_range(-bound..bound)))
            }
            Init::Constant(value) => parameters.extend(std::iter::repeat_n(value, count)),
        }
    }
    parameters
}

fn norm(gradient: &[f32]) -> f64 {
    gradient
        .iter()
        .map(|g| f64::from(*g) * f64::from(*g))
        .sum::<f64>()
        .sqrt()
}

/// Scales the whole gradient so that its norm is at most `limit` (Pascanu et al., ICML 2013).
fn clip(gradient: &mut [f32], norm: f64, limit: f64) {
    if norm > limit {
        let scale = (limit / norm) as f32;
        gradient.iter_mut().for_each(|g| *g *= scale);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_gradient_is_clipped_together() {
        let mut gradient = vec![3.0, 0.0, -4.0];
        clip(&mut gradient, 5.0, 0.5);
        assert!(
            gradient
                .iter()
                .zip([0.3, 0.0, -0.4])
                .all(|(a, b)| (a - b).abs() < 1e-6)
        );
        clip(&mut gradient, 0.5, 1.0);
        assert!((norm(&gradient) - 0.5).abs() < 1e-6);
    }

    #[test]
    fn first_parameters_are_drawn_within_their_bounds() {
        let mut layout = ParameterLayout::default();
        layout.vector("a", &[100], Init::Uniform(0.2));
        layout.vector("b", &[2], Init::Constant(1.0));
        let parameters = draw(&layout, 3);
        assert!(
            parameters[..100].iter().all(|p| p.abs() < 0.2)
                && parameters[..100].iter().any(|p| p.abs() > 0.1)
        );
        assert_eq!(parameters[100..], [1.0, 1.0]);
        assert_eq!(parameters, draw(&layout, 3));
        assert_ne!(parameters, draw(&layout, 4));
    }
}
