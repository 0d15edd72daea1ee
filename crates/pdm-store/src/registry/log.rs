//! Reads the log and appends to it.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use rayon::prelude::*;

use super::chain::Chain;
use super::entry::{FORMAT, LogAction, LogEntry, Stamp};
use super::error::RegistryError;
use super::identity::RegistryId;
use super::keys::{LOG, ObjectKey, Sequence};
use super::state::RegistryState;
use super::store::{Created, Store};
use super::{genesis, probe, snapshot};
use pdm_core::content::Digest;

/// Objects read at the same time.
pub(crate) const READERS: usize = 16;

/// Attempts to append after losing a race. Each loss is another writer's success, so few suffice.
const ATTEMPTS: usize = 100;

/// Attempts to read a log that is created during the read.
const READ_ATTEMPTS: usize = 5;

/// The log as read so far, and the state it results in.
///
/// Clones share their data, so a store can keep one for the next reader.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    entries: Arc<Vec<LogEntry>>,
    chain: Chain,
    state: Arc<RegistryState>,
    /// Numbers of the entries at which the snapshots found end.
    snapshots: Arc<Vec<Sequence>>,
}

/// What to append, decided from the state.
#[derive(Debug)]
pub(crate) enum AppendDecision<T> {
    /// Write this; the value is returned to the caller once it is written.
    Append(LogAction, T),
    /// Leave the log as it is.
    Leave(T),
}

impl Log {
    /// Reads the whole log, or only the new entries if it was read before. Entries never change, and the first new one must follow
    /// from the last one read.
    pub(crate) async fn read(store: &Store) -> Result<Self, RegistryError> {
        store.check_format().await?;
        for _ in 0..READ_ATTEMPTS {
            let log = match store.cached_log() {
                Some(log) => log,
                None => Self::from_snapshots(store).await?,
            };
            if let Some(log) = log.completed(store).await? {
                return Ok(log);
            }
        }
        Err(RegistryError::Conflict {
            what: "the log was created several times while it was read".to_owned(),
        })
    }

    /// Reads the whole log entry by entry, without the log in memory and without snapshots; used before anything is removed.
    pub(crate) async fn read_entries(store: &Store) -> Result<Self, RegistryError> {
        store.check_format().await?;
        for _ in 0..READ_ATTEMPTS {
            if let Some(log) = Self::begin(store).await?.completed(store).await? {
                return Ok(log);
            }
        }
        Err(RegistryError::Conflict {
            what: "the log was created several times while it was read".to_owned(),
        })
    }

    /// Returns a log of which only the genesis object was read.
    async fn begin(store: &Store) -> Result<Self, RegistryError> {
        let chain = Chain::new(genesis::read(store).await?);
        Ok(Self {
            entries: Arc::default(),
            chain,
            state: Arc::default(),
            snapshots: Arc::default(),
        })
    }

    async fn from_snapshots(store: &Store) -> Result<Self, RegistryError> {
        let mut log = Self::begin(store).await?;
        let ends = snapshot::list(store).await?;
        let linked = snapshot::read(store, &ends).await?;
        linked
            .par_iter()
            .try_for_each(|(entry, _)| trusted(store, entry))?;
        for (entry, digest) in linked {
            log.take(entry, digest)?;
        }
        log.snapshots = Arc::new(ends);
        Ok(log)
    }

    /// Reads the new entries, and compares the log with the other objects in the store; `None` if it was created meanwhile.
    async fn completed(mut self, store: &Store) -> Result<Option<Self>, RegistryError> {
        if let Err(error) = self.catch_up(store).await {
            return if self.was_created_now(store).await? {
                Ok(None)
            } else {
                Err(error)
            };
        }
        if self.entries.is_empty()
            && let Some(what) = self.chain.damaged_genesis()
        {
            return Err(RegistryError::damaged(ObjectKey::Genesis, what.clone()));
        }
        if self.chain.id().is_none()
            && let Some(found) = store.orphans_without_log().await?
        {
            if self.was_created_now(store).await? {
                return Ok(None);
            }
            return Err(RegistryError::LogMissing {
                location: store.location().to_owned(),
                found,
            });
        }
        store.require_expected(self.chain.id())?;
        if self.chain.id().is_some() {
            store.cache_log(&self);
        }
        Ok(Some(self))
    }

