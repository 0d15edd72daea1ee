//! Grows gradient-boosted trees: leaf-wise, on histograms of binned features, by squared loss.
//!
//! ```text
//! features ─ BinnedTable ─▶ bins by feature ─ Stripes ─▶ bins of the drawn features, eight adjacent
//! residuals ─ FixedPoint ─▶ whole numbers          │
//!                    └─────────────▶ Histograms ◀──┘ ─ best_split ─▶ Grower, the leaf with the best split first
//! ```
//!
//! The method is that of Ke et al., LightGBM (NIPS 2017), without bundling and gradient-based sampling. Residuals are
//! rounded to whole numbers once per round, so that histogram sums are exact, hence the same in every order and on
//! every number of threads.

mod binning;
mod fit;
mod fixed_point;
mod grow;
mod held_back;
mod histogram;
mod sample;
mod split;
mod stripes;
#[cfg(test)]
mod tests;

pub(super) use fit::fit_forest;
pub use fit::fit_gbdt;
pub(super) use held_back::HeldBack;
