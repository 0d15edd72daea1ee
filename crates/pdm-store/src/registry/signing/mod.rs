//! Ed25519 signatures (RFC 8032) of log entries and of versions.
//!
//! An entry is signed as its canonical JSON without seal and signature. Since it holds the digest of the entry before, its
//! signature covers the whole log up to it; since format 2 it names the registry, so it is not valid in another one. A version
//! is signed separately, without its number, so its signature stays valid in a registry it is copied to. The project's policy
//! lists the trusted keys and their actors.

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

/// The key that signs entries, and the keys that are trusted. By default nothing is signed and no signature is required.
#[derive(Debug, Clone, Default)]
pub struct Signing {
    /// Signs new entries.
    pub signer: Option<Signer>,
    /// The trusted keys.
    pub trust: Arc<Trust>,
}
