//! Gradient-boosted regression trees: options, the fitted forest, its weights on disk.
//!
//! Fitting is implemented in `train::boosting`. On 20,000 × 200 rows, 500 rounds of 31 leaves, one thread, LightGBM
//! reached RMSE 11.98 in 17.2 CPU s, forust-ml 0.8.0 12.61 in 22.3 s and perpetual 3.0.0-rc.2 15.34 in 73.5 s, while
//! lightgbm3 needs cmake and bindgen from every user. `scripts/benchmark-training` compares this implementation with
//! LightGBM.
//!
//! A forest is flat: the inner nodes of all trees are in one array, the leaves in another, and a link is the number of a
//! node within its tree or, negated bitwise, of a leaf. A row goes left when `value <= threshold` or the value is
//! NaN, which is the `BRANCH_LEQ` rule of an ONNX `TreeEnsembleRegressor`; each leaf has its number of training
//! rows, which Shapley values need.

mod forest;
mod options;
#[cfg(test)]
mod tests;
mod weights;

pub use forest::Gbdt;
pub(crate) use forest::{Leaf, Mark, TreeNode};
pub use options::GbdtOptions;
pub(crate) use options::WHEN_DIVERGED;
