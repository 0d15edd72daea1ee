//! Who vouches for what: Ed25519 signatures (RFC 8032) of log entries and of versions.
//!
//! An entry is signed as its canonical JSON without seal and signature; since it holds the digest of the entry before, its
//! signature vouches for the whole log up to it, and since format 2 it names the registry, so it vouches for no other. A version is signed by itself, without the number a registry gave it, so
//! its signature stays good in the registry it is copied to. Which keys count, and for whom, stands in the project's policy.

mod key;
mod signature;
mod signer;
mod trust;

pub use key::{KeyError, PublicKey};
pub use signature::Signature;
#[cfg(test)]
pub(crate) use signer::KEY;
pub use signer::{NewKey, Signer};
pub use trust::{Trust, TrustedKey};

use std::sync::Arc;

/// With what this program signs, and whom it trusts. By default it signs nothing and asks for nothing.
#[derive(Debug, Clone, Default)]
pub struct Signing {
    /// Signs what is written.
    pub signer: Option<Signer>,
    /// Whose signatures count.
    pub trust: Arc<Trust>,
}
