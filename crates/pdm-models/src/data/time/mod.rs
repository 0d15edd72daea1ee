//! How the time column of a table is read, and the grid of equal steps that every history is put on.

mod clock;
mod length;
mod options;

pub(super) use clock::{RowTime, TimeReader};
pub use length::GridLength;
pub use options::{Epoch, Fill, LongerGap, TimeKind, TimeOptions};
