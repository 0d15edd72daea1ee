//! What happened: one [`Event`] enum, one [`Observer`] trait, a fan-out, and what stops the work: a signal or a [`Guard`].
//!
//! Work emits events; the screen, the run journal and the logs listen. A room that computes takes a [`Reporter`] and
//! knows none of its listeners.

mod budget;
mod event;
mod interrupt;
mod reporter;

pub use budget::{BudgetExceeded, Guard, size, span};
pub use event::{Event, InputData, UsedFor};
pub use interrupt::{Interrupt, Interrupted};
pub use reporter::{Observer, Reporter};
