//! Histograms of residuals.

use super::stripes::LANES;

/// Maximum number of bins of a feature.
pub(super) const BINS: usize = 256;

/// Number of rows whose bins are fetched at once, so that their memory latencies overlap.
const FETCHED_ROWS: usize = 64;

/// By feature of a stripe and by bin: the packed sum of the residuals of a leaf's rows.
pub(super) type StripeHistogram = [[i64; BINS]; LANES];

/// Sums the residuals of some rows by bin. `residuals` are in the order of `rows`.
pub(super) fn accumulate(
    histogram: &mut StripeHistogram,
    bins: &[[u8; LANES]],
    rows: &[u32],
    residuals: &[i64],
) {
    *histogram = [[0; BINS]; LANES];
    let mut fetched = [[0; LANES]; FETCHED_ROWS];
    for (rows, residuals) in rows
        .chunks(FETCHED_ROWS)
        .zip(residuals.chunks(FETCHED_ROWS))
    {
        fetched
            .iter_mut()
            .zip(rows)
            .for_each(|(fetched, row)| *fetched = bins[*row as usize]);
        for (bins, &residual) in fetched.iter().zip(residuals) {
            for lane in 0..LANES {
                let sum = &mut histogram[lane][bins[lane] as usize];
                *sum = sum.wrapping_add(residual);
            }
        }
    }
}

/// Subtracts one child's histogram from its parent's, which gives the other child's.
pub(super) fn subtract(parent: &mut StripeHistogram, child: &StripeHistogram) {
    for (sum, part) in parent
        .as_flattened_mut()
        .iter_mut()
        .zip(child.as_flattened())
    {
        *sum = sum.wrapping_sub(*part);
    }
}
