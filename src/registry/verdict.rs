//! What experiments with a store showed, kept in the project's folder: a store that was refused once is not trusted because it
//! obeys by chance the next time.

use std::fs;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::RegistryError;
use super::store::Store;
use crate::content::{Digest, write_whole};

/// Longest record that is read.
const LONGEST: u64 = 64 << 10;

#[derive(Serialize, Deserialize)]
struct Record {
    location: String,
    time: Timestamp,
    /// Why the store was refused; `None` where it was proven.
    refused: Option<String>,
}

/// Remembers that a store was proven.
pub(super) fn prove(store: &Store) {
    remember(store, None);
}

/// Remembers that a store was refused, and why.
pub(super) fn refuse(store: &Store, what: &str) {
    remember(store, Some(what.to_owned()));
}

/// Forgets what was shown before.
pub(super) fn forget(store: &Store) {
    if let Some(path) = path(store) {
        let _absent = fs::remove_file(path);
    }
}

/// Returns whether a store was proven by this project.
pub(super) fn was_proven(store: &Store) -> bool {
    recall(store).is_some_and(|record| record.refused.is_none())
}

/// Refuses a store that this project refused before.
pub(super) fn recall_refusal(store: &Store) -> Result<(), RegistryError> {
    let Some(Record { time, refused: Some(what), location }) = recall(store) else { return Ok(()) };
    let what = format!("an experiment on {time:.0} showed: {what}; `pdm-ml doctor --registry {location}` makes it again");
    Err(RegistryError::Unsafe { location, what })
}

fn remember(store: &Store, refused: Option<String>) {
    let Some(path) = path(store) else { return };
    let record = Record { location: store.location().to_owned(), time: Timestamp::now(), refused };
    let bytes = serde_json::to_vec(&record).expect("texts and a time have a JSON form");
    // Where nothing can be kept, the experiment is made again.
    let _unwritten = write_whole(&path, &bytes);
}

fn recall(store: &Store) -> Option<Record> {
    let path = path(store)?;
    let found = path.metadata().ok()?;
    if !found.is_file() || found.len() > LONGEST {
        return None;
    }
    let record: Record = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    (record.location == store.location()).then_some(record)
}

/// Returns the place of the record; `None` where the project keeps nothing, or the store goes with this process.
fn path(store: &Store) -> Option<PathBuf> {
    let scratch = store.transfers().scratch.as_ref()?;
    Some(scratch.join(format!("{}.store.json", Digest::of(store.location()))))
}
