//! Divides features into bins.

use rayon::prelude::*;

use crate::features::Matrix;

/// Minimum number of rows in a bin, like LightGBM's `min_data_in_bin`.
const MIN_BIN_ROWS: usize = 3;

/// Number of rows from which the bins are computed, like LightGBM's `bin_construct_sample_cnt`.
const SAMPLE_ROWS: usize = 200_000;

/// One feature as bins. Bin `b` holds the values up to `bounds[b]` and above `bounds[b - 1]`.
#[derive(Debug)]
pub(super) struct BinnedFeature {
    /// Column of the table.
    pub(super) column: u32,
    /// Upper bounds in rising order, of all bins but the last.
    pub(super) bounds: Vec<f32>,
    /// Bin of each row.
    pub(super) bins: Vec<u8>,
}

/// The features that vary, as bins.
#[derive(Debug)]
pub(super) struct BinnedTable {
    pub(super) rows: usize,
    pub(super) features: Vec<BinnedFeature>,
}

impl BinnedTable {
    /// Divides every column of a table into at most `limit` bins, and at most 256, with about equally many rows.
    pub(super) fn new(table: &Matrix, limit: usize) -> Self {
        let features = (0..table.width)
            .into_par_iter()
            .filter_map(|column| BinnedFeature::new(table, column, limit));
        Self {
            rows: table.rows(),
            features: features.collect(),
        }
    }
}

impl BinnedFeature {
    fn new(table: &Matrix, column: usize, limit: usize) -> Option<Self> {
        let values: Vec<f32> = table
            .values
            .iter()
            .skip(column)
            .step_by(table.width)
            .copied()
            .collect();
        let stride = values.len().div_ceil(SAMPLE_ROWS).max(1);
        let bounds = upper_bounds(
            values.iter().step_by(stride).copied().collect(),
            limit.clamp(2, 256),
        );
        if bounds.is_empty() {
            return None;
        }
        // NaN is above no bound, so it is in the first bin, just as it goes left in prediction.
        let bins = values
            .iter()
            .map(|value| bounds.partition_point(|bound| value > bound) as u8)
            .collect();
        Some(Self {
            column: column as u32,
            bounds,
            bins,
        })
    }
}

/// Returns the bounds between bins: one bin per value if there are few values, otherwise bins of about equally many rows; a
/// value as common as a bin has a bin of its own.
fn upper_bounds(mut sample: Vec<f32>, limit: usize) -> Vec<f32> {
    sample.retain(|value| !value.is_nan());
    sample.sort_unstable_by(f32::total_cmp);
    let values = distinct(&sample);
    let mut quota = Quota::new(&values, sample.len(), limit);
    let mut bounds = Vec::new();
    for pair in values.windows(2) {
        if bounds.len() + 1 == quota.limit {
            break;
        }
        if quota.closes_after(pair[0].1, pair[1].1) {
            bounds.push(between(pair[0].0, pair[1].0));
        }
    }
    bounds
}

/// Returns the distinct values with their counts.
fn distinct(sorted: &[f32]) -> Vec<(f32, usize)> {
    sorted
        .chunk_by(|a, b| a == b)
        .map(|run| (run[0], run.len()))
        .collect()
}

/// Returns a number `t` with `low <= t < high`: their midpoint if it is representable.
fn between(low: f32, high: f32) -> f32 {
    let middle = f32::midpoint(low, high);
    if low <= middle && middle < high {
        middle
    } else {
        low
    }
}

/// Decides where a bin ends, going through the values in order.
struct Quota {
    limit: usize,
    /// Number of rows from which a value has a bin of its own.
    heavy: f64,
    /// Rows of a bin.
    target: f64,
    open_rows: usize,
    light_rows: usize,
    light_bins: usize,
    even: bool,
}

impl Quota {
    fn new(values: &[(f32, usize)], rows: usize, limit: usize) -> Self {
        if values.len() <= limit {
            let target = MIN_BIN_ROWS as f64;
            return Self {
                limit,
                heavy: f64::INFINITY,
                target,
                open_rows: 0,
                light_rows: rows,
                light_bins: limit,
                even: false,
            };
        }
        let limit = limit.min(rows / MIN_BIN_ROWS).max(1);
        let heavy = rows as f64 / limit as f64;
        let owners = values.iter().filter(|(_, count)| *count as f64 >= heavy);
        let (heavy_values, heavy_rows) =
            owners.fold((0, 0), |(n, sum), (_, count)| (n + 1, sum + count));
        let mut quota = Self {
            limit,
            heavy,
            target: 0.0,
            open_rows: 0,
            light_rows: rows - heavy_rows,
            light_bins: limit.saturating_sub(heavy_values),
            even: true,
        };
        quota.aim();
        quota
    }

    /// Distributes the remaining rows over the remaining bins.
    fn aim(&mut self) {
        if self.even {
            self.target = self.light_rows as f64 / self.light_bins.max(1) as f64;
        }
    }

    /// Adds a value with `count` rows to the open bin, and returns whether the bin ends before the `next` value.
    fn closes_after(&mut self, count: usize, next: usize) -> bool {
        let (heavy, next_heavy) = (count as f64 >= self.heavy, next as f64 >= self.heavy);
        self.open_rows += count;
        if !heavy {
            self.light_rows = self.light_rows.saturating_sub(count);
        }
        let open = self.open_rows as f64;
        let full =
            heavy || open >= self.target || (next_heavy && open >= (self.target / 2.0).max(1.0));
        if full {
            self.open_rows = 0;
            if !heavy {
                self.light_bins = self.light_bins.saturating_sub(1);
                self.aim();
            }
        }
        full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_get_a_bin_each_bounded_by_midpoints() {
        let sample = [1.0, 2.0, 4.0].repeat(5);
        assert_eq!(upper_bounds(sample, 255), [1.5, 3.0]);
    }

    #[test]
    fn rare_values_share_a_bin() {
        let sample = [vec![1.0], vec![2.0; 2], vec![3.0; 9]].concat();
        assert_eq!(upper_bounds(sample, 255), [2.5]);
    }

    #[test]
    fn many_values_get_bins_of_equal_size() {
        let sample: Vec<f32> = (0..1000).map(|value| value as f32).collect();
        assert_eq!(upper_bounds(sample, 4), [249.5, 499.5, 749.5]);
    }

    #[test]
    fn a_common_value_has_a_bin_of_its_own() {
        let sample: Vec<f32> = (0..1000)
            .map(|value| if value < 500 { 0.0 } else { value as f32 })
            .collect();
        let bounds = upper_bounds(sample, 6);
        assert_eq!(bounds[0], 250.0);
        assert_eq!(bounds.len(), 5);
    }

    #[test]
    fn neighbouring_numbers_are_separated() {
        let (low, high) = (1.0_f32, 1.0_f32.next_up());
        assert!(low <= between(low, high) && between(low, high) < high);
        assert_eq!(between(f32::NEG_INFINITY, f32::INFINITY), f32::NEG_INFINITY);
    }

    #[test]
    fn constant_and_nan_columns_are_left_out_and_a_nan_falls_into_the_first_bin() {
        let values = (0..40).flat_map(|row| {
            [
                7.0,
                f32::NAN,
                row as f32,
                if row == 0 { f32::NAN } else { row as f32 },
            ]
        });
        let table = BinnedTable::new(
            &Matrix {
                width: 4,
                values: values.collect(),
            },
            255,
        );
        assert_eq!(
            table
                .features
                .iter()
                .map(|feature| feature.column)
                .collect::<Vec<_>>(),
            [2, 3]
        );
        assert_eq!(table.features[1].bins[0], 0);
    }
}
