//! What the system allows the process: a limit of addresses, as `ulimit -v` sets it, is met with words and not with a crash.

use std::thread;

use super::error::CliError;
use pdm_core::codes::Code;
use pdm_core::events::size;

/// Addresses of the program itself, and of each of its threads, as measured; with less it may not even begin.
const PROGRAM: u64 = 256 << 20;
const THREAD: u64 = 16 << 20;

/// Refuses to begin where the system allows too few addresses.
///
/// # Errors
/// What is allowed, and what is needed.
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
            "the system allows the program {} of addresses, and it needs {}",
            size(allowed),
            size(needed)
        ),
    );
    Err(error
        .hint("raise the limit (`ulimit -v`), or leave it out and set `project.budget.memory`"))
}

/// Returns the memory that work may hold under the system's limit of addresses; none without a limit.
///
/// Addresses are not memory in use: a third of what is left after the program is kept for stacks and for what the allocator
/// sets aside.
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
