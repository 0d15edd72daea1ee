use crate::models::Gru;

/// The exponential running average of a network's weights (Polyak and Juditsky, 1992), which predicts better than
/// the last weights.
pub(super) struct WeightAverage {
    decay: f64,
    steps: u32,
    mean: Gru,
}

impl WeightAverage {
    /// Returns an average that starts with these weights.
    pub(super) fn new(decay: f64, start: Gru) -> Self {
        Self { decay, steps: 0, mean: start }
    }

    /// Takes in the weights after a step.
    ///
    /// Early on the decay is `(1 + n) / (10 + n)`, as in TensorFlow's `ExponentialMovingAverage`: in a short fit the
    /// random weights of the start would otherwise weigh more than all that was learnt.
    pub(super) fn update(&mut self, mut network: Gru) {
        let decay = self.decay.min(f64::from(1 + self.steps) / f64::from(10 + self.steps)) as f32;
        for (mean, weight) in self.mean.parameters_mut().zip(network.parameters_mut()) {
            *mean = decay * *mean + (1.0 - decay) * *weight;
        }
        self.steps += 1;
    }

    /// Returns the model with the average weights.
    pub(super) fn into_model(self) -> Gru {
        self.mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::gru::Dense;

    fn network(value: f32) -> Gru {
        let dense = |inputs: usize, outputs: usize| Dense {
            weight: vec![value; inputs * outputs],
            bias: vec![value + 1.0; outputs],
        };
        let layer = crate::models::gru::GruLayer { input: dense(2, 3), recurrent: dense(1, 3) };
        Gru { layer, head: dense(1, 2), output: dense(2, 1), stride: 1, label_scale: 1.0 }
    }

    #[test]
    fn forgets_the_start_and_follows_the_weights() {
        let mut average = WeightAverage::new(0.9, network(100.0));
        (0..300).for_each(|_| average.update(network(3.0)));
        let (mut mean, mut expected) = (average.into_model(), network(3.0));
        assert!(mean.parameters_mut().zip(expected.parameters_mut()).all(|(a, b)| (*a - *b).abs() < 1e-4));
        assert_eq!(expected.parameters_mut().count(), 9 + 6 + 4 + 3);
    }

    #[test]
    fn without_decay_the_last_weights_remain() {
        let mut average = WeightAverage::new(0.0, network(1.0));
        [2.0, 7.0].into_iter().for_each(|weight| average.update(network(weight)));
        assert_eq!(average.into_model(), network(7.0));
    }
}
