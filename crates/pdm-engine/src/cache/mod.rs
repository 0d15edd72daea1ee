//! The cache: results of stages, stored under the digest of everything they were made from.
//!
//! On disk, in the cache's root:
//!
//! ```text
//! entries/<stage>/<digest>/entry.json     the key, the outputs with their SHA-256, the summary
//! entries/<stage>/<digest>/outputs/…      the files
//! entries/<stage>/<digest>/used           name of the pipeline that used it last; its time is that of the last use
//! work/<digest>/                          a stage that is running; renamed into entries/ when it succeeds
//! resume/<digest>/                        partial results that survive a kill
//! locks/<digest>                          held while a process works on that key
//! last/<pipeline>/<stage>.json            the key used last and the files behind it, to explain why a stage runs again
//! ```
//!
//! [`RemoteCache`] shares results between machines; [`LockFile`] records the inputs and results of a pipeline for Git.
//!
//! A process that dies leaves a folder in `work/` whose lock is free; the next [`Cache::open`] removes it.

mod collect;
mod digest_cache;
mod entry;
mod error;
mod explain;
mod input_file;
mod key;
mod lock;
mod lock_file;
mod note;
mod pending;
mod remote;
mod status;
mod store;
mod stored;

pub use collect::{Removal, RetentionPolicy, collectable};
pub use digest_cache::DigestCache;
pub use entry::{CacheEntry, Cost, Output};
pub use error::CacheError;
pub use explain::{KeyChange, explain};
pub use input_file::{InputChange, InputFile};
pub use key::StageKey;
pub use lock_file::{LockFile, LockFileError, LockedStage};
pub use pending::Pending;
pub use remote::{CacheOptions, Fetched, RemoteCache, RemoteError};
pub use status::Status;
pub use store::{Cache, Claim};
pub use stored::Stored;

/// Name of the file with what a program printed, next to its outputs. It is kept, but is not one of the results that must match.
pub const LOG: &str = "log.txt";

#[cfg(test)]
mod tests;
