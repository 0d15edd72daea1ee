//! Results of testing stores, kept in the project's folder: a store that failed once must not be accepted because it
//! passes by chance the next time.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::RegistryError;
use super::store::Store;
use pdm_core::content::{Digest, atomic_write};

/// Longest record that is read.
const MAX_RECORD: u64 = 64 << 10;

#[derive(Serialize, Deserialize)]
struct VerdictRecord {
    /// Location of the store, for display.
    location: String,
    /// Key of the record.
    store: String,
    time: Timestamp,
    /// Why the store was refused; `None` if it passed.
    refused: Option<String>,
}

/// Identities of the buckets that passed in this process.
static PROVEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Records that a store passed.
pub(super) fn prove(store: &Store) {
    if !store.is_near() {
        proven().insert(store.identity().to_owned());
    }
    write(store, None);
}

/// Records that a store was refused, and why.
pub(super) fn refuse(store: &Store, what: &str) {
    proven().remove(store.identity());
    write(store, Some(what.to_owned()));
}

/// Removes earlier results.
pub(super) fn forget(store: &Store) {
    proven().remove(store.identity());
    if let Some(path) = path(store) {
        let _absent = fs::remove_file(path);
    }
}

/// Returns whether a store passed in this process or project.
pub(super) fn was_proven(store: &Store) -> bool {
    proven().contains(store.identity())
        || read(store).is_some_and(|record| record.refused.is_none())
}

/// Refuses a store that was refused before in this project.
pub(super) fn recall_refusal(store: &Store) -> Result<(), RegistryError> {
    let Some(VerdictRecord {
        time,
        refused: Some(what),
        location,
        ..
    }) = read(store)
    else {
        return Ok(());
    };
    let what = format!(
        "test on {time:.0}: {what}; `pdm-ml doctor --registry {location}` repeats the test"
    );
    Err(RegistryError::Unsafe { location, what })
}

fn proven() -> MutexGuard<'static, BTreeSet<String>> {
    PROVEN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write(store: &Store, refused: Option<String>) {
    let Some(path) = path(store) else { return };
    let location = store.location().to_owned();
    let time = Timestamp::now();
    let record = VerdictRecord {
        location,
        store: store.identity().to_owned(),
        time,
        refused,
    };
    let bytes = serde_json::to_vec(&record).expect("texts and a time have a JSON form");
    // If the record cannot be written, the test is repeated next time.
    let _unwritten = atomic_write(&path, &bytes);
}

fn read(store: &Store) -> Option<VerdictRecord> {
    let path = path(store)?;
    let found = path.metadata().ok()?;
    if !found.is_file() || found.len() > MAX_RECORD {
        return None;
    }
    let record: VerdictRecord = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    (record.store == store.identity()).then_some(record)
}

/// Returns the path of the record; `None` if the project keeps no local state.
fn path(store: &Store) -> Option<PathBuf> {
    let state_dir = store.transfers().state_dir.as_ref()?;
    Some(state_dir.join(format!("{}.store.json", Digest::of(store.identity()))))
}
