//! Running statistics of one column.
//!
//! Value `t` of every result depends only on the values up to `t`, so cutting the column later does not change a bit of it.

/// Mean, spread and trend of a run of consecutive values.
///
/// Updated and merged by differences of means (Chan, Golub & LeVeque, 1983), which avoids cancellation and drift: sums of
/// powers would lose a small spread around a large mean.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Moments {
    count: f64,
    mean: f64,
    /// Σ (x − mean of x)².
    squares: f64,
    /// Σ (i − mean of i)(x − mean of x) for positions i = 0, 1, ….
    cross: f64,
}

impl Moments {
    /// Returns the moments of this run with `value` after it.
    #[must_use]
    pub(super) fn then(self, value: f64) -> Self {
        let delta = value - self.mean;
        let count = self.count + 1.0;
        let mean = self.mean + delta / count;
        Self {
            count,
            mean,
            squares: self.squares + delta * (value - mean),
            cross: self.cross + 0.5 * self.count * delta,
        }
    }

    /// Returns the moments of `value` with this run after it.
    fn after(self, value: f64) -> Self {
        // In reverse time the same value comes last and the trend changes its sign.
        let reversed = Self {
            cross: -self.cross,
            ..self
        }
        .then(value);
        Self {
            cross: -reversed.cross,
            ..reversed
        }
    }

    /// Returns the moments of this run with `later` after it.
    fn join(self, later: Self) -> Self {
        let count = self.count + later.count;
        let delta = later.mean - self.mean;
        let weight = self.count * later.count;
        Self {
            count,
            mean: self.mean + delta * later.count / count,
            squares: self.squares + later.squares + delta * delta * weight / count,
            cross: self.cross + later.cross + 0.5 * delta * weight,
        }
    }

    /// Returns the number of values.
    pub(super) fn count(&self) -> f64 {
        self.count
    }

    /// Returns the mean; 0 for an empty run.
    pub(super) fn mean(&self) -> f64 {
        self.mean
    }

    /// Returns Σ (x − mean)².
    pub(super) fn squares(&self) -> f64 {
        self.squares.max(0.0)
    }

    /// Returns the population standard deviation; 0 for fewer than two values.
    pub(super) fn sd(&self) -> f64 {
        (self.squares() / self.count.max(1.0)).sqrt()
    }

    /// Returns the least-squares slope per row; 0 for fewer than two values.
    pub(super) fn slope(&self) -> f64 {
        let spread = self.count * (self.count * self.count - 1.0) / 12.0;
        if spread > 0.0 {
            self.cross / spread
        } else {
            0.0
        }
    }

    /// Returns the slope, shrunk towards 0 while there are fewer than `trusted` rows.
    ///
    /// The factor is `min(1, n / trusted)²` for a run of n rows, since two noisy points can make a steep line.
    pub(super) fn damped_slope(&self, trusted: usize) -> f64 {
        let share = (self.count / trusted as f64).min(1.0);
        self.slope() * share * share
    }
}

/// Returns, for every row, the moments of the values from the first row on.
pub(super) fn expanding(values: &[f64]) -> Vec<Moments> {
    values
        .iter()
        .scan(Moments::default(), |run, value| {
            *run = run.then(*value);
            Some(*run)
        })
        .collect()
}

/// Returns, for every row, the moments of the last `window` values, or of all values so far if there are fewer.
///
/// Takes time linear in the rows for any window: the column is divided into blocks of `window` rows, and every window is the
/// end of one block joined to the beginning of the next (van Herk, 1992).
pub(super) fn trailing(values: &[f64], window: usize) -> Vec<Moments> {
    let mut moments = Vec::with_capacity(values.len());
    let mut ends_of_previous = Vec::new();
    for block in values.chunks(window.max(1)) {
        for (position, beginning) in expanding(block).into_iter().enumerate() {
            let end: Option<&Moments> = ends_of_previous.get(position + 1);
            moments.push(end.map_or(beginning, |end| end.join(beginning)));
        }
        ends_of_previous = ends(block);
    }
    moments
}

/// Returns, for every row of a block, the moments from this row to the block's end.
fn ends(block: &[f64]) -> Vec<Moments> {
    let mut ends = vec![Moments::default(); block.len()];
    let mut run = Moments::default();
    for (end, value) in ends.iter_mut().zip(block).rev() {
        run = run.after(*value);
        *end = run;
    }
    ends
}

/// Returns the exponential mean with this half-life in rows, corrected for its start (Kingma & Ba, 2015, section 3).
pub(super) fn exponential_mean(values: &[f64], half_life: f64) -> Vec<f64> {
    let decay = 0.5_f64.powf(half_life.recip());
    let mut sum = 0.0;
    let mut weight = 0.0;
    let mut step = |value: &f64| {
        sum = decay * sum + value;
        weight = decay * weight + 1.0;
        sum / weight
    };
    values.iter().map(&mut step).collect()
}

