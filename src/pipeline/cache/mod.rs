//! Remembers what a stage made, under the digest of everything it was made from.
//!
//! On disk, below the cache's root:
//!
//! ```text
//! entries/<stage>/<digest>/entry.json     the key, the outputs with their SHA-256, the summary
//! entries/<stage>/<digest>/outputs/…      the files
//! work/<digest>/                          a stage at work; renamed into entries/ when it ends well
//! resume/<digest>/                        partial results that survive a kill
//! locks/<digest>                          held while a process works on that key
//! last/<pipeline>/<stage>.json            the key used last, to explain why a stage runs again
//! ```
//!
//! A process that dies leaves a folder in `work/` whose lock is free; the next [`Cache::open`] removes it.

mod entry;
mod error;
mod explain;
mod key;
mod lock;
mod pending;
mod status;
mod store;

pub use entry::{Entry, Output};
pub use error::CacheError;
pub use explain::{Change, explain};
pub use key::StageKey;
pub use pending::Pending;
pub use status::Status;
pub use store::{Cache, Claim};

#[cfg(test)]
mod tests;
