//! Removes blobs that no version needs, and only those.
//!
//! A version needs its files, its scorecard and predictions, and the gate reports it was registered and promoted with. Blobs of
//! a version in use are kept, and so is everything an alias points to or could be rolled back to: neither can be a
//! retired version. A blob is removed if no version needs it, or only versions that were retired longer ago than the grace
//! period, and if the blob and the entry that retired them are older than the grace by the store's clock. The log records which
//! versions lose their files before the first file is removed: `verify` no longer expects them, readers get an error that says
//! who collected them, and the work of a killed job is completed by the next one, which finds the same unneeded blobs.
//!
//! # Why no writer loses a blob
//!
//! A writer uploads the blobs first and writes the entry that names them last; in between nothing names them, and blobs that
//! exist already are not sent again. So it must never rely on a blob that is about to be removed:
//!
//! 1. A writer relies on an existing blob only if a version in use needs it according to the log it has just read, or if it is
//!    younger than [`FRESH`] (see [`Reliance`]). Any other it writes again, which makes it young. An upload in parts, whose age
//!    some servers count from its beginning, is resumed only within [`FRESH`].
//! 2. The grace is never shorter than [`LEAST_GRACE`], twice [`FRESH`]. The blobs of a version in use stay for a grace after it
//!    is retired, and a fresh blob takes as long to become old. Either way there is at least [`FRESH`] to write the entry,
//!    and the collector, which reads the log after it has listed the blobs, sees it.
//! 3. A blob that was written again meanwhile is young: the collector checks the age of each blob right before it removes it.
//! 4. The remaining case is a writer that takes longer than [`FRESH`], or that writes a blob again between that check and the
//!    removal. So every writer checks again after its entry is written, and writes missing blobs again: it still has the bytes.
//!
//! The age of a blob is by the store's clock, the current time by the collector's; if the two differ by more than an hour,
//! nothing is removed.

mod blocking;
mod delivery;
mod gone;
mod needed;
mod plan;
mod reliance;
mod remove;
mod sweep;

use jiff::SignedDuration;

pub(crate) use needed::{Needed, blobs_of};
pub use plan::{Collectable, Unneeded};
pub(crate) use reliance::Reliance;
pub use remove::Removed;
pub use sweep::{Leftover, LeftoverKind, Swept};

/// Age up to which a writer may rely on a blob.
pub(crate) const FRESH: SignedDuration = SignedDuration::from_hours(24);

/// The shortest grace.
pub(crate) const LEAST_GRACE: SignedDuration = SignedDuration::from_hours(48);

#[cfg(test)]
mod tests;
