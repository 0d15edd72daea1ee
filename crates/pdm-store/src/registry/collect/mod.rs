//! Removes what nothing rests on any more, and only that.
//!
//! A version rests on its files, its scorecard and predictions, and on the gate reports it was registered and promoted by. What
//! a version in use rests on is kept, and so is everything an alias points to or could be rolled back to: neither can be a
//! retired version. A blob goes when no version rests on it, or only such as were retired longer ago than a grace, and when
//! it is itself older than the grace by the store's clock, and so is the entry that retired them. That versions lose their files is an entry of the log before the
//! first file goes: `verify` expects them no longer, who asks for one is told by whom it was collected, and a job that was
//! killed in between is completed by the next, which finds blobs that nothing rests on.
//!
//! # Why no writer loses a blob
//!
//! A writer brings blobs first and writes the entry that names them last; in between nothing names them, and blobs that are
//! there already are not sent again. So it must never rely on a blob that is about to go:
//!
//! 1. A writer relies on a blob that is there only if a version in use rests on it by the log it has just read, or if it is
//!    younger than [`FRESH`] (see [`Reliance`]). Any other it writes again, which makes it young. An upload in parts, whose age
//!    some servers count from its beginning, is gone on with only within [`FRESH`].
//! 2. The grace is never shorter than [`LEAST_GRACE`], twice [`FRESH`]. What a version in use rested on stays a grace longer than
//!    that version, and a fresh blob takes as long to become old. Either way the entry has at least [`FRESH`] to be written,
//!    and the collector, which reads the log after it has listed the blobs, sees it.
//! 3. A blob that was written again meanwhile is young: the collector looks at each one's age right before it removes it.
//! 4. What is left is a writer that takes longer than [`FRESH`], or writes a blob again between that look and the removal. So
//!    every writer looks once more when its entry stands, and writes again what is gone: it still has the bytes.
//!
//! Ages are told by the store, the present by the collector's clock; where the two differ by more than an hour, nothing is
//! removed.

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

/// How young a blob is that a writer may rely on.
pub(crate) const FRESH: SignedDuration = SignedDuration::from_hours(24);

/// The shortest grace.
pub(crate) const LEAST_GRACE: SignedDuration = SignedDuration::from_hours(48);

#[cfg(test)]
mod tests;
