//! The keys of all objects in a registry.

use std::fmt;

use uuid::Uuid;

use pdm_core::content::Digest;

/// Folder of the log.
pub(crate) const LOG: &str = "log";
/// Folder of the blobs.
pub(crate) const BLOBS: &str = "blobs";

/// Folder of the snapshots.
pub(crate) const SNAPSHOTS: &str = "snapshots";

/// Folder of the test objects.
pub(crate) const PROBES: &str = "probe";

/// Number of an entry in the log, from 1.
pub(crate) type Sequence = u64;

/// Every object the registry writes; paths in a store are built only here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ObjectKey {
    /// `store.json`: marks a registry and its format.
    Marker,
    /// `log/00000000000000000000.json`: the genesis object.
    Genesis,
    /// `log/<20 digits>.json`: one entry.
    Log(Sequence),
    /// `snapshots/<20 digits>.ndjson`: the entries from the end of the snapshot before up to this one.
    Snapshot(Sequence),
    /// `blobs/sha256/<64 hexadecimal digits>`: bytes named by their digest.
    Blob(Digest),
    /// `probe/<uuid>`: a test object for create-only writes.
    Probe(Uuid),
}

impl ObjectKey {
    /// Returns the key as the store's own path.
    pub(crate) fn path(self) -> object_store::path::Path {
        self.to_string().into()
    }

    /// Reads a key; `None` for a path the registry never writes.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let key = match path.split('/').collect::<Vec<_>>()[..] {
            ["store.json"] => Self::Marker,
            [LOG, "00000000000000000000.json"] => Self::Genesis,
            [LOG, file] => Self::Log(sequence(file.strip_suffix(".json")?)?),
            [SNAPSHOTS, file] => Self::Snapshot(sequence(file.strip_suffix(".ndjson")?)?),
            [BLOBS, "sha256", digest] => Self::Blob(digest.parse().ok()?),
            [PROBES, id] => Self::Probe(id.parse().ok()?),
            _ => return None,
        };
        // Other spellings of the same number or digest are different objects.
        (key.to_string() == path).then_some(key)
    }
}

fn sequence(digits: &str) -> Option<Sequence> {
    digits.parse().ok().filter(|&sequence| sequence > 0)
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Marker => f.write_str("store.json"),
            Self::Genesis => write!(f, "{LOG}/{:020}.json", 0),
            Self::Log(sequence) => write!(f, "{LOG}/{sequence:020}.json"),
            Self::Snapshot(sequence) => write!(f, "{SNAPSHOTS}/{sequence:020}.ndjson"),
            Self::Blob(digest) => write!(f, "{BLOBS}/sha256/{digest}"),
            Self::Probe(id) => write!(f, "{PROBES}/{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_and_read_back() {
        let blob = ObjectKey::Blob(Digest::of("x"));
        let keys = [
            ObjectKey::Marker,
            ObjectKey::Genesis,
            ObjectKey::Log(1),
            ObjectKey::Log(u64::MAX),
            ObjectKey::Snapshot(128),
            blob,
            ObjectKey::Probe(Uuid::nil()),
        ];
        for key in keys {
            assert_eq!(ObjectKey::parse(&key.to_string()), Some(key));
            assert_eq!(key.path().as_ref(), key.to_string());
        }
        assert_eq!(
            ObjectKey::Log(42).to_string(),
            "log/00000000000000000042.json"
        );
    }

    #[test]
    fn other_spellings_are_foreign() {
        let hex = Digest::of("x").to_string();
        for path in [
            "log/42.json",
            "log/0.json",
            "log/00000000000000000042.json.bak",
            "log/a/00000000000000000042.json",
            "log/+0000000000000000042.json",
            &format!("blobs/sha256/{}", hex.to_uppercase()),
            &format!("blobs/sha256/sha256:{hex}"),
            "README.md",
        ] {
            assert_eq!(ObjectKey::parse(path), None, "{path}");
        }
    }
}
