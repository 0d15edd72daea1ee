//! A mean with a standard deviation, to standardise a column.

use serde::{Deserialize, Serialize};

use super::rolling::Moments;

/// Number of rows from which a regime's own spread is used instead of the spread pooled over regimes.
const ROWS_FOR_OWN_SPREAD: f64 = 30.0;

/// A spread below this share of the mean is rounding error.
const ROUNDING: f64 = 1e-10;

/// Mean and spread of a column.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct ColumnScale {
    mean: f64,
    /// Population standard deviation; 0 marks a constant column.
    sd: f64,
}

impl ColumnScale {
    /// Takes the scale from the moments of a column.
    pub(super) fn of(moments: &Moments) -> Self {
        Self::new(moments.mean(), moments.sd())
    }

    /// Learns one scale per regime from its values.
    ///
    /// A regime with few or equal values keeps its own mean and uses the spread pooled within all regimes.
    pub(super) fn by_regime(groups: &[Vec<f64>]) -> Vec<Self> {
        let moments: Vec<_> = groups.iter().map(|values| moments_of(values)).collect();
        let pooled = pooled_sd(&moments);
        let scale = |own: &Moments| match Self::of(own) {
            scale if scale.is_constant() || own.count() < ROWS_FOR_OWN_SPREAD => {
                Self::new(own.mean(), pooled)
            }
            scale => scale,
        };
        moments.iter().map(scale).collect()
    }

    /// Returns whether the column does not vary; [`Self::apply`] then returns 0.
    pub(super) fn is_constant(&self) -> bool {
        self.sd == 0.0
    }

    /// Returns the distance from the mean in standard deviations, clipped to ±`clip`; 0 for a constant column.
    pub(super) fn apply(&self, value: f64, clip: f64) -> f64 {
        self.distance(value).max(-clip).min(clip)
    }

    /// Returns the distance from the mean in standard deviations; 0 for a constant column.
    pub(super) fn distance(&self, value: f64) -> f64 {
        let distance = (value - self.mean) / self.sd;
        if self.is_constant() || distance.is_nan() {
            0.0
        } else {
            distance
        }
    }

    fn new(mean: f64, sd: f64) -> Self {
        if !(mean.is_finite() && sd.is_finite()) {
            return Self { mean: 0.0, sd: 0.0 };
        }
        Self {
            mean,
            sd: if sd > ROUNDING * mean.abs() { sd } else { 0.0 },
        }
    }
}

fn moments_of(values: &[f64]) -> Moments {
    values
        .iter()
        .fold(Moments::default(), |run, value| run.then(*value))
}

fn pooled_sd(regimes: &[Moments]) -> f64 {
    let squares: f64 = regimes.iter().map(Moments::squares).sum();
    let count: f64 = regimes.iter().map(Moments::count).sum();
    (squares / count.max(1.0)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(values: &[f64]) -> ColumnScale {
        ColumnScale::of(&moments_of(values))
    }

    #[test]
    fn distances_are_in_standard_deviations_and_clipped() {
        let scale = scale(&[1.0, 3.0]);
        assert_eq!(
            [1.0, 2.0, 3.0, 1e12, -1e12].map(|x| scale.apply(x, 6.0)),
            [-1.0, 0.0, 1.0, 6.0, -6.0]
        );
    }

    #[test]
    fn constant_columns_give_zero_even_with_rounding_errors() {
        for column in [
            &[5.0, 5.0][..],
            &[1e6, 1e6 + 1e-9],
            &[],
            &[f64::MAX, -f64::MAX],
        ] {
            assert!(scale(column).is_constant(), "{column:?}");
            assert_eq!(scale(column).apply(1e12, 6.0), 0.0);
        }
    }

    #[test]
    fn a_small_regime_keeps_its_mean_and_uses_the_pooled_spread() {
        let large: Vec<f64> = (0..1000).map(|i| f64::from(i % 2)).collect();
        let scales = ColumnScale::by_regime(&[large, vec![100.0, 100.0]]);
        assert_eq!(scales[1].apply(100.0, 6.0), 0.0);
        assert!((scales[1].apply(101.0, 6.0) - 2.0).abs() < 0.01);
    }
}
