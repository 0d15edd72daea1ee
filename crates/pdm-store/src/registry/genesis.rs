//! The genesis object at the beginning of a log, `log/00000000000000000000.json`: it holds the id of the registry.
//!
//! It is created before anything else, so a store with blobs or a marker but no log has lost its log, and is not the leftover
//! of a writer that was killed early. The first entry holds its digest, as each entry holds that of the one before.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::entry::{check_seal, sealed};
use super::error::RegistryError;
use super::identity::RegistryId;
use super::keys::ObjectKey;
use super::store::Store;
use pdm_core::content::Digest;

/// Newest format of this object.
const FORMAT: u64 = 2;

const KIND: &str = "pdm-ml registry log";

/// The genesis object of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Genesis {
    pub(crate) id: RegistryId,
    /// SHA-256 of its bytes.
    pub(crate) digest: Digest,
}

#[derive(Serialize, Deserialize)]
struct GenesisObject {
    format: u64,
    kind: String,
    registry: RegistryId,
}

impl Genesis {
    /// Reads the genesis object.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RegistryError> {
        let damaged = |what: String| RegistryError::damaged(ObjectKey::Genesis, what);
        let mut value: Value =
            serde_json::from_slice(bytes).map_err(|error| damaged(format!("not JSON: {error}")))?;
        check_seal(&mut value, bytes).map_err(|what| damaged(what.to_owned()))?;
        if let Some(found) = value["format"].as_u64().filter(|found| *found > FORMAT) {
            return Err(RegistryError::Format {
                key: ObjectKey::Genesis.to_string(),
                found,
                known: FORMAT as u32,
            });
        }
        let object: GenesisObject =
            serde_json::from_value(value).map_err(|error| damaged(error.to_string()))?;
        if object.kind != KIND {
            return Err(damaged("it is not the beginning of a log".to_owned()));
        }
        Ok(Self {
            id: object.registry,
            digest: Digest::of(bytes),
        })
    }
}

/// Writes the genesis object, unless there is one already.
pub(crate) async fn write(store: &Store) -> Result<(), RegistryError> {
    let object = GenesisObject {
        format: FORMAT,
        kind: KIND.to_owned(),
        registry: RegistryId::new(),
    };
    let bytes = sealed(&object).map_err(|source| RegistryError::Json {
        operation: "write",
        what: "the beginning of a log".to_owned(),
        source,
    })?;
    store.create(ObjectKey::Genesis, bytes).await.map(drop)
}

/// Reads the genesis object; `None` if there is none.
pub(crate) async fn read(
    store: &Store,
) -> Result<Option<Result<Genesis, RegistryError>>, RegistryError> {
    match store.get(ObjectKey::Genesis).await {
        Ok(bytes) => Ok(bytes.map(|bytes| Genesis::decode(&bytes))),
        Err(damaged @ RegistryError::Integrity { .. }) => Ok(Some(Err(damaged))),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::blocking::wait;

    #[test]
    fn a_log_begins_once_and_no_byte_of_its_beginning_changes_unseen() {
        let store = Store::memory();
        assert!(wait(read(&store)).unwrap().is_none());
        wait(write(&store)).unwrap();
        let first = wait(read(&store)).unwrap().unwrap().unwrap();
        wait(write(&store)).unwrap();
        assert_eq!(wait(read(&store)).unwrap().unwrap().unwrap(), first);
        let bytes = wait(store.get(ObjectKey::Genesis)).unwrap().unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Genesis::decode(&flipped).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_newer_beginning_is_no_damage() {
        let newer = GenesisObject {
            format: 3,
            kind: KIND.to_owned(),
            registry: RegistryId::new(),
        };
        let refused = Genesis::decode(&sealed(&newer).unwrap()).unwrap_err();
        assert!(
            matches!(
                refused,
                RegistryError::Format {
                    found: 3,
                    known: 2,
                    ..
                }
            ),
            "{refused}"
        );
    }
}
