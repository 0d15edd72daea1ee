//! Bins of features in stripes.

use rayon::prelude::*;

use super::binning::BinnedTable;

/// Number of features of a stripe: their bins of one row are one load, and their histograms fit the fastest cache.
pub(super) const LANES: usize = 8;

/// The bins of the features a tree may use, in stripes of [`LANES`] features.
#[derive(Debug, Default)]
pub(super) struct Stripes {
    /// Numbers of the features, in order of stripe and lane; the last stripe may have idle lanes.
    pub(super) features: Vec<u32>,
    /// By stripe, by row.
    pub(super) bins: Vec<Vec<[u8; LANES]>>,
}

impl Stripes {
    /// Copies the bins of some features at some rows; other rows keep the bins of an earlier tree.
    pub(super) fn fill(&mut self, table: &BinnedTable, features: Vec<u32>, rows: &[u32]) {
        self.bins.resize_with(features.len().div_ceil(LANES), || {
            vec![[0; LANES]; table.rows]
        });
        let stripes = self.bins.par_iter_mut().zip(features.par_chunks(LANES));
        stripes.for_each(|(bins, features)| fill_stripe(bins, table, features, rows));
        self.features = features;
    }
}

fn fill_stripe(bins: &mut [[u8; LANES]], table: &BinnedTable, features: &[u32], rows: &[u32]) {
    // An idle lane repeats the last feature; its histogram is never read.
    let last = features.len() - 1;
    let columns: [&[u8]; LANES] =
        std::array::from_fn(|lane| &table.features[features[lane.min(last)] as usize].bins[..]);
    for &row in rows {
        let row = row as usize;
        bins[row] = columns.map(|column| column[row]);
    }
}
