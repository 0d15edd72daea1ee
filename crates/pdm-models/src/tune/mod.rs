//! Searches the options of a pipeline: which values to try next, when to stop a trial, which trial to choose.
//!
//! No model is fitted here. A [`Space`] defines the values of each key, [`Sampler`] picks the values of the next [`Trial`]
//! from the previous trials, [`PruneOptions`] stop a trial that falls behind, and [`choose`] takes the simplest of those
//! that are not significantly worse than the best. Every pick is a function of the space, the previous trials and one seed,
//! so a resumed search tries the same values as an uninterrupted one.

mod choose;
mod edge;
mod options;
mod prune;
mod range;
mod round;
mod sampler;
mod space;
mod space_options;
mod trial;
mod values;

pub use choose::{Choice, RankedTrial, choose, ranking, size_class};
pub use edge::{AtEdge, End};
pub use options::{Choose, SearchMethod, TuneOptions};
pub use prune::{PruneOptions, PruneRule};
pub use range::{RangeOptions, Simpler};
pub use sampler::{MOST_GRID_POINTS, Sampler};
pub use space::{SearchDimension, Space, When};
pub use space_options::SpaceOptions;
pub use trial::{SearchPoint, Trial, TrialEnding};
pub use values::Values;
