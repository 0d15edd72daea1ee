//! Searches the options of a pipeline: which values to try next, when to stop a trial, which trial to choose.
//!
//! Plain computation: nothing here fits a model. A [`Space`] says which values a key may take, [`Sampler`] picks the
//! next [`Trial`]'s from the trials before it, [`PruneOptions`] stop a trial that falls behind, and [`choose`] takes the
//! simplest of those that the data cannot tell from the best. Every pick is a function of the space, the trials so far
//! and one seed, so a search that goes on after a kill tries what it would have tried.

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

pub use choose::{Choice, RankedTrial, choose, size_class, standings};
pub use edge::{AtEdge, End};
pub use options::{Choose, SearchMethod, TuneOptions};
pub use prune::{PruneOptions, PruneRule};
pub use range::{RangeOptions, Simpler};
pub use sampler::{MOST_GRID_POINTS, Sampler};
pub use space::{SearchDimension, Space, When};
pub use space_options::SpaceOptions;
pub use trial::{SearchPoint, Trial, TrialEnding};
pub use values::Values;
