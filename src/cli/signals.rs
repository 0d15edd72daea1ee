use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use pdm_core::events::Interrupt;

/// Makes the first SIGINT or SIGTERM a request to stop; the second one ends the process.
///
/// # Errors
/// The handler cannot be installed.
pub(super) fn listen() -> io::Result<Interrupt> {
    let (interrupt, asked_before) = (Interrupt::default(), Arc::new(AtomicBool::new(false)));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_default(signal, Arc::clone(&asked_before))?;
        flag::register(signal, Arc::clone(&asked_before))?;
        flag::register_usize(signal, interrupt.cell(), signal.unsigned_abs() as usize)?;
    }
    Ok(interrupt)
}
