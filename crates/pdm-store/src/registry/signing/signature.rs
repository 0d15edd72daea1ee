//! Signatures of entries and versions.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use super::PublicKey;
use crate::registry::entry::LogEntry;
use crate::registry::manifest::ModelVersion;
use pdm_core::content::canonical_json;

/// A signature, with the key that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The key it was made with.
    pub key: PublicKey,
    /// The 64 bytes of RFC 8032, in base64.
    pub value: String,
}

impl Signature {
    pub(super) fn new(key: PublicKey, bytes: &[u8]) -> Self {
        Self {
            key,
            value: BASE64_STANDARD.encode(bytes),
        }
    }

    /// Returns whether the signature is valid for these bytes.
    pub(super) fn is_valid_for(&self, message: &[u8]) -> bool {
        let Ok(bytes) = BASE64_STANDARD.decode(&self.value) else {
            return false;
        };
        UnparsedPublicKey::new(&ED25519, self.key.0)
            .verify(message, &bytes)
            .is_ok()
    }
}

impl LogEntry {
    /// Returns the signed bytes of an entry: everything but signature and seal.
    pub(super) fn message(&self) -> Vec<u8> {
        message(
            "log entry",
            self.format,
            &Self {
                signature: None,
                ..self.clone()
            },
        )
    }

    /// Returns whether every signature in it is valid, whether or not its key is trusted.
    pub(crate) fn has_valid_signatures(&self) -> bool {
        let own = self
            .signature
            .iter()
            .all(|signature| signature.is_valid_for(&self.message()));
        own && self.registered().is_none_or(|version| {
            let message = version.message();
            version
                .signatures
                .iter()
                .all(|signature| signature.is_valid_for(&message))
        })
    }
}

impl ModelVersion {
    /// Returns the signed bytes of a version: everything but its number and how it got here.
    pub(super) fn message(&self) -> Vec<u8> {
        message(
            "model version",
            1,
            &Self {
                version: 0,
                copied: None,
                signatures: Vec::new(),
                ..self.clone()
            },
        )
    }
}

/// Returns the bytes to sign. They begin with the kind, so that a signature cannot be used for another kind.
fn message<T: Serialize>(kind: &str, format: u32, value: &T) -> Vec<u8> {
    let json = canonical_json(value).expect("it was read from or is written as JSON");
    [format!("pdm-ml {kind} {format}\n").into_bytes(), json].concat()
}
