use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use object_store::MultipartId;
use object_store::multipart::PartId;
use serde::{Deserialize, Serialize};

use crate::registry::store::Store;
use pdm_core::content::Digest;

/// Held by the process whose uploads are kept.
pub(in crate::registry) const LOCK: &str = "uploads.lock";

/// An upload that was begun: what a later run needs to go on with it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::registry) struct PendingUpload {
    pub(in crate::registry) location: String,
    pub(in crate::registry) blob: Digest,
    part_length: u64,
    /// When it was begun, where that is known.
    #[serde(default)]
    begun: Option<Timestamp>,
    /// The server's name of the upload.
    pub(in crate::registry) upload: MultipartId,
    /// The parts that arrived, by number.
    parts: BTreeMap<u64, KeptPart>,
    #[serde(skip)]
    place: Option<UploadRecord>,
}

/// Where the record is kept, and what keeps other processes from it.
#[derive(Debug, Clone)]
struct UploadRecord {
    path: PathBuf,
    _lock: Arc<File>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct KeptPart {
    id: String,
    /// The file may have been another when this part was read.
    crc32: u32,
}

impl PendingUpload {
    /// Returns the upload of a blob that was begun before, where it is known.
    pub(super) fn find(store: &Store, blob: Digest, part_length: u64) -> Option<Self> {
        let place = UploadRecord::of(store, blob)?;
        let kept: Self = serde_json::from_slice(&std::fs::read(&place.path).ok()?).ok()?;
        let same = (kept.location.as_str(), kept.blob, kept.part_length)
            == (store.location(), blob, part_length);
        same.then_some(Self {
            place: Some(place),
            ..kept
        })
    }

    pub(super) fn begin(
        store: &Store,
        blob: Digest,
        part_length: u64,
        upload: MultipartId,
    ) -> Self {
        let (location, place) = (store.location().to_owned(), UploadRecord::of(store, blob));
        let begun = store.reliance().now();
        let mut kept = Self {
            location,
            blob,
            part_length,
            begun,
            upload,
            parts: BTreeMap::new(),
            place,
        };
        kept.write();
        kept
    }

    /// Returns whether it was begun so lately that what it makes is young. Some servers count an object's age from when its
    /// upload was begun.
    pub(super) fn is_fresh(&self, store: &Store) -> bool {
        self.begun
            .is_none_or(|begun| store.reliance().is_fresh(begun))
    }

    /// Returns whether a part with this checksum arrived.
    pub(super) fn has(&self, number: u64, crc32: u32) -> bool {
        self.parts
            .get(&number)
            .is_some_and(|part| part.crc32 == crc32)
    }

    /// Notes a part that arrived. Beside its place and renamed, but not waited for: what a lost power takes away is sent again,
    /// and where the disk takes nothing, a later run begins anew.
    pub(super) fn add(&mut self, number: u64, crc32: u32, id: PartId) {
        self.parts.insert(
            number,
            KeptPart {
                id: id.content_id,
                crc32,
            },
        );
        self.write();
    }

    fn write(&mut self) {
        let Some(UploadRecord { path, .. }) = &self.place else {
            return;
        };
        let (staged, bytes) = (path.with_extension("new"), serde_json::to_vec(self));
        let bytes = bytes.expect("names and numbers have a JSON form");
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        if made
            .and_then(|()| std::fs::write(&staged, bytes))
            .and_then(|()| std::fs::rename(&staged, path))
            .is_err()
        {
            self.place = None;
        }
    }

    /// Returns the parts in order.
    pub(super) fn ids(&self) -> Vec<PartId> {
        self.parts
            .values()
            .map(|part| PartId {
                content_id: part.id.clone(),
            })
            .collect()
    }

    /// Returns whether a later run can go on with this.
    pub(super) fn is_kept(&self) -> bool {
        self.place.is_some()
    }

    /// Forgets the upload: it is done, or can never be.
    pub(super) fn forget(&self) {
        if let Some(UploadRecord { path, .. }) = &self.place {
            // What stays is found to be of no use next time.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl UploadRecord {
    /// Returns the place of an upload's record; `None` where nothing is kept, or another process uploads at this time.
    fn of(store: &Store, blob: Digest) -> Option<Self> {
        let scratch = store.transfers().scratch.as_ref()?;
        std::fs::create_dir_all(scratch).ok()?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(scratch.join(LOCK))
            .ok()?;
        lock.try_lock().ok()?;
        let name = Digest::of(format!("{}\n{blob}", store.location()));
        Some(Self {
            path: scratch.join(format!("{name}.upload.json")),
            _lock: Arc::new(lock),
        })
    }
}
