//! Finds the best split of a leaf.

use super::fixed_point::FixedPoint;
use super::histogram::{BINS, StripeHistogram};
use super::stripes::LANES;

/// Minimum gain as a share of a leaf's score; otherwise rounding errors would split pure leaves.
const ROUNDING: f64 = 1e-9;

/// A split of a leaf.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Split {
    /// Reduction of the penalised squared loss.
    pub(super) gain: f64,
    /// Number of the feature in the binned table.
    pub(super) feature: u32,
    /// Last bin that goes left.
    pub(super) bin: u8,
    /// Packed sum of the residuals that go left.
    pub(super) left: i64,
}

impl Split {
    /// Returns the split with the larger gain; of equals the one with the smaller feature.
    pub(super) fn better(a: Option<Self>, b: Option<Self>) -> Option<Self> {
        match (a, b) {
            (Some(a), Some(b))
                if b.gain > a.gain || (b.gain == a.gain && b.feature < a.feature) =>
            {
                Some(b)
            }
            (None, b) => b,
            (a, _) => a,
        }
    }
}

/// The parameters that decide between splits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Judge {
    pub(super) fixed_point: FixedPoint,
    pub(super) min_leaf_rows: u32,
    pub(super) l2: f64,
}

impl Judge {
    /// Returns the best split of a leaf by the features of one stripe; `bins` has the number of bins of each feature.
    pub(super) fn best(
        &self,
        histogram: &StripeHistogram,
        features: &[u32],
        bins: &[usize; LANES],
        total: i64,
    ) -> Option<Split> {
        let leaf = Scales::new(self, total);
        let splits = features.iter().zip(histogram).zip(bins);
        splits
            .map(|((&feature, histogram), &bins)| {
                leaf.best_of_feature(&histogram[..bins - 1], feature)
            })
            .fold(None, Split::better)
    }
}

/// Precomputed quantities of one leaf.
///
/// The score of a leaf is `sum² / (rows + l2)`, the gain of a split its children's scores less the leaf's own (Chen
/// and Guestrin, XGBoost, KDD 2016, equation 7, with hessians of one). With `a` and `b` the children's rows and
/// penalty, `A` the sum on the left and `G` that of the leaf, the children's scores are
/// `(a + b) (A - a G / (a + b))² / (a b) + G² / (a + b)`, where only `(A - a G / (a + b))² / (a b)` differs between
/// splits.
struct Scales<'a> {
    judge: &'a Judge,
    rows: u32,
    /// Rows and twice the penalty, `a + b`.
    both: f64,
    /// `G / (a + b)`
    slope: f64,
    /// The part of the children's scores that all splits have, less the leaf's score.
    offset: f64,
    /// The threshold that a split must exceed.
    least: f64,
}

impl<'a> Scales<'a> {
    fn new(judge: &'a Judge, total: i64) -> Self {
        let (sum, rows) = (
            judge.fixed_point.whole(total),
            judge.fixed_point.rows(total),
        );
        let alone = f64::from(rows) + judge.l2;
        let both = alone + judge.l2;
        let offset = sum * sum / both - sum * sum / alone;
        let least = (ROUNDING * sum * sum / alone - offset) / both;
        Self {
            judge,
            rows,
            both,
            slope: sum / both,
            offset,
            least,
        }
    }

    /// Returns the best split by one feature, given the sums of all bins but the last.
    ///
    /// In passes without branches: a running maximum would be mispredicted at every improvement.
    fn best_of_feature(&self, bins: &[i64], feature: u32) -> Option<Split> {
        let Judge {
            fixed_point,
            min_leaf_rows,
            l2,
        } = *self.judge;
        let most = self.rows.checked_sub(min_leaf_rows)?;
        let mut sums = [0; BINS];
        let sums = running_sums(bins, &mut sums);
        let first = sums.partition_point(|left| fixed_point.rows(*left) < min_leaf_rows);
        let end = sums.partition_point(|left| fixed_point.rows(*left) <= most);
        let lawful = sums.get(first..end)?;
        let mut gains = [0.0; BINS];
        let gains = &mut gains[..lawful.len()];
        for (gain, &left) in gains.iter_mut().zip(lawful) {
            let a = f64::from(fixed_point.rows(left)) + l2;
            let excess = fixed_point.whole(left) - a * self.slope;
            *gain = excess * excess / (a * (self.both - a));
        }
        let best = largest(gains);
        let at = gains
            .iter()
            .position(|gain| *gain == best)
            .filter(|_| best > self.least)?;
        let gain = fixed_point.gain(best * self.both + self.offset);
        Some(Split {
            gain,
            feature,
            bin: (first + at) as u8,
            left: lawful[at],
        })
    }
}

fn running_sums<'a>(bins: &[i64], sums: &'a mut [i64; BINS]) -> &'a [i64] {
    let mut sum = 0_i64;
    for (running, part) in sums.iter_mut().zip(bins) {
        sum = sum.wrapping_add(*part);
        *running = sum;
    }
    &sums[..bins.len()]
}

fn largest(gains: &[f64]) -> f64 {
    let larger = |a: f64, b: f64| if b > a { b } else { a };
    let (chunks, rest) = gains.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    chunks.iter().for_each(|chunk| {
        lanes
            .iter_mut()
            .zip(chunk)
            .for_each(|(lane, gain)| *lane = larger(*lane, *gain))
    });
    lanes
        .into_iter()
        .chain(rest.iter().copied())
        .fold(0.0, larger)
}
