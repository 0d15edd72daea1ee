use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::error::RegistryError;
use super::keys::Key;
use super::store::{Created, Store};

/// Newest layout of keys this program reads and writes.
pub(crate) const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Marker {
    format: u64,
    kind: String,
}

const KIND: &str = "pdm-ml registry";

/// Writes the marker, unless it stands already.
pub(crate) async fn write(store: &Store) -> Result<(), RegistryError> {
    match store.create(Key::Marker, expected()).await? {
        Created::Written => Ok(()),
        Created::Exists => check(store).await.map(drop),
    }
}

/// Checks the marker; `false` where there is none.
pub(crate) async fn check(store: &Store) -> Result<bool, RegistryError> {
    let Some(bytes) = store.get(Key::Marker).await? else { return Ok(false) };
    match serde_json::from_slice::<Marker>(&bytes) {
        Ok(marker) if marker.kind == KIND && marker.format > u64::from(FORMAT) => {
            Err(RegistryError::Format { key: Key::Marker.to_string(), found: marker.format, known: FORMAT })
        }
        _ if bytes == expected() => Ok(true),
        _ => Err(RegistryError::damaged(Key::Marker, "it does not say that this is a registry")),
    }
}

fn expected() -> Bytes {
    Bytes::from(format!("{{\"format\":{FORMAT},\"kind\":\"{KIND}\"}}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::blocking::wait;

    #[test]
    fn newer_and_foreign_stores_are_refused() {
        for (text, newer) in
            [(r#"{"format":2,"kind":"pdm-ml registry"}"#, true), (r#"{"format":1,"kind":"x"}"#, false), ("", false)]
        {
            let store = Store::memory();
            wait(store.create(Key::Marker, text)).unwrap();
            for error in [wait(check(&store)).unwrap_err(), wait(store.prove()).unwrap_err()] {
                assert_eq!(matches!(error, RegistryError::Format { found: 2, known: 1, .. }), newer, "{text}");
                assert_eq!(matches!(error, RegistryError::Integrity { .. }), !newer, "{text}");
            }
        }
    }

    #[test]
    fn the_marker_is_written_once() {
        let store = Store::memory();
        assert!(!wait(check(&store)).unwrap());
        wait(write(&store)).unwrap();
        wait(write(&store)).unwrap();
        assert!(wait(check(&store)).unwrap());
    }
}
