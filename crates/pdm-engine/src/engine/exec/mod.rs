//! Runs the programs of `[[stage]]`: beside the line, each as soon as what it waits for is there.
//!
//! - `inputs` finds and hashes what a program reads, `outputs` keeps what it makes and puts it back;
//! - `program` is the process: its environment, its log, its end;
//! - `clean_log` copies what a program printed, without secrets;
//! - `step` is one stage, cached or run; `board` says who may begin, and lets the first failure stop the others.
//!
//! In an entry of the cache, `files/` holds the outputs below their own paths, and `log.txt` what the program wrote.

mod board;
mod clean_log;
mod error;
mod inputs;
mod outputs;
mod plan;
mod program;
mod provide;
mod step;

pub(super) use board::{CancelToken, Scheduler};
pub use error::ExecError;
pub(super) use inputs::files_of;
pub(super) use plan::Planner;
pub(super) use provide::provide_data;
pub(super) use step::{ExecContext, artifacts};

#[cfg(test)]
mod tests;
