//! Stops running work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::BudgetExceeded;
use crate::codes::Code;

/// Passes a request to stop, such as a signal, to the running loops.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicUsize>);

/// The work was stopped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Interrupted {
    /// By a signal.
    #[error("interrupted by {}", if *.signal == 15 { "SIGTERM" } else { "SIGINT" })]
    Signal {
        /// Number of the signal: 2 for SIGINT, 15 for SIGTERM.
        signal: usize,
    },
    /// By its budget.
    #[error(transparent)]
    Budget(#[from] BudgetExceeded),
    /// By the failure of parallel work, which reports its own error.
    #[error("parallel work failed")]
    Abandoned,
}

impl Interrupted {
    /// Returns the error code.
    pub fn code(&self) -> Code {
        match self {
            Self::Signal { signal: 15 } => Code::Terminated,
            Self::Signal { .. } => Code::Interrupted,
            Self::Budget(exceeded) => exceeded.code(),
            Self::Abandoned => Code::Abandoned,
        }
    }
}

impl Interrupt {
    /// Returns the cell to which a signal handler writes the signal's number; zero means "continue".
    pub fn cell(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.0)
    }

    /// Fails once a signal was received.
    ///
    /// # Errors
    /// [`Interrupted::Signal`] with the signal's number.
    pub fn check(&self) -> Result<(), Interrupted> {
        match self.0.load(Ordering::Relaxed) {
            0 => Ok(()),
            signal => Err(Interrupted::Signal { signal }),
        }
    }
}