/// Returns, for every row, the mean of the first `rows` values, or of all values so far if there are fewer.
pub(super) fn baseline(values: &[f64], rows: usize) -> Vec<f64> {
    let first = &values[..rows.min(values.len())];
    let mut means: Vec<f64> = expanding(first).iter().map(Moments::mean).collect();
    means.resize(values.len(), means.last().copied().unwrap_or(0.0));
    means
}

/// Returns the smallest value so far.
pub(super) fn running_minimum(values: &[f64]) -> Vec<f64> {
    values
        .iter()
        .scan(f64::INFINITY, |smallest, value| {
            *smallest = smallest.min(*value);
            Some(*smallest)
        })
        .collect()
}

/// Returns `a − b`, row by row.
pub(super) fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definitions, written out: every statistic from the whole window, in time `n × window`.
    mod naive {
        pub(super) fn mean(values: &[f64]) -> f64 {
            values.iter().sum::<f64>() / values.len() as f64
        }

        pub(super) fn sd(values: &[f64]) -> f64 {
            let mean = mean(values);
            mean_of(values.iter().map(|x| (x - mean).powi(2))).sqrt()
        }

        pub(super) fn slope(values: &[f64]) -> f64 {
            let (middle, mean) = ((values.len() as f64 - 1.0) / 2.0, mean(values));
            let time = |i: usize| i as f64 - middle;
            let spread: f64 = (0..values.len()).map(|i| time(i).powi(2)).sum();
            let cross: f64 = values
                .iter()
                .enumerate()
                .map(|(i, x)| time(i) * (x - mean))
                .sum();
            if spread == 0.0 { 0.0 } else { cross / spread }
        }

        pub(super) fn exponential_mean(values: &[f64], half_life: f64) -> f64 {
            let weight = |age: usize| 2.0_f64.powf(-(age as f64) / half_life);
            let weights: f64 = (0..values.len()).map(weight).sum();
            values
                .iter()
                .rev()
                .enumerate()
                .map(|(age, x)| weight(age) * x)
                .sum::<f64>()
                / weights
        }

        fn mean_of(values: impl ExactSizeIterator<Item = f64>) -> f64 {
            let count = values.len() as f64;
            values.sum::<f64>() / count
        }
    }

    fn close(actual: f64, expected: f64) -> bool {
        (actual - expected).abs() <= 1e-6
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn windows_agree_with_their_definition(
            values in prop::collection::vec(-6.0..6.0_f64, 1..260),
            offset in -1e3..1e3_f64,
            window in 1..90_usize,
        ) {
            let values: Vec<f64> = values.iter().map(|x| x + offset).collect();
            for (t, moments) in trailing(&values, window).iter().enumerate() {
                let seen = &values[(t + 1).saturating_sub(window)..=t];
                prop_assert!(close(moments.mean(), naive::mean(seen)));
                prop_assert!(close(moments.sd(), naive::sd(seen)));
                prop_assert!(close(moments.slope(), naive::slope(seen)));
                let share = ((t + 1) as f64 / window as f64).min(1.0);
                prop_assert!(close(moments.damped_slope(window), naive::slope(seen) * share.powi(2)));
            }
        }

        #[test]
        fn histories_agree_with_their_definition(
            values in prop::collection::vec(-6.0..6.0_f64, 1..200),
            half_life in 0.5..50.0_f64,
            rows in 1..60_usize,
        ) {
            let (moments, means) = (expanding(&values), exponential_mean(&values, half_life));
            let (baselines, minima) = (baseline(&values, rows), running_minimum(&values));
            for t in 0..values.len() {
                let seen = &values[..=t];
                prop_assert!(close(moments[t].slope(), naive::slope(seen)));
                prop_assert!(close(moments[t].sd(), naive::sd(seen)));
                prop_assert!(close(means[t], naive::exponential_mean(seen, half_life)));
                prop_assert!(close(baselines[t], naive::mean(&seen[..rows.min(t + 1)])));
                prop_assert_eq!(minima[t], seen.iter().copied().fold(f64::INFINITY, f64::min));
            }
        }
    }

    #[test]
    fn one_value_has_neither_spread_nor_slope() {
        for moments in [expanding(&[7.0])[0], trailing(&[7.0], 40)[0]] {
            assert_eq!(
                (moments.mean(), moments.sd(), moments.slope()),
                (7.0, 0.0, 0.0)
            );
        }
    }

    #[test]
    fn a_flat_stretch_after_a_long_noisy_history_has_no_spread() {
        let noisy = (0..10_000).map(|i| 6.0 * f64::from(i % 7 - 3) / 3.0);
        let values: Vec<f64> = noisy.chain(std::iter::repeat_n(6.0, 100)).collect();
        let last = trailing(&values, 40)[10_099];
        assert_eq!((last.mean(), last.sd(), last.slope()), (6.0, 0.0, 0.0));
    }

    #[test]
    fn empty_columns_stay_empty() {
        assert!(
            trailing(&[], 40).is_empty()
                && baseline(&[], 20).is_empty()
                && exponential_mean(&[], 4.0).is_empty()
        );
    }
}
