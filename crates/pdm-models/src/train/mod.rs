//! Training: how each model family is fitted, and cross-validation by unit.
//!
//! A [`Recipe`] has the options of every part. [`fit_fold`] scores it on units that its models never saw, [`final_features`]
//! and [`final_fit`] learn from all of them; [`fit`] fits the model in both cases. A [`Blend`] weights the members of a stack
//! by their [`OutOfFold`] predictions. All random numbers are derived from one seed by [`derive_seed`]; the files from which
//! an interrupted fit resumes are in its [`Workspace`].

mod backend;
mod blend;
mod boosting;
mod crossval;
mod cuts;
mod error;
mod examples;
mod fit;
#[cfg(test)]
mod looks;
mod memory;
mod neural;
mod nnls;
mod options;
mod out_of_fold;
mod recipe;
mod ridge;
mod seed;
mod workspace;

pub use backend::Backend;
pub use blend::Blend;
pub use boosting::fit_gbdt;
pub use crossval::fit_fold;
pub use cuts::holdout_cuts;
pub use error::TrainError;
pub use examples::UnitExamples;
pub use fit::fit;
pub use memory::{Extent, memory_to_apply, memory_to_learn_features, memory_to_read, peak_memory};
pub use neural::{Loss, WindowLearner};
pub use options::TrainOptions;
pub use out_of_fold::{OutOfFold, OutOfFoldPrediction};
pub use recipe::{Recipe, final_features, final_fit};
pub use ridge::fit_ridge;
pub use seed::derive_seed;
pub use workspace::Workspace;

#[cfg(test)]
mod tests;
