//! The bootstrap over units.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::totals::Totals;
use super::{BootstrapOptions, Metric};
use crate::statistics::quantile;

/// A metric's value with its interval over units.
///
/// The interval is the percentile bootstrap over units (Efron and Tibshirani 1993, chapter 13). It applies to the same model
/// on other units of the same kind, not to another training of the model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The metric.
    pub metric: Metric,
    /// Value over all units.
    pub value: f64,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval.
    pub upper: f64,
}

/// Returns the sums of each resample of the units.
///
/// Each resample uses its own random stream, so the numbers are the same at any thread count; the same seed and number of
/// units draw the same units, which makes comparisons of two models paired.
pub(super) fn resample(units: &[Totals], options: &BootstrapOptions, seed: u64) -> Vec<Totals> {
    let sum_of = |stream| {
        let mut sum = Totals::default();
        for unit in draw(units.len(), seed, stream) {
            sum += &units[unit];
        }
        sum
    };
    (0..options.resamples as u64)
        .into_par_iter()
        .map(sum_of)
        .collect()
}

/// Returns the indices of the units of one resample: as many as there are units, each drawn from all.
pub(super) fn draw(units: usize, seed: u64, stream: u64) -> impl Iterator<Item = usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    (0..units).map(move |_| rng.random_range(0..units))
}

/// Returns the value of a metric with its interval; `None` if one of the three is not finite.
pub(super) fn score(
    metric: Metric,
    sum: &Totals,
    resamples: &[Totals],
    confidence: f64,
) -> Option<Score> {
    let values = resamples
        .iter()
        .map(|totals| metric.value(totals))
        .collect();
    let (mut lower, mut upper) = percentile_interval(values, confidence);
    if metric.measure().is_share() {
        let unseen = largest_share_unseen(sum.units, confidence);
        (lower, upper) = (lower.min(1.0 - unseen), upper.max(unseen));
    }
    let value = metric.value(sum);
    [value, lower, upper]
        .iter()
        .all(|v| v.is_finite())
        .then_some(Score {
            metric,
            value,
            lower,
            upper,
        })
}

/// Returns the two quantiles that leave `(1 − confidence) / 2` of the values on each side.
pub(super) fn percentile_interval(mut values: Vec<f64>, confidence: f64) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let tail = (1.0 - confidence) / 2.0;
    (quantile(&values, tail), quantile(&values, 1.0 - tail))
}

/// Returns the largest share with which none of `units` units is affected with probability `(1 − confidence) / 2`.
///
/// This is the upper end of the Clopper–Pearson interval (Biometrika 26, 1934) for none of n. If no unit is late, every
/// resample gives 0, and the bootstrap alone would imply that no unit ever will be.
fn largest_share_unseen(units: f64, confidence: f64) -> f64 {
    1.0 - ((1.0 - confidence) / 2.0).powf(1.0 / units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_seen_in_a_hundred_units_leaves_room_for_the_exact_bound() {
        // scipy.stats.beta.ppf(0.975, 1, 100)
        assert!((largest_share_unseen(100.0, 0.95) - 0.036_216_692_645_190_54).abs() < 1e-12);
    }
}
