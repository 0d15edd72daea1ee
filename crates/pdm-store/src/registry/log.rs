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

/// Times an append reads again after losing a race. Each loss is another's success, so few suffice.
const ATTEMPTS: usize = 100;

/// Times the log is read anew where it began while it was looked for.
const BEGINNINGS: usize = 5;

/// The log as read so far, and what it adds up to.
///
/// Clones share what they hold, so a store can keep one for whoever asks next.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    entries: Arc<Vec<LogEntry>>,
    chain: Chain,
    state: Arc<RegistryState>,
    /// Where the snapshots end that were there.
    snapshots: Arc<Vec<Sequence>>,
}

/// What to do after looking at the state.
#[derive(Debug)]
pub(crate) enum AppendDecision<T> {
    /// Write this; the value is the caller's, for when it is written.
    Append(LogAction, T),
    /// Leave the log as it is.
    Leave(T),
}

impl Log {
    /// Reads the whole log; of one that was read before what came since. Entries never change, and the first that came since
    /// must follow from the last that was read.
    pub(crate) async fn read(store: &Store) -> Result<Self, RegistryError> {
        store.check_format().await?;
        for _ in 0..BEGINNINGS {
            let log = match store.remembered() {
                Some(log) => log,
                None => Self::from_snapshots(store).await?,
            };
            if let Some(log) = log.completed(store).await? {
                return Ok(log);
            }
        }
        Err(RegistryError::Conflict {
            what: "the log began again and again while it was read".to_owned(),
        })
    }

    /// Reads the whole log entry by entry, whatever was read before and whatever snapshots say: for who removes things.
    pub(crate) async fn read_entries(store: &Store) -> Result<Self, RegistryError> {
        store.check_format().await?;
        for _ in 0..BEGINNINGS {
            if let Some(log) = Self::begin(store).await?.completed(store).await? {
                return Ok(log);
            }
        }
        Err(RegistryError::Conflict {
            what: "the log began again and again while it was read".to_owned(),
        })
    }

    /// Returns the log of which nothing but its beginning was read.
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

