//! The cache on disk: lookup, claims, and notes of the keys used last.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::entry::CacheEntry;
use super::error::{At, remove_folder};
use super::lock::StageLock;
use super::note::LastUse;
use super::{CacheError, InputFile, Pending, StageKey, Status};
use pdm_core::content::{Digest, MOST_OF_A_NOTE, atomic_write, read_at_most};
use pdm_core::events::Interrupt;

/// Partial results that were not continued are removed after this time.
const KEEP_PARTIAL: Duration = Duration::from_secs(14 * 24 * 3600);

/// A folder with results of stages, by the digest of what they were made from.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

/// What [`Cache::claim`] found.
#[derive(Debug)]
pub enum Claim {
    /// The outputs exist.
    Ready(Box<CacheEntry>),
    /// They must be made, and no other process is making them.
    Work(Box<Pending>),
}

impl Cache {
    /// Returns the cache at `root` as it is, for reading: nothing is removed.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Opens the cache at `root`, which need not exist yet, and removes unfinished results of killed processes.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, CacheError> {
        let cache = Self::at(root);
        cache.sweep("work", |_| true)?;
        cache.sweep("resume", |folder| age(folder) > KEEP_PARTIAL)?;
        Ok(cache)
    }

    /// Returns the root folder of the cache.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Looks a key up, without waiting for a process that is working on it.
    pub fn lookup(&self, key: &StageKey) -> Status {
        let folder = self.entry_folder(key);
        if !folder.exists() {
            return Status::Absent;
        }
        match CacheEntry::read(&folder, key) {
            Ok(entry) => Status::Hit(Box::new(entry)),
            Err(reason) => Status::Damaged { reason },
        }
    }

    /// Returns the outputs of a key, or the right to make them.
    ///
    /// Calls `waiting` once where another process is making them, and waits for it.
    ///
    /// # Errors
    /// An error of the file system, or `interrupt` was raised while waiting.
    pub fn claim(
        &self,
        key: &StageKey,
        interrupt: &Interrupt,
        waiting: impl FnOnce(),
    ) -> Result<Claim, CacheError> {
        if let Some(entry) = self.lookup(key).into_entry() {
            return Ok(Claim::Ready(Box::new(entry)));
        }
        let lock = self.lock(key, interrupt, waiting)?;
        match self.lookup(key).into_entry() {
            Some(entry) => Ok(Claim::Ready(Box::new(entry))),
            None => Ok(Claim::Work(Box::new(self.start(key, lock)?))),
        }
    }

    /// Returns the right to make the outputs of a key, whether they exist or not.
    ///
    /// # Errors
    /// As [`Cache::claim`].
    pub fn begin(
        &self,
        key: &StageKey,
        interrupt: &Interrupt,
        waiting: impl FnOnce(),
    ) -> Result<Pending, CacheError> {
        let lock = self.lock(key, interrupt, waiting)?;
        self.start(key, lock)
    }

    /// Notes that `pipeline` used this key, so that the next run can say what changed since.
    ///
    /// # Errors
    /// The note cannot be written.
    pub fn record_key(&self, pipeline: &str, key: &StageKey) -> Result<(), CacheError> {
        self.record_key_with_files(pipeline, key, &[])
    }

    /// As [`Cache::record_key`], with the files behind the inputs of the key; also marks the entry as used.
    ///
    /// # Errors
    /// The note cannot be written.
    pub fn record_key_with_files(
        &self,
        pipeline: &str,
        key: &StageKey,
        files: &[InputFile],
    ) -> Result<(), CacheError> {
        self.mark_used(pipeline, key);
        let path = self.note(pipeline, &key.stage);
        let note = serde_json::to_vec_pretty(&LastUse {
            key: key.clone(),
            files: files.to_vec(),
        })?;
        if read_at_most(&path, MOST_OF_A_NOTE).is_ok_and(|before| before == note) {
            return Ok(());
        }
        self.prepare(path.parent().unwrap_or(&self.root))?;
        atomic_write(&path, &note).at("write", &path)?;
        Ok(())
    }

    /// Returns the key that a stage of `pipeline` used last, where there is a readable note of it.
    pub fn last_key(&self, pipeline: &str, stage: &str) -> Option<StageKey> {
        self.last_note(pipeline, stage).map(|note| note.key)
    }

    /// Returns the files behind the key that a stage of `pipeline` used last, as far as they were noted.
    pub fn last_files(&self, pipeline: &str, stage: &str) -> Vec<InputFile> {
        match self.last_note(pipeline, stage) {
            Some(note) => note.files,
            None => Vec::new(),
        }
    }

    fn last_note(&self, pipeline: &str, stage: &str) -> Option<LastUse> {
        LastUse::read(&self.note(pipeline, stage))
    }

    pub(super) fn lock(
        &self,
        key: &StageKey,
        interrupt: &Interrupt,
        waiting: impl FnOnce(),
    ) -> Result<StageLock, CacheError> {
        let path = self.lock_path(key.digest());
        self.prepare(&self.root.join("locks"))?;
        StageLock::take(&path, interrupt, waiting)
    }

    fn start(&self, key: &StageKey, lock: StageLock) -> Result<Pending, CacheError> {
        let name = key.digest().to_string();
        let work = self.root.join("work").join(&name);
        let resume = self.root.join("resume").join(&name);
        Pending::start(key, [work, resume, self.entry_folder(key)], lock)
    }

    /// Removes the folders in `parent` that are stale and whose key is not locked.
    fn sweep(&self, parent: &str, is_stale: impl Fn(&Path) -> bool) -> Result<(), CacheError> {
        let Ok(folders) = fs::read_dir(self.root.join(parent)) else {
            return Ok(());
        };
        for item in folders.flatten() {
            let folder = item.path();
            if !is_stale(&folder) {
                continue;
            }
            let name = folder.file_name().and_then(|name| name.to_str());
            let Some(digest) = name.and_then(|name| name.parse::<Digest>().ok()) else {
                continue;
            };
            if let Some(_lock) = StageLock::try_take(&self.lock_path(digest))? {
                remove_folder(&folder)?;
            }
        }
        Ok(())
    }

    /// Makes a folder in the root, and a `.gitignore` so that git ignores the root.
    fn prepare(&self, folder: &Path) -> Result<(), CacheError> {
        fs::create_dir_all(folder).at("create", folder)?;
        let ignore = self.root.join(".gitignore");
        if !ignore.exists() {
            fs::write(&ignore, "*\n").at("write", &ignore)?;
        }
        Ok(())
    }

    pub(super) fn entry_folder(&self, key: &StageKey) -> PathBuf {
        self.root
            .join("entries")
            .join(file_name(&key.stage))
            .join(key.digest().to_string())
    }

    pub(super) fn lock_path(&self, digest: Digest) -> PathBuf {
        self.root.join("locks").join(digest.to_string())
    }

    fn note(&self, pipeline: &str, stage: &str) -> PathBuf {
        self.root
            .join("last")
            .join(file_name(pipeline))
            .join(file_name(stage) + ".json")
    }
}

/// Returns a file name for any text: the text itself where it is plain, otherwise one that is unique to it.
fn file_name(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !text.is_empty() && text.len() <= 100 && !text.starts_with('.') && text.chars().all(plain) {
        return text.to_owned();
    }
    let readable: String = text.chars().filter(|c| plain(*c)).take(50).collect();
    format!("_{readable}-{}", Digest::of(text).short())
}

fn age(folder: &Path) -> Duration {
    let changed = fs::metadata(folder).and_then(|found| found.modified());
    changed
        .ok()
        .and_then(|time| SystemTime::now().duration_since(time).ok())
        .unwrap_or_default()
}
