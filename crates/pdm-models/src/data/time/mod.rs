//! How the time column of a table is read, and the grid of equal steps that every history is put on.

mod length;
mod options;
mod reader;

pub use length::GridLength;
pub use options::{Epoch, Fill, LongerGap, TimeKind, TimeOptions};
pub(super) use reader::{RowTime, TimeReader};
