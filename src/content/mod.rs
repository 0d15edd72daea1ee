//! What makes two things the same: canonical bytes and their SHA-256.
//!
//! Cache keys, bundles, splits, protocols and registry entries are all named by a [`Digest`].

mod canonical;
mod digest;

pub use canonical::{canonical_json, digest_of};
pub use digest::{Digest, HashingReader, ParseDigestError};
