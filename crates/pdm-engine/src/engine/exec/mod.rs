//! The programs of `[[stage]]` as processes and files.
//!
//! - `inputs` finds and hashes what a program reads, `outputs` keeps what it makes and puts it back;
//! - `program` runs the process: its environment, its log, its end;
//! - `clean_log` copies what a program printed, without secrets.
//!
//! In an entry of the cache, `files/` holds the outputs under their own paths, and `log.txt` what the program printed.

mod clean_log;
mod error;
mod inputs;
mod outputs;
mod program;

pub(super) use clean_log::copy as copy_log;
pub use error::ExecError;
pub(super) use inputs::{files_of, hash_input};
pub(super) use outputs::{OutputsBefore, copy_to_cache, produced, restore, to_restore};
pub(super) use program::{Program, tail};

#[cfg(test)]
mod tests;
