//! Identity by content: canonical bytes and their SHA-256.
//!
//! Files are written atomically ([`atomic_write`]), and locked in one way ([`FileLock`]). Cache keys, bundles, splits, protocols and
//! registry entries are identified by a [`Digest`]. Files that others may have written are read with a size limit, and only if they
//! are regular files ([`open_regular`]).

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
