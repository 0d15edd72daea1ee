//! The profile of the training data.

use serde::{Deserialize, Serialize};

use super::KnownHistories;
use crate::data::TrainingUnits;
use crate::features::FittedFeatures;
use pdm_core::statistics::quantile;

/// Quantile levels that are stored for every channel.
const LEVELS: [f64; 7] = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/// Distributions of the training data by operating regime, the reference for flags.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReferenceProfile {
    /// Quantile levels of [`ChannelProfile::quantiles`].
    pub levels: Vec<f64>,
    /// Training rows in each regime.
    pub rows: Vec<usize>,
    /// One entry per regime and channel, regimes first.
    pub channels: Vec<ChannelProfile>,
    /// Description of whole histories; absent in bundles of format 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub histories: Option<KnownHistories>,
}

/// The distribution of one channel in one regime, in the channel's own unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChannelProfile {
    /// Regime, from 0.
    pub regime: usize,
    /// Column name.
    pub channel: String,
    /// Smallest value seen.
    pub min: f64,
    /// Largest value seen.
    pub max: f64,
    /// Mean.
    pub mean: f64,
    /// Standard deviation of the population.
    pub sd: f64,
    /// Values at [`ReferenceProfile::levels`].
    pub quantiles: Vec<f64>,
}

impl ReferenceProfile {
    /// Describes the training units, which were scored from `shortest_history` rows on; regimes without a row are left out.
    pub fn describe(
        training: &TrainingUnits<'_>,
        features: &FittedFeatures,
        shortest_history: usize,
    ) -> Self {
        let width = training.schema().channels().count();
        let mut values = vec![vec![Vec::new(); width]; features.regime_count()];
        for unit in training.units() {
            for row in 0..unit.len() {
                let regime = &mut values[features.regime(unit, row)];
                for (all, channel) in regime.iter_mut().zip(&unit.channels) {
                    all.push(channel[row]);
                }
            }
        }
        let rows = values
            .iter()
            .map(|regime| regime.first().map_or(0, Vec::len))
            .collect();
        let named = values
            .into_iter()
            .enumerate()
            .flat_map(|(regime, channels)| {
                training
                    .schema()
                    .channels()
                    .zip(channels)
                    .map(move |(name, values)| (regime, name.to_owned(), values))
            });
        let channels = named
            .filter_map(|(regime, name, values)| describe(regime, name, values))
            .collect();
        let mut profile = Self {
            levels: LEVELS.to_vec(),
            rows,
            channels,
            histories: None,
        };
        profile.histories =
            KnownHistories::describe(training.units(), features, &profile, shortest_history);
        profile
    }

    /// Returns the profile of one channel in one regime.
    pub(super) fn channel(&self, regime: usize, name: &str) -> Option<&ChannelProfile> {
        self.channels
            .iter()
            .find(|profile| profile.regime == regime && profile.channel == name)
    }
}

impl ChannelProfile {
    /// Returns the distance of a value from the mean of its regime in standard deviations; `None` if the channel does not vary.
    pub(super) fn distance(&self, value: f64) -> Option<f64> {
        let varies = self.sd > 0.0 && self.sd.is_finite();
        varies
            .then(|| (value - self.mean) / self.sd)
            .filter(|distance| distance.is_finite())
    }
}

fn describe(regime: usize, channel: String, mut values: Vec<f64>) -> Option<ChannelProfile> {
    values.sort_by(f64::total_cmp);
    let min = *values.first()?;
    let max = *values.last()?;
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / count;
    let quantiles = LEVELS
        .iter()
        .map(|level| quantile(&values, *level))
        .collect();
    Some(ChannelProfile {
        regime,
        channel,
        min,
        max,
        mean,
        sd: variance.sqrt(),
        quantiles,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn describes_a_channel_as_numpy_does() {
        let profile = describe(0, "s_1".to_owned(), vec![4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!((profile.min, profile.max, profile.mean), (1.0, 4.0, 2.5));
        assert!((profile.sd - 1.118_033_988_749_895).abs() < 1e-15);
        assert_eq!(profile.quantiles[2..5], [1.75, 2.5, 3.25]);
    }

    #[test]
    fn a_regime_without_rows_has_no_profile() {
        assert_eq!(describe(0, "s_1".to_owned(), Vec::new()), None);
    }
}
