//! Records of unfinished uploads, so that a later run can resume them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use object_store::MultipartId;
use object_store::multipart::PartId;
use serde::{Deserialize, Serialize};

use crate::registry::store::Store;
use pdm_core::content::{Digest, FileLock};

/// Lock of the process that keeps records.
pub(in crate::registry) const LOCK: &str = "uploads.lock";

/// An upload that was begun: everything a later run needs to resume it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::registry) struct PendingUpload {
    pub(in crate::registry) location: String,
    pub(in crate::registry) blob: Digest,
    part_length: u64,
    /// When it was begun, if known.
    #[serde(default)]
    begun: Option<Timestamp>,
    /// The server's id of the upload.
    pub(in crate::registry) upload: MultipartId,
    /// The uploaded parts, by number.
    parts: BTreeMap<u64, KeptPart>,
    #[serde(skip)]
    record: Option<UploadRecord>,
}

/// The file of the record, and its lock.
#[derive(Debug, Clone)]
struct UploadRecord {
    path: PathBuf,
    _lock: Arc<FileLock>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct KeptPart {
    id: String,
    /// Shows whether the file changed since this part was read.
    crc32: u32,
}

impl PendingUpload {
    /// Returns the unfinished upload of a blob, if one is recorded.
    pub(super) fn find(store: &Store, blob: Digest, part_length: u64) -> Option<Self> {
        let record = UploadRecord::of(store, blob)?;
        let kept: Self = serde_json::from_slice(&std::fs::read(&record.path).ok()?).ok()?;
        let same = (kept.location.as_str(), kept.blob, kept.part_length)
            == (store.location(), blob, part_length);
        same.then_some(Self {
            record: Some(record),
            ..kept
        })
    }

    pub(super) fn begin(
        store: &Store,
        blob: Digest,
        part_length: u64,
        upload: MultipartId,
    ) -> Self {
        let location = store.location().to_owned();
        let record = UploadRecord::of(store, blob);
        let begun = store.reliance().now();
        let mut kept = Self {
            location,
            blob,
            part_length,
            begun,
            upload,
            parts: BTreeMap::new(),
            record,
        };
        kept.write();
        kept
    }

    /// Returns whether it was begun so recently that its object counts as young. Some servers count an object's age from the
    /// beginning of its upload.
    pub(super) fn is_fresh(&self, store: &Store) -> bool {
        self.begun
            .is_none_or(|begun| store.reliance().is_fresh(begun))
    }

    /// Returns whether a part with this checksum was uploaded.
    pub(super) fn has(&self, number: u64, crc32: u32) -> bool {
        self.parts
            .get(&number)
            .is_some_and(|part| part.crc32 == crc32)
    }

    /// Records an uploaded part. The file is replaced by renaming, without a sync: parts lost in a power failure are sent again,
    /// and if the disk is full, a later run starts from state_dir.
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
        let Some(UploadRecord { path, .. }) = &self.record else {
            return;
        };
        let staged = path.with_extension("new");
        let bytes = serde_json::to_vec(self);
        let bytes = bytes.expect("names and numbers have a JSON form");
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        if made
            .and_then(|()| std::fs::write(&staged, bytes))
            .and_then(|()| std::fs::rename(&staged, path))
            .is_err()
        {
            self.record = None;
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

    /// Returns whether a later run can resume this.
    pub(super) fn is_kept(&self) -> bool {
        self.record.is_some()
    }

    /// Removes the record: the upload is complete, or can never be.
    pub(super) fn forget(&self) {
        if let Some(UploadRecord { path, .. }) = &self.record {
            // A record that stays is ignored by the next run.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl UploadRecord {
    /// Returns the record of an upload; `None` if no records are kept, or another process is uploading.
    fn of(store: &Store, blob: Digest) -> Option<Self> {
        let state_dir = store.transfers().state_dir.as_ref()?;
        std::fs::create_dir_all(state_dir).ok()?;
        let lock = FileLock::try_take(&state_dir.join(LOCK)).ok()??;
        let name = Digest::of(format!("{}\n{blob}", store.location()));
        Some(Self {
            path: state_dir.join(format!("{name}.upload.json")),
            _lock: Arc::new(lock),
        })
    }
}
