//! Events and interruption: the [`Event`] enum, the [`Observer`] trait, a fan-out, and what stops work: a signal or a [`Guard`].
//!
//! Work emits events; the screen, the run journal and the logs observe them. A room that computes takes a [`Reporter`] and
//! does not know its observers.

mod budget;
mod event;
mod interrupt;
mod reporter;

pub use budget::{BudgetExceeded, Guard, size, span};
pub use event::{Event, InputData, UsedFor};
pub use interrupt::{Interrupt, Interrupted};
pub use reporter::{Observer, Reporter};