    /// Returns whether a log without genesis object has one by now. The genesis object is written before everything else, so
    /// objects read after that do not match those read before.
    async fn was_created_now(&self, store: &Store) -> Result<bool, RegistryError> {
        Ok(self.entries.is_empty()
            && !self.chain.has_genesis()
            && store.stat(ObjectKey::Genesis).await?.is_some())
    }

    /// Returns the id of the registry; `None` if there is none.
    pub(crate) fn id(&self) -> Option<RegistryId> {
        self.chain.id()
    }

    /// Returns whether the log begins with a genesis object, as since format 2 of the store.
    pub(crate) fn has_genesis(&self) -> bool {
        self.entries
            .first()
            .is_none_or(|first| first.registry.is_some())
    }

    /// Returns the entries, oldest first.
    pub(crate) fn entries(&self) -> &[LogEntry] {
        &self.entries
    }

    /// Returns the state that the log results in.
    pub(crate) fn state(&self) -> &RegistryState {
        &self.state
    }

    /// Appends what `decide` returns for the state; after a lost race it is called again with the new state.
    ///
    /// Returns the decision's value, and the number of the entry if one was written.
    pub(crate) async fn append<T, F>(
        store: &Store,
        stamp: &Stamp,
        mut decide: impl FnMut(Arc<RegistryState>) -> F,
    ) -> Result<(T, Option<Sequence>), RegistryError>
    where
        F: Future<Output = Result<AppendDecision<T>, RegistryError>>,
    {
        store.prove().await?;
        let mut log = Self::read(store).await?;
        for _ in 0..ATTEMPTS {
            let (action, value) = match decide(log.state.clone()).await? {
                AppendDecision::Append(action, value) => (action, value),
                AppendDecision::Leave(value) => return Ok((value, None)),
            };
            let entry = log.next(store, stamp, action)?;
            let mut trial = RegistryState::clone(&log.state);
            trial
                .apply(&entry)
                .map_err(|error| RegistryError::Conflict {
                    what: error.to_string(),
                })?;
            if create(store, &entry).await? {
                let written = entry.sequence;
                log.write_snapshots(store, entry).await;
                return Ok((value, Some(written)));
            }
            log.catch_up(store).await?;
        }
        Err(RegistryError::Conflict {
            what: format!("another writer was first {ATTEMPTS} times in a row"),
        })
    }

    fn next(
        &self,
        store: &Store,
        stamp: &Stamp,
        action: LogAction,
    ) -> Result<LogEntry, RegistryError> {
        let absent = || RegistryError::damaged(ObjectKey::Genesis, "it is missing");
        let mut entry = LogEntry {
            format: FORMAT,
            registry: Some(self.chain.id().ok_or_else(absent)?),
            sequence: self.chain.last() + 1,
            previous: self.chain.head().ok_or_else(absent)?,
            time: stamp.time,
            actor: stamp.actor.clone(),
            action,
            signature: None,
        };
        if let Some(signer) = store.signer() {
            signer.sign_entry(&mut entry);
        }
        // An entry that this project would refuse to read is not written.
        store
            .trust()
            .check(&entry)
            .map_err(|what| RegistryError::Unsigned { what })?;
        Ok(entry)
    }

    /// Writes the snapshots that are due. If it fails, the writer that completes the next block tries again.
    async fn write_snapshots(&mut self, store: &Store, written: LogEntry) {
        if written.sequence.is_multiple_of(snapshot::LENGTH) {
            Arc::make_mut(&mut self.entries).push(written);
            let _ = snapshot::write(store, &self.entries, &self.snapshots).await;
        }
    }

    async fn catch_up(&mut self, store: &Store) -> Result<(), RegistryError> {
        let known = self.entries.len() as Sequence;
        let last = last_without_gap(store, known).await?;
        // A folder lists only files: a pipe instead of the next entry would look like the end of the log.
        store.require_regular(ObjectKey::Log(last + 1))?;
        let read = stream::iter(known + 1..=last).map(|sequence| async move {
            let missing = || RegistryError::damaged(ObjectKey::Log(sequence), "it is missing");
            store
                .get(ObjectKey::Log(sequence))
                .await?
                .ok_or_else(missing)
        });
        let mut objects = read.buffered(READERS);
        while let Some(bytes) = objects.try_next().await? {
            self.push(store, &bytes)?;
        }
        Ok(())
    }

