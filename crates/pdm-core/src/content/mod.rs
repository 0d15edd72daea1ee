//! What makes two things the same: canonical bytes and their SHA-256.
//!
//! A file gets its content whole or not at all ([`atomic_write`]). Cache keys, bundles, splits, protocols and registry entries are all named by a [`Digest`].
//! Locks on files have one home ([`FileLock`]). Files that somebody else may have put there are read with a limit, and only where they are files ([`open_regular`]).

mod atomic;
mod canonical;
mod digest;
mod file_id;
mod finite;
mod lock;
mod regular;

pub use atomic::{atomic_replace, atomic_write};
pub use canonical::{canonical_json, digest_of};
pub use digest::{Digest, Hasher, HashingReader, ParseDigestError};
pub use file_id::FileId;
pub use finite::{check_finite, finite_json};
pub use lock::{FileLock, lock_within, try_lock};
pub use regular::{MOST_OF_A_NOTE, open_regular, read_at_most, read_note};
