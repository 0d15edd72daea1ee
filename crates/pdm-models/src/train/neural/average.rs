//! The running average of the parameters.

/// The exponential running average of a network's parameters (Polyak and Juditsky, 1992), which predicts better than
/// the last parameters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct WeightAverage {
    decay: f64,
    pub(super) mean: Vec<f32>,
}

impl WeightAverage {
    /// Returns an average that starts with these parameters.
    pub(super) fn new(decay: f64, start: Vec<f32>) -> Self {
        Self { decay, mean: start }
    }

    /// Adds the parameters after step `step`, counted from 0.
    ///
    /// In early steps the decay is `(1 + step) / (10 + step)`, as in TensorFlow's `ExponentialMovingAverage`: otherwise the
    /// random first parameters would outweigh everything learnt in a short fit.
    pub(super) fn update(&mut self, parameters: &[f32], step: usize) {
        let step = step as f64;
        let decay = self.decay.min((1.0 + step) / (10.0 + step)) as f32;
        for (mean, parameter) in self.mean.iter_mut().zip(parameters) {
            *mean = decay * *mean + (1.0 - decay) * *parameter;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgets_the_start_and_follows_the_parameters() {
        let mut average = WeightAverage::new(0.9, vec![100.0; 3]);
        (0..300).for_each(|step| average.update(&[3.0, 2.0, 1.0], step));
        assert!(
            average
                .mean
                .iter()
                .zip([3.0, 2.0, 1.0])
                .all(|(a, b)| (a - b).abs() < 1e-4)
        );
    }

    #[test]
    fn without_decay_the_last_parameters_remain() {
        let mut average = WeightAverage::new(0.0, vec![1.0]);
        [2.0, 7.0]
            .into_iter()
            .enumerate()
            .for_each(|(step, value)| average.update(&[value], step));
        assert_eq!(average.mean, [7.0]);
    }
}
