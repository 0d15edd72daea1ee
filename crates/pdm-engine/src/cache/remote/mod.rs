//! The shared cache, `[cache]`: results of stages that several machines share.
//!
//! Objects in the store are created once and never changed:
//!
//! ```text
//! entries/<stage>/<digest>.json     the key, its outputs by SHA-256, the summary, what it cost
//! blobs/sha256/<digest>             the bytes of an output, by their digest
//! ```
//!
//! A fetched result is used only where every blob has the digest in its name, and the entry has the requested key. Which outputs
//! a key has is decided by those who can write to the store; where a [`LockFile`](super::LockFile) locks the same key, its
//! outputs take precedence.

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
