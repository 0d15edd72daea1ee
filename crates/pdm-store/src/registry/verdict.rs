//! What experiments with a store showed, kept in the project's folder: a store that was refused once is not trusted because it
//! obeys by chance the next time.

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
const LONGEST: u64 = 64 << 10;

#[derive(Serialize, Deserialize)]
struct VerdictRecord {
    /// Where the store lies, for people.
    location: String,
    /// What it is remembered under.
    store: String,
    time: Timestamp,
    /// Why the store was refused; `None` where it was proven.
    refused: Option<String>,
}

/// Buckets that this process has proven, by whoever keeps them.
static PROVEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Remembers that a store was proven.
pub(super) fn prove(store: &Store) {
    if !store.is_near() {
        proven().insert(store.identity().to_owned());
    }
    remember(store, None);
}

/// Remembers that a store was refused, and why.
pub(super) fn refuse(store: &Store, what: &str) {
    proven().remove(store.identity());
    remember(store, Some(what.to_owned()));
}

/// Forgets what was shown before.
pub(super) fn forget(store: &Store) {
    proven().remove(store.identity());
    if let Some(path) = path(store) {
        let _absent = fs::remove_file(path);
    }
}

/// Returns whether a store was proven by this process or project.
pub(super) fn was_proven(store: &Store) -> bool {
    proven().contains(store.identity())
        || recall(store).is_some_and(|record| record.refused.is_none())
}

/// Refuses a store that this project refused before.
pub(super) fn recall_refusal(store: &Store) -> Result<(), RegistryError> {
    let Some(VerdictRecord {
        time,
        refused: Some(what),
        location,
        ..
    }) = recall(store)
    else {
        return Ok(());
    };
    let what = format!(
        "an experiment on {time:.0} showed: {what}; `pdm-ml doctor --registry {location}` makes it again"
    );
    Err(RegistryError::Unsafe { location, what })
}

fn proven() -> MutexGuard<'static, BTreeSet<String>> {
    PROVEN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remember(store: &Store, refused: Option<String>) {
    let Some(path) = path(store) else { return };
    let (location, time) = (store.location().to_owned(), Timestamp::now());
    let record = VerdictRecord {
        location,
        store: store.identity().to_owned(),
        time,
        refused,
    };
    let bytes = serde_json::to_vec(&record).expect("texts and a time have a JSON form");
    // Where nothing can be kept, the experiment is made again.
    let _unwritten = atomic_write(&path, &bytes);
}

fn recall(store: &Store) -> Option<VerdictRecord> {
    let path = path(store)?;
    let found = path.metadata().ok()?;
    if !found.is_file() || found.len() > LONGEST {
        return None;
    }
    let record: VerdictRecord = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    (record.store == store.identity()).then_some(record)
}

/// Returns the place of the record; `None` where the project keeps nothing, or the store goes with this process.
fn path(store: &Store) -> Option<PathBuf> {
    let scratch = store.transfers().scratch.as_ref()?;
    Some(scratch.join(format!("{}.store.json", Digest::of(store.identity()))))
}
