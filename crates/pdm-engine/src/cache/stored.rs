//! Lists the entries of a cache.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::entry::CacheEntry;
use super::note::LastUse;
use super::{Cache, Cost, StageKey};
use pdm_core::content::{Digest, read_note};

/// One entry of a cache.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stored {
    /// Name of the stage.
    pub stage: String,
    /// Digest of its key.
    pub key: Digest,
    /// Bytes on disk of all its files.
    pub bytes: u64,
    /// When it was made.
    pub created: Timestamp,
    /// When a run used it last.
    pub last_used: Timestamp,
    /// The pipeline that used it last, where that is known.
    pub pipeline: Option<String>,
    /// The pipelines whose last run of this stage uses it.
    pub reachable_from: Vec<String>,
    /// What the stage cost; none where the entry cannot be read.
    pub cost: Option<Cost>,
}

impl Stored {
    /// Returns whether the last run of a pipeline uses it.
    pub fn is_reachable(&self) -> bool {
        !self.reachable_from.is_empty()
    }
}

/// Name of the file whose time is that of the last use.
const USED: &str = "used";

impl Cache {
    /// Lists the entries, the one used last first.
    pub fn stored(&self) -> Vec<Stored> {
        let last = self.last_keys();
        let mut stored: Vec<_> = folders(&self.root().join("entries"))
            .iter()
            .flat_map(|stage| folders(stage))
            .filter_map(|folder| stored(&folder, &last))
            .collect();
        stored.sort_by(|a, b| {
            b.last_used
                .cmp(&a.last_used)
                .then_with(|| (&a.stage, a.key).cmp(&(&b.stage, b.key)))
        });
        stored
    }

    /// Notes that a pipeline used an entry now. On a read-only disk it cannot be noted, and is not needed.
    pub(super) fn mark_used(&self, pipeline: &str, key: &StageKey) {
        let folder = self.entry_folder(key);
        if folder.is_dir() {
            let _unwritten = fs::write(folder.join(USED), pipeline);
        }
    }

    /// Returns, for each key that a pipeline used last, the pipelines.
    fn last_keys(&self) -> BTreeMap<Digest, Vec<String>> {
        let mut last: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for folder in folders(&self.root().join("last")) {
            let Some(pipeline) = name(&folder) else {
                continue;
            };
            let notes = fs::read_dir(&folder).into_iter().flatten().flatten();
            for note in notes.filter_map(|item| LastUse::read(&item.path())) {
                last.entry(note.key.digest())
                    .or_default()
                    .push(pipeline.clone());
            }
        }
        for pipelines in last.values_mut() {
            pipelines.sort();
        }
        last
    }
}

fn stored(folder: &Path, last: &BTreeMap<Digest, Vec<String>>) -> Option<Stored> {
    let key: Digest = name(folder)?.parse().ok()?;
    let stage = folder.parent().and_then(name)?;
    let time = |path: PathBuf| fs::metadata(path).ok().and_then(modified);
    let created = time(folder.join("entry.json"))
        .or_else(|| time(folder.to_owned()))
        .unwrap_or_default();
    let used = folder.join(USED);
    let pipeline = read_note(&used)
        .ok()
        .filter(|pipeline| !pipeline.is_empty());
    let last_used = time(used).unwrap_or(created).max(created);
    let reachable_from = last.get(&key).cloned().unwrap_or_default();
    let cost = CacheEntry::read_unchecked(folder).map(|entry| entry.cost());
    Some(Stored {
        stage,
        key,
        bytes: bytes(folder),
        created,
        last_used,
        pipeline,
        reachable_from,
        cost,
    })
}

fn modified(found: Metadata) -> Option<Timestamp> {
    Timestamp::try_from(found.modified().ok()?).ok()
}

fn name(path: &Path) -> Option<String> {
    path.file_name()
        .and_then(|name| name.to_str())
        .map(ToOwned::to_owned)
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let items = fs::read_dir(path).into_iter().flatten().flatten();
    let mut folders: Vec<_> = items
        .map(|item| item.path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

/// Returns the bytes of all files in a folder and its subfolders.
fn bytes(folder: &Path) -> u64 {
    let items = fs::read_dir(folder).into_iter().flatten().flatten();
    let of = |item: fs::DirEntry| match item.metadata() {
        Ok(found) if found.is_dir() => bytes(&item.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    items.map(of).sum()
}
