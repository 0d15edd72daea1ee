//! Results of stages that CI and laptops share: the table `[cache]`.
//!
//! In the store, all of it created once and never changed:
//!
//! ```text
//! entries/<stage>/<digest>.json     the key, its outputs by SHA-256, the summary, what it cost
//! blobs/sha256/<digest>             the bytes of an output, by their digest
//! ```
//!
//! Nothing that is fetched is used before every byte has the digest its name tells, and the entry tells the very key that was
//! asked for. What a key's outputs are is the word of whoever may write to the store; a [`LockFile`](super::LockFile) that
//! locks the same key is a second word, and wins.

mod error;
mod keys;
mod manifest;
mod options;
mod store;

pub use error::RemoteError;
pub use options::CacheOptions;
pub use store::{Fetched, RemoteCache};

#[cfg(test)]
mod tests;
