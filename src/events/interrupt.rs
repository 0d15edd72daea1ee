use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Carries the wish to stop, such as a signal, to the loops that do the work.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicUsize>);

/// The work was asked to stop by a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interrupted by {}", if *signal == 15 { "SIGTERM" } else { "SIGINT" })]
pub struct Interrupted {
    /// Number of the signal: 2 for SIGINT, 15 for SIGTERM.
    pub signal: usize,
}

impl Interrupt {
    /// Returns the cell a signal handler writes the signal's number to; zero means "go on".
    pub fn cell(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.0)
    }

    /// Fails once a signal has come.
    ///
    /// # Errors
    /// [`Interrupted`] with the signal's number.
    pub fn check(&self) -> Result<(), Interrupted> {
        match self.0.load(Ordering::Relaxed) {
            0 => Ok(()),
            signal => Err(Interrupted { signal }),
        }
    }
}
