//! The two-sample Kolmogorov-Smirnov test.

/// Result of the two-sample Kolmogorov-Smirnov test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Smirnov {
    /// Largest distance between the two empirical distributions, from 0 to 1.
    pub distance: f64,
    /// Probability of a distance at least as large if both samples come from one distribution.
    pub p: f64,
}

/// Compares two samples by the two-sample Kolmogorov-Smirnov test, two-sided; `None` if one is empty.
///
/// The p-value is exact for samples without ties, at any size: the asymptotic one is far off for a handful of units. Ties make
/// it larger than it is, never smaller. The probability that a path through the ordered sample stays within the distance is
/// counted point by point (Hodges, "The significance probability of the Smirnov two-sample test", Arkiv för Matematik 3,
/// 1958; the recursion of `psmirnov2x` in R), which takes as many steps as the product of the sizes.
pub fn smirnov(a: &[f64], b: &[f64]) -> Option<Smirnov> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let mut a = a.to_vec();
    let mut b = b.to_vec();
    a.sort_by(f64::total_cmp);
    b.sort_by(f64::total_cmp);
    let steps = steps_apart(&a, &b);
    let n = a.len().min(b.len());
    let m = a.len().max(b.len());
    Some(Smirnov {
        distance: steps as f64 / (n * m) as f64,
        p: at_least(steps, n, m),
    })
}

/// Returns the largest distance between the empirical distributions of two samples in ascending order, from 0 to 1; `NaN` if one is
/// empty.
pub fn largest_distance(a: &[f64], b: &[f64]) -> f64 {
    steps_apart(a, b) as f64 / (a.len() * b.len()) as f64
}

/// Returns the smallest p-value that samples of these sizes can give: that of two that do not overlap, `2 / C(n + m, n)`.
pub fn smallest_p(n: usize, m: usize) -> f64 {
    let (n, m) = (n.min(m), n.max(m));
    let ways = (1..=n).fold(1.0, |ways, i| ways * (m + i) as f64 / i as f64);
    (2.0 / ways).min(1.0)
}

/// Returns the largest distance, in steps of `1 / (n·m)`.
fn steps_apart(a: &[f64], b: &[f64]) -> u64 {
    let n = a.len() as i64;
    let m = b.len() as i64;
    let mut i = 0;
    let mut j = 0;
    let mut largest = 0;
    while i < a.len() && j < b.len() {
        let value = a[i].min(b[j]);
        while i < a.len() && a[i] <= value {
            i += 1;
        }
        while j < b.len() && b[j] <= value {
            j += 1;
        }
        largest = largest.max((i as i64 * m - j as i64 * n).unsigned_abs());
    }
    largest
}

/// Returns the probability of at least so many steps, for samples of `n` ≤ `m`.
fn at_least(steps: u64, n: usize, m: usize) -> f64 {
    let outside =
        |i: usize, j: usize| (i as i64 * m as i64 - j as i64 * n as i64).unsigned_abs() >= steps;
    if steps == 0 {
        return 1.0;
    }
    // The share of paths to each point that have left the band, so that a small probability keeps its digits.
    let mut left: Vec<f64> = (0..=m)
        .scan(0.0, |left, j| {
            Some({
                *left = if outside(0, j) { 1.0 } else { *left };
                *left
            })
        })
        .collect();
    for i in 1..=n {
        left[0] = if outside(i, 0) { 1.0 } else { left[0] };
        for j in 1..=m {
            let from_before = i as f64 / (i + j) as f64;
            left[j] = if outside(i, j) {
                1.0
            } else {
                from_before * left[j] + (1.0 - from_before) * left[j - 1]
            };
        }
    }
    left[m].clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() <= 1e-9 * expected,
            "{found} {expected}"
        );
    }

    /// Uniform numbers of a linear congruential generator.
    fn uniform(seed: u64, count: usize, shift: f64) -> Vec<f64> {
        let next = |state: &mut u64| {
            *state = (*state * 1_103_515_245 + 12_345) % (1 << 31);
            Some(*state as f64 / (1_u64 << 31) as f64 + shift)
        };
        std::iter::repeat_n((), count)
            .scan(seed, |state, ()| next(state))
            .collect()
    }

    #[test]
    fn agrees_with_scipy() {
        // scipy 1.17.1: ks_2samp(uniform(1, n, shift), uniform(2, m, 0.0), method="exact")
        let reference = [
            (5, 60, 0.0, 0.26666666666666666, 0.8387974510065994),
            (5, 60, 0.6, 0.7166666666666667, 0.007688239840540207),
            (6, 80, 0.5, 0.675, 0.005276318647517232),
            (20, 20, 0.3, 0.35, 0.17453300569806826),
            (7, 7, 0.2, 0.2857142857142857, 0.9627039627039629),
            (30, 200, 0.1, 0.20166666666666666, 0.20964426505809866),
            (8, 150, 1.5, 1.0, 2.4860210195369365e-13),
        ];
        for (n, m, shift, distance, p) in reference {
            let found = smirnov(&uniform(1, n, shift), &uniform(2, m, 0.0)).unwrap();
            close(found.distance, distance);
            close(found.p, p);
        }
    }

    #[test]
    fn no_sample_is_no_test() {
        assert_eq!(smirnov(&[], &[1.0]), None);
        assert_eq!(
            smirnov(&[1.0, 1.0], &[1.0]),
            Some(Smirnov {
                distance: 0.0,
                p: 1.0
            })
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn samples_that_do_not_overlap_are_as_far_as_it_goes(n in 1..12_usize, m in 1..12_usize) {
            let (low, high): (Vec<f64>, Vec<f64>) = ((0..n).map(|i| i as f64).collect(), (0..m).map(|i| 100.0 + i as f64).collect());
            let found = smirnov(&low, &high).unwrap();
            prop_assert_eq!(found.distance, 1.0);
            prop_assert!((found.p / smallest_p(n, m) - 1.0).abs() < 1e-9);
            prop_assert_eq!(smirnov(&high, &low), Some(found));
        }

        /// The p-value is the share of all splits of the pooled values that are at least as far apart.
        #[test]
        fn the_probability_is_that_of_every_split_counted(values in prop::collection::btree_set(0..1000_i32, 4..10), n in 1..4_usize) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let n = n.min(values.len() - 1);
            let (a, b) = values.split_at(n);
            let found = smirnov(a, b).unwrap();
            let splits: Vec<_> = (0_u32..1 << values.len()).filter(|split| split.count_ones() as usize == n).collect();
            let far = splits.iter().filter(|split| {
                let (a, b): (Vec<_>, Vec<_>) = (0..values.len()).partition(|i| **split >> i & 1 == 1);
                let of = |side: Vec<usize>| side.into_iter().map(|i| values[i]).collect::<Vec<_>>();
                largest_distance(&of(a), &of(b)) >= largest_distance(&values[..n], &values[n..])
            });
            prop_assert!((found.p - far.count() as f64 / splits.len() as f64).abs() < 1e-9);
        }
    }
}