    /// Reads what came since, and holds the log against what else the store holds; `None` where it began meanwhile.
    async fn completed(mut self, store: &Store) -> Result<Option<Self>, RegistryError> {
        if let Err(error) = self.catch_up(store).await {
            return if self.begins_now(store).await? {
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
            && let Some(found) = store.remains().await?
        {
            if self.begins_now(store).await? {
                return Ok(None);
            }
            return Err(RegistryError::LogMissing {
                location: store.location().to_owned(),
                found,
            });
        }
        store.require_expected(self.chain.id())?;
        if self.chain.id().is_some() {
            store.remember(&self);
        }
        Ok(Some(self))
    }

    /// Returns whether a log that had no beginning when it was looked for has one by now. A beginning is written before all else,
    /// so what was found after it does not fit what was found before.
    async fn begins_now(&self, store: &Store) -> Result<bool, RegistryError> {
        Ok(self.entries.is_empty()
            && !self.chain.has_genesis()
            && store.look(ObjectKey::Genesis).await?.is_some())
    }

    /// Returns which registry this is; `None` where there is none.
    pub(crate) fn id(&self) -> Option<RegistryId> {
        self.chain.id()
    }

    /// Returns whether the log begins with an object of its own, as since format 2 of the store.
    pub(crate) fn has_genesis(&self) -> bool {
        self.entries
            .first()
            .is_none_or(|first| first.registry.is_some())
    }

    /// Returns the entries, oldest first.
    pub(crate) fn entries(&self) -> &[LogEntry] {
        &self.entries
    }

    /// Returns what the log adds up to.
    pub(crate) fn state(&self) -> &RegistryState {
        &self.state
    }

    /// Appends what `decide` makes of the state; after a lost race it decides again on the new state.
    ///
    /// Returns the decision's value, and the place of the entry where one was written.
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
                log.keep_short(store, entry).await;
                return Ok((value, Some(written)));
            }
            log.catch_up(store).await?;
        }
        Err(RegistryError::Conflict {
            what: format!("others were first {ATTEMPTS} times in a row"),
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
        store
            .signer()
            .inspect(|signer| signer.sign_entry(&mut entry));
        // What this project would not read it does not write.
        store
            .trust()
            .check(&entry)
            .map_err(|what| RegistryError::Unsigned { what })?;
        Ok(entry)
    }

    /// Makes the snapshots that are due. The entry stands whether or not they can be made: whoever ends the next block tries again.
    async fn keep_short(&mut self, store: &Store, written: LogEntry) {
        if written.sequence.is_multiple_of(snapshot::LENGTH) {
            Arc::make_mut(&mut self.entries).push(written);
            let _ = snapshot::write(store, &self.entries, &self.snapshots).await;
        }
    }

    async fn catch_up(&mut self, store: &Store) -> Result<(), RegistryError> {
        let known = self.entries.len() as Sequence;
        let last = last_without_gap(store, known).await?;
        // A folder lists files only: a pipe in the place of the next entry would pass for the end of the log.
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

    /// Takes the next entry, known to follow from the one before.
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

/// Refuses an entry that is not signed as the project asks for.
fn trusted(store: &Store, entry: &LogEntry) -> Result<(), RegistryError> {
    store
        .trust()
        .check(entry)
        .map_err(|what| RegistryError::damaged(ObjectKey::Log(entry.sequence), what))
}

/// Returns the places in the log after `known` that are taken, in order, and the paths that are no entries.
pub(crate) async fn list(
    store: &Store,
    known: Sequence,
) -> Result<(Vec<Sequence>, Vec<String>), RegistryError> {
    let (mut sequences, mut foreign) = (Vec::new(), Vec::new());
    let paths = if known == 0 {
        store.list(LOG).await?
    } else {
        store.list_after(LOG, ObjectKey::Log(known)).await?
    };
    for path in paths {
        match ObjectKey::parse(&path) {
            Some(ObjectKey::Log(sequence)) => sequences.push(sequence),
            Some(ObjectKey::Genesis) => {}
            Some(_) | None => foreign.push(path),
        }
    }
    Ok((sequences, foreign))
}

/// Returns the last place that is taken. Whether an entry before a gap was removed, or one after it added, nobody can say: so
/// nothing is read.
async fn last_without_gap(store: &Store, known: Sequence) -> Result<Sequence, RegistryError> {
    let (sequences, _) = list(store, known).await?;
    match (known + 1..)
        .zip(&sequences)
        .find(|(expected, found)| expected != *found)
    {
        Some((missing, found)) => {
            let what = format!(
                "it is missing, and `{}` is there: an entry was removed, or one added",
                ObjectKey::Log(*found)
            );
            Err(RegistryError::damaged(ObjectKey::Log(missing), what))
        }
        None => Ok(known + sequences.len() as Sequence),
    }
}

/// Writes an entry; `false` where another writer's is in its place.
async fn create(store: &Store, entry: &LogEntry) -> Result<bool, RegistryError> {
    let key = ObjectKey::Log(entry.sequence);
    let bytes = entry.encode()?;
    store.require_short(key, "this entry of the log", bytes.len() as u64)?;
    match store.create(key, bytes.clone()).await {
        Ok(Created::Written) => read_back(store, key, &bytes).await,
        // A network store may retry a write whose answer was lost, and meet its own object.
        Ok(Created::Exists) => match store.get(key).await? {
            Some(found) => Ok(found == bytes),
            None => Err(store.contradicted(
                "create",
                key,
                "it says that the object exists, and there is none",
            )),
        },
        // The answer may be lost and the entry written; told as a failure, it would be written twice.
        Err(error) => match store.get(key).await {
            Ok(Some(found)) if found == bytes => Ok(true),
            _ => Err(error),
        },
    }
}

/// Reads an entry back that the store says it wrote. Some servers say so and keep what was there, or what comes next.
async fn read_back(store: &Store, key: ObjectKey, bytes: &[u8]) -> Result<bool, RegistryError> {
    let what = match store.get(key).await {
        Ok(Some(found)) if found == bytes => return Ok(true),
        Ok(Some(_)) => "it said that an entry was written, and holds another writer's in its place",
        Ok(None) => "it said that an entry was written, and holds none",
        // It was written, and what was written cannot be looked at now: a failure would be told of what was done.
        Err(_) => return Ok(true),
    };
    Err(probe::distrust(store, what.to_owned()))
}
