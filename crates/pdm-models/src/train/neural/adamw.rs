//! The optimiser: one AdamW step, in place on the flat vector of parameters.

/// Decay of the running mean of the gradient.
const BETA_1: f32 = 0.9;
/// Decay of the running mean of the squared gradient.
const BETA_2: f32 = 0.999;
/// Keeps the division finite where the gradient has always been zero.
const EPSILON: f32 = 1e-8;

/// AdamW (Loshchilov and Hutter, ICLR 2019), with the numbers of burn's to the bit.
#[derive(Debug, Clone, Copy)]
pub(super) struct AdamW {
    weight_decay: f32,
}

/// The running means of the gradient and of its square.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AdamMoments {
    pub(super) first: Vec<f32>,
    pub(super) second: Vec<f32>,
}

impl AdamMoments {
    /// Returns the means before the first step, for so many parameters.
    pub(super) fn new(parameters: usize) -> Self {
        // Adding -0.0 changes no number, not even the sign of a zero: the first step sets the means.
        Self {
            first: vec![-0.0; parameters],
            second: vec![-0.0; parameters],
        }
    }
}

impl AdamW {
    pub(super) fn new(weight_decay: f32) -> Self {
        Self { weight_decay }
    }

    /// Takes the step after `taken` steps.
    ///
    /// The order of the operations is burn's and must stay: models are reproducible to the byte.
    pub(super) fn step(
        self,
        learning_rate: f64,
        taken: usize,
        parameters: &mut [f32],
        gradient: &[f32],
        moments: &mut AdamMoments,
    ) {
        let time = (taken + 1) as i32;
        let correction_1 = 1.0 - BETA_1.powi(time);
        let correction_2 = 1.0 - BETA_2.powi(time);
        let decay = (1.0 - learning_rate * f64::from(self.weight_decay)) as f32;
        let rate = learning_rate as f32;
        let means = moments.first.iter_mut().zip(&mut moments.second);
        for ((parameter, gradient), (first, second)) in
            parameters.iter_mut().zip(gradient).zip(means)
        {
            *first = *first * BETA_1 + *gradient * (1.0 - BETA_1);
            *second = *second * BETA_2 + *gradient * *gradient * (1.0 - BETA_2);
            let deviation = (*second / correction_2).sqrt() + EPSILON;
            let direction = *first / correction_1 / deviation;
            *parameter = *parameter * decay - direction * rate;
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};
    use burn_optim::{AdamWConfig, Optimizer};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::super::graph::values;
    use super::*;

    /// Fills no vector register evenly.
    const PARAMETERS: usize = 67;

    fn bits(values: &[f32]) -> Vec<u32> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    fn tensor(values: &[f32]) -> Tensor<1> {
        let data = TensorData::new(values.to_vec(), [values.len()]);
        Tensor::from_data(data, &Device::flex())
    }

    /// Gradients of every size, subnormal ones and zeros of both signs among them.
    fn gradient(rng: &mut ChaCha8Rng) -> Vec<f32> {
        let mut gradient: Vec<f32> = (0..PARAMETERS)
            .map(|_| rng.random_range(-1.0_f32..1.0) * 10_f32.powi(rng.random_range(-40..4)))
            .collect();
        gradient[..3].copy_from_slice(&[0.0, -0.0, f32::MIN_POSITIVE / 8.0]);
        gradient
    }

    #[test]
    fn every_step_has_the_bits_of_burns() {
        for weight_decay in [0.0, 1e-4, 0.3] {
            let mut rng = ChaCha8Rng::seed_from_u64(7);
            let mut parameters: Vec<f32> = (0..PARAMETERS)
                .map(|_| rng.random_range(-1.0..1.0))
                .collect();
            (parameters[0], parameters[1]) = (-0.0, 0.0);
            let (ours, mut moments) = (AdamW::new(weight_decay), AdamMoments::new(PARAMETERS));
            let burns = AdamWConfig::new()
                .with_weight_decay(weight_decay)
                .with_epsilon(EPSILON)
                .build();
            let (mut expected, mut state) = (tensor(&parameters), None);
            for taken in 0..1500 {
                let (gradient, rate) = (gradient(&mut rng), rng.random_range(1e-6..0.05));
                ours.step(rate, taken, &mut parameters, &gradient, &mut moments);
                let next;
                (next, state) = burns.step(rate, expected, tensor(&gradient), state);
                let momentum = state.as_ref().map(|state| state.momentum.clone()).unwrap();
                expected = next;
                let step = format!("step {taken}, weight decay {weight_decay}");
                assert_eq!(bits(&parameters), bits(&values(expected.clone())), "{step}");
                let theirs = values(momentum.moment_1);
                assert_eq!(bits(&moments.first), bits(&theirs), "{step}");
                let theirs = values(momentum.moment_2);
                assert_eq!(bits(&moments.second), bits(&theirs), "{step}");
            }
        }
    }
}
