//! Turns panics into an error if the system refused memory or threads, else into a bug report.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, PanicHookInfo, UnwindSafe};
use std::sync::{Mutex, PoisonError};

use super::error::CliError;
use super::{ui, watch};
use pdm_core::codes::Code;

/// Texts in the panics of libraries that got no thread or no memory. Their error types give no more detail.
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

/// Reports panics in one sentence without secrets; refusals of the system are reported by [`caught`] instead.
pub(super) fn install() {
    panic::set_hook(Box::new(|panic| {
        let what = panic.payload_as_str().unwrap_or("no message");
        if is_refusal(what) {
            REFUSED
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert(first_line(what));
            return;
        }
        report(panic, what);
    }));
}

fn report(panic: &PanicHookInfo<'_>, what: &str) {
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

/// Does some work; a refusal of the system becomes an error, and any other panic ends the process.
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
        format!("the system refuses the threads or memory that are needed: {what}"),
    );
    error
        .hint("raise the limits (`ulimit -v`, `ulimit -u`, or those of the container), or use fewer threads: `--threads 1`")
}
