//! Checks the limit on the address space, as set by `ulimit -v`, so that it is reported instead of causing a crash.

use std::thread;

use super::error::CliError;
use pdm_core::codes::Code;
use pdm_core::events::size;

/// Measured address space of the program itself and of each of its threads; with less it may not even start.
const PROGRAM: u64 = 256 << 20;
const THREAD: u64 = 16 << 20;

/// Checks that the address space is large enough to start.
///
/// # Errors
/// It is too small; the message has the limit and the need.
pub(super) fn check(threads: u16) -> Result<(), CliError> {
    let Some(allowed) = addresses() else {
        return Ok(());
    };
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let threads = if threads == 0 {
        cores
    } else {
        u64::from(threads)
    };
    let needed = PROGRAM + THREAD * threads;
    if allowed >= needed {
        return Ok(());
    }
    let error = CliError::new(
        Code::SystemRefuses,
        format!(
            "the address space is limited to {}, but the program needs {}",
            size(allowed),
            size(needed)
        ),
    );
    Err(error.hint("raise the limit (`ulimit -v`), or remove it and set `project.budget.memory`"))
}

/// Returns the memory that work may use under the system's limit on the address space; `None` without a limit.
///
/// Address space is not memory in use: a third of what is left after the program is reserved for stacks and the allocator.
pub(super) fn memory() -> Option<u64> {
    addresses().map(|allowed| allowed.saturating_sub(PROGRAM) / 3 * 2)
}

#[cfg(unix)]
fn addresses() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::As).current
}

#[cfg(not(unix))]
fn addresses() -> Option<u64> {
    None
}
