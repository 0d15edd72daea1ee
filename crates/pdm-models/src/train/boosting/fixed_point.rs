//! Residuals as fixed-point numbers.

/// Maximum number of rows; with more, a rounded residual would keep fewer than 15 bits.
pub(super) const MAX_ROWS: usize = (1 << 24) - 1;

/// Converts residuals to integers, and packs their sum and the number of rows into one `i64`.
///
/// The low bits count rows and the high bits hold the sum, so that one addition adds both. With `n` rows of `c` bits a
/// residual keeps `62 - 2c` bits and a sign: 32 at 20,000 rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct FixedPoint {
    count_bits: u32,
    scale: f64,
}

impl FixedPoint {
    /// Returns the packing for at most `rows` residuals, at most [`MAX_ROWS`], none above `largest` in size.
    pub(super) fn new(rows: usize, largest: f64) -> Self {
        let count_bits = usize::BITS - rows.min(MAX_ROWS).leading_zeros();
        let limit = (1_i64 << (62 - 2 * count_bits)) as f64;
        let scale = if largest > 0.0 { limit / largest } else { 1.0 };
        // A subnormal residual has no finite scale, and there is nothing left to learn.
        Self {
            count_bits,
            scale: if scale.is_finite() { scale } else { 1.0 },
        }
    }

    /// Returns one residual, as the sum over one row.
    pub(super) fn pack(self, residual: f64) -> i64 {
        let whole = (residual * self.scale).round_ties_even() as i64;
        whole.wrapping_shl(self.count_bits).wrapping_add(1)
    }

    /// Returns the number of rows of a packed sum.
    pub(super) fn rows(self, packed: i64) -> u32 {
        (packed & ((1 << self.count_bits) - 1)) as u32
    }

    /// Returns the sum of the whole numbers.
    pub(super) fn whole(self, packed: i64) -> f64 {
        (packed >> self.count_bits) as f64
    }

    /// Returns the sum of the residuals.
    pub(super) fn sum(self, packed: i64) -> f64 {
        self.whole(packed) / self.scale
    }

    /// Converts a gain over integers to one over residuals.
    pub(super) fn gain(self, whole_gain: f64) -> f64 {
        whole_gain / self.scale / self.scale
    }
}
