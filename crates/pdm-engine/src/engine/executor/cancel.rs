//! Stops all work of a command once a part of it has failed.

use std::sync::atomic::{AtomicBool, Ordering};

use pdm_core::events::{Guard, Interrupted};

/// Asks all work of a command to stop.
#[derive(Debug, Default)]
pub(in crate::engine) struct CancelToken(AtomicBool);

impl CancelToken {
    pub(super) fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Guard for CancelToken {
    fn check(&self) -> Result<(), Interrupted> {
        if self.0.load(Ordering::Relaxed) {
            Err(Interrupted::Abandoned)
        } else {
            Ok(())
        }
    }
}
