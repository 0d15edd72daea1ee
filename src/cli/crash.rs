//! What a panic becomes: an error where the system refused memory or threads, else the report of a bug.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, PanicHookInfo, UnwindSafe};
use std::sync::{Mutex, PoisonError};

use super::error::CliError;
use super::{ui, watch};
use pdm_core::codes::Code;

/// What libraries say in a panic where the system gave them no thread or no memory. Their error types say no more.
const REFUSALS: [&str; 8] = [
    "thread pool",
    "spawn thread",
    "spawn worker",
    "could not spawn",
    "failed to spawn",
    "ThreadPoolBuildError",
    "Resource temporarily unavailable",
    "Cannot allocate memory",
];

/// The first refusal of the system in this process.
static REFUSED: Mutex<Option<String>> = Mutex::new(None);

/// Tells of panics in one sentence without secrets; what the system refused is not told here but by [`caught`].
pub(super) fn install() {
    panic::set_hook(Box::new(|panic| {
        let what = panic.payload_as_str().unwrap_or("of an unknown kind");
        if is_refusal(what) {
            REFUSED
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert(first_line(what));
            return;
        }
        tell(panic, what);
    }));
}

fn tell(panic: &PanicHookInfo<'_>, what: &str) {
    let place = panic.location().map(ToString::to_string);
    watch::bug(place.as_deref(), what);
    let trace = Backtrace::capture();
    if trace.status() == BacktraceStatus::Captured {
        ui::say(&trace.to_string());
    }
}

fn is_refusal(what: &str) -> bool {
    REFUSALS.iter().any(|words| what.contains(words))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// Does some work; what the system refused it is an error, and a bug goes on to the end of the process.
pub(super) fn caught<T>(
    work: impl FnOnce() -> Result<T, CliError> + UnwindSafe,
) -> Result<T, CliError> {
    match panic::catch_unwind(work) {
        Ok(result) => result,
        Err(payload) => Err(refusal(payload)),
    }
}

fn refusal(payload: Box<dyn Any + Send>) -> CliError {
    let refused = REFUSED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let Some(what) = refused else {
        panic::resume_unwind(payload)
    };
    let error = CliError::new(
        Code::SystemRefuses,
        format!("the system gave the program neither the threads nor the memory it needs: {what}"),
    );
    error
        .hint("raise the limits (`ulimit -v`, `ulimit -u`, the container's), or work with fewer threads: `--threads 1`")
}
