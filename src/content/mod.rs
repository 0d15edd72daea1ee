//! What makes two things the same: canonical bytes and their SHA-256.
//!
//! A file gets its content whole or not at all ([`write_whole`]). Cache keys, bundles, splits, protocols and registry entries are all named by a [`Digest`].

mod canonical;
mod digest;
mod file_id;
mod whole;

pub use canonical::{canonical_json, digest_of};
pub use digest::{Digest, Hasher, HashingReader, ParseDigestError};
pub use file_id::FileId;
pub use whole::{replace_whole, write_whole};
