//! Statistics of samples that several modules need: quantiles, and a test whether two samples come from one distribution.

mod quantile;
mod smirnov;

pub use quantile::quantile;
pub use smirnov::{Smirnov, largest_distance, smallest_p, smirnov};
