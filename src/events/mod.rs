//! What happened: one [`Event`] enum, one [`Observer`] trait, a fan-out, and the wish to stop.
//!
//! Work emits events; the screen, the run journal and the logs listen. A room that computes takes a [`Reporter`] and
//! knows none of its listeners.

mod event;
mod interrupt;
mod reporter;

pub use event::Event;
pub use interrupt::{Interrupt, Interrupted};
pub use reporter::{Observer, Reporter};