    fn push(&mut self, store: &Store, bytes: &[u8]) -> Result<(), RegistryError> {
        let entry = LogEntry::decode(self.entries.len() as Sequence + 1, bytes)?;
        trusted(store, &entry)?;
        self.take(entry, Digest::of(bytes))
    }

    /// Appends the next entry, after checking that it follows from the one before.
    fn take(&mut self, entry: LogEntry, digest: Digest) -> Result<(), RegistryError> {
        self.chain.check(&entry)?;
        let state = Arc::make_mut(&mut self.state);
        state.apply(&entry).map_err(|error| {
            RegistryError::damaged(ObjectKey::Log(entry.sequence), error.to_string())
        })?;
        self.chain.take(&entry, digest);
        Arc::make_mut(&mut self.entries).push(entry);
        Ok(())
    }
}

/// Refuses an entry that is not signed as the project requires.
fn trusted(store: &Store, entry: &LogEntry) -> Result<(), RegistryError> {
    store
        .trust()
        .check(entry)
        .map_err(|what| RegistryError::damaged(ObjectKey::Log(entry.sequence), what))
}

/// Returns the numbers of the entries after `known`, in order, and the paths that are not entries.
pub(crate) async fn list(
    store: &Store,
    known: Sequence,
) -> Result<(Vec<Sequence>, Vec<String>), RegistryError> {
    let mut sequences = Vec::new();
    let mut foreign = Vec::new();
    let paths = if known == 0 {
        store.list(LOG).await?
    } else {
        store.list_after(LOG, ObjectKey::Log(known)).await?
    };
    for path in paths {
        match ObjectKey::parse(&path) {
            Some(ObjectKey::Log(sequence)) => sequences.push(sequence),
            Some(ObjectKey::Genesis) => {}
            Some(
                ObjectKey::Marker
                | ObjectKey::Snapshot(_)
                | ObjectKey::Blob(_)
                | ObjectKey::Probe(_),
            )
            | None => foreign.push(path),
        }
    }
    Ok((sequences, foreign))
}

/// Returns the number of the last entry, and fails if there is a gap: either an entry before it was removed, or one after it
/// was added.
async fn last_without_gap(store: &Store, known: Sequence) -> Result<Sequence, RegistryError> {
    let (sequences, _) = list(store, known).await?;
    match (known + 1..)
        .zip(&sequences)
        .find(|(expected, found)| expected != *found)
    {
        Some((missing, found)) => {
            let what = format!(
                "it is missing, but `{}` exists: an entry was removed, or one was added",
                ObjectKey::Log(*found)
            );
            Err(RegistryError::damaged(ObjectKey::Log(missing), what))
        }
        None => Ok(known + sequences.len() as Sequence),
    }
}

/// Writes an entry; `false` if another writer's entry has its number.
async fn create(store: &Store, entry: &LogEntry) -> Result<bool, RegistryError> {
    let key = ObjectKey::Log(entry.sequence);
    let bytes = entry.encode()?;
    store.require_short(key, "this entry of the log", bytes.len() as u64)?;
    match store.create(key, bytes.clone()).await {
        Ok(Created::Written) => read_back(store, key, &bytes).await,
        // A network store may retry a write whose response was lost, and find its own object.
        Ok(Created::Exists) => match store.get(key).await? {
            Some(found) => Ok(found == bytes),
            None => Err(store.contradicted(
                "create",
                key,
                "it reports that the object exists, but there is none",
            )),
        },
        // The response may be lost although the entry was written; reported as a failure, it would be written twice.
        Err(error) => match store.get(key).await {
            Ok(Some(found)) if found == bytes => Ok(true),
            _ => Err(error),
        },
    }
}

/// Reads back an entry that the store reports as written. Some servers report it and keep the earlier object, or the next one.
async fn read_back(store: &Store, key: ObjectKey, bytes: &[u8]) -> Result<bool, RegistryError> {
    let what = match store.get(key).await {
        Ok(Some(found)) if found == bytes => return Ok(true),
        Ok(Some(_)) => "it reported that an entry was written, but holds another writer's entry",
        Ok(None) => "it reported that an entry was written, but holds none",
        // The entry was written and cannot be read now; an error would report a failure of a write that succeeded.
        Err(_) => return Ok(true),
    };
    Err(probe::refuse(store, what.to_owned()))
}
