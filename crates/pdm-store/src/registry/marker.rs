//! The object `store.json`, which marks a registry and its format.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::error::RegistryError;
use super::keys::ObjectKey;
use super::store::{Created, Store};

/// Newest layout of keys this program reads. In format 1 the log has no genesis object.
pub(crate) const FORMAT: u32 = 2;

#[derive(Serialize, Deserialize)]
struct Marker {
    format: u64,
    kind: String,
}

const KIND: &str = "pdm-ml registry";

/// Writes the marker, unless there is one already.
pub(crate) async fn write(store: &Store, format: u32) -> Result<(), RegistryError> {
    match store.create(ObjectKey::Marker, expected(format)).await? {
        Created::Written => Ok(()),
        Created::Exists => check(store).await.map(drop),
    }
}

/// Checks the marker and returns its format; `None` where there is no marker.
pub(crate) async fn check(store: &Store) -> Result<Option<u32>, RegistryError> {
    let Some(bytes) = store.get(ObjectKey::Marker).await? else {
        return Ok(None);
    };
    if let Some(format) = (1..=FORMAT).find(|format| bytes == expected(*format)) {
        return Ok(Some(format));
    }
    match serde_json::from_slice::<Marker>(&bytes) {
        Ok(marker) if marker.kind == KIND && marker.format > u64::from(FORMAT) => {
            Err(RegistryError::Format {
                key: ObjectKey::Marker.to_string(),
                found: marker.format,
                known: FORMAT,
            })
        }
        _ => Err(RegistryError::damaged(
            ObjectKey::Marker,
            "it is not the marker of a registry",
        )),
    }
}

fn expected(format: u32) -> Bytes {
    Bytes::from(format!("{{\"format\":{format},\"kind\":\"{KIND}\"}}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::blocking::wait;

    #[test]
    fn newer_and_foreign_stores_are_refused() {
        for (text, newer) in [
            (r#"{"format":3,"kind":"pdm-ml registry"}"#, true),
            (r#"{"format":1,"kind":"x"}"#, false),
            ("", false),
        ] {
            let store = Store::memory();
            wait(store.create(ObjectKey::Marker, text)).unwrap();
            for error in [
                wait(check(&store)).unwrap_err(),
                wait(store.prove()).unwrap_err(),
            ] {
                assert_eq!(
                    matches!(
                        error,
                        RegistryError::Format {
                            found: 3,
                            known: 2,
                            ..
                        }
                    ),
                    newer,
                    "{text}"
                );
                assert_eq!(
                    matches!(error, RegistryError::Integrity { .. }),
                    !newer,
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn the_marker_is_written_once_and_those_of_all_formats_are_read() {
        for format in [1, 2] {
            let store = Store::memory();
            assert_eq!(wait(check(&store)).unwrap(), None);
            wait(write(&store, format)).unwrap();
            wait(write(&store, 2)).unwrap();
            assert_eq!(wait(check(&store)).unwrap(), Some(format));
        }
    }
}
