use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use rayon::prelude::*;

use super::entry::{Action, Entry, FORMAT, Stamp};
use super::error::RegistryError;
use super::keys::{Key, LOG, Sequence};
use super::snapshot;
use super::state::State;
use super::store::{Created, Store};
use crate::content::Digest;

/// Objects read at the same time.
pub(crate) const READERS: usize = 16;

/// Times an append reads again after losing a race. Each loss is another's success, so few suffice.
const ATTEMPTS: usize = 100;

/// The log as read so far, and what it adds up to.
///
/// Clones share what they hold, so a store can keep one for whoever asks next.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    entries: Arc<Vec<Entry>>,
    head: Digest,
    state: Arc<State>,
    /// Where the snapshots end that were there.
    snapshots: Arc<Vec<Sequence>>,
}

/// What to do after looking at the state.
#[derive(Debug)]
pub(crate) enum Step<T> {
    /// Write this; the value is the caller's, for when it is written.
    Append(Action, T),
    /// Leave the log as it is.
    Leave(T),
}

impl Log {
    fn empty() -> Self {
        Self { entries: Arc::default(), head: Entry::root(), state: Arc::default(), snapshots: Arc::default() }
    }

    /// Reads the whole log; of one that was read before what came since. Entries never change, and the first that came since
    /// must follow from the last that was read.
    pub(crate) async fn read(store: &Store) -> Result<Self, RegistryError> {
        store.check_format().await?;
        let mut log = match store.remembered() {
            Some(log) => log,
            None => Self::from_snapshots(store).await?,
        };
        log.catch_up(store).await?;
        store.remember(&log);
        Ok(log)
    }

    async fn from_snapshots(store: &Store) -> Result<Self, RegistryError> {
        let ends = snapshot::list(store).await?;
        let (mut log, linked) = (Self::empty(), snapshot::read(store, &ends).await?);
        linked.par_iter().try_for_each(|(entry, _)| trusted(store, entry))?;
        for (entry, digest) in linked {
            log.take(entry, digest)?;
        }
        log.snapshots = Arc::new(ends);
        Ok(log)
    }

    /// Returns the entries, oldest first.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns what the log adds up to.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Appends what `decide` makes of the state; after a lost race it decides again on the new state.
    ///
    /// Returns the decision's value, and the place of the entry where one was written.
    pub(crate) async fn append<T, F>(
        store: &Store,
        stamp: &Stamp,
        mut decide: impl FnMut(Arc<State>) -> F,
    ) -> Result<(T, Option<Sequence>), RegistryError>
    where
        F: Future<Output = Result<Step<T>, RegistryError>>,
    {
        store.prove().await?;
        let mut log = Self::read(store).await?;
        for _ in 0..ATTEMPTS {
            let (action, value) = match decide(log.state.clone()).await? {
                Step::Append(action, value) => (action, value),
                Step::Leave(value) => return Ok((value, None)),
            };
            let entry = log.next(store, stamp, action)?;
            let mut trial = State::clone(&log.state);
            trial.apply(&entry).map_err(|error| RegistryError::Conflict { what: error.to_string() })?;
            if create(store, &entry).await? {
                let written = entry.sequence;
                log.keep_short(store, entry).await;
                return Ok((value, Some(written)));
            }
            log.catch_up(store).await?;
        }
        Err(RegistryError::Conflict { what: format!("others were first {ATTEMPTS} times in a row") })
    }

    fn next(&self, store: &Store, stamp: &Stamp, action: Action) -> Result<Entry, RegistryError> {
        let mut entry = Entry {
            format: FORMAT,
            sequence: self.entries.len() as Sequence + 1,
            previous: self.head,
            time: stamp.time,
            actor: stamp.actor.clone(),
            action,
            signature: None,
        };
        store.signer().inspect(|signer| signer.sign_entry(&mut entry));
        // What this project would not read it does not write.
        store.trust().check(&entry).map_err(|what| RegistryError::Unsigned { what })?;
        Ok(entry)
    }

    /// Makes the snapshots that are due. The entry stands whether or not they can be made: whoever ends the next block tries again.
    async fn keep_short(&mut self, store: &Store, written: Entry) {
        if written.sequence.is_multiple_of(snapshot::LENGTH) {
            Arc::make_mut(&mut self.entries).push(written);
            let _ = snapshot::write(store, &self.entries, &self.snapshots).await;
        }
    }

    async fn catch_up(&mut self, store: &Store) -> Result<(), RegistryError> {
        let known = self.entries.len() as Sequence;
        let last = last_without_gap(store, known).await?;
        let read = stream::iter(known + 1..=last).map(|sequence| async move {
            let missing = || RegistryError::damaged(Key::Log(sequence), "it is missing");
            store.get(Key::Log(sequence)).await?.ok_or_else(missing)
        });
        let objects: Vec<_> = read.buffered(READERS).try_collect().await?;
        objects.iter().try_for_each(|bytes| self.push(store, bytes))
    }

    fn push(&mut self, store: &Store, bytes: &[u8]) -> Result<(), RegistryError> {
        let sequence = self.entries.len() as Sequence + 1;
        let entry = Entry::decode(sequence, bytes)?;
        if entry.previous != self.head {
            return Err(RegistryError::damaged(Key::Log(sequence), "it does not follow from the entry before"));
        }
        trusted(store, &entry)?;
        self.take(entry, Digest::of(bytes))
    }

    /// Takes the next entry, known to follow from the one before.
    fn take(&mut self, entry: Entry, digest: Digest) -> Result<(), RegistryError> {
        let state = Arc::make_mut(&mut self.state);
        state.apply(&entry).map_err(|error| RegistryError::damaged(Key::Log(entry.sequence), error.to_string()))?;
        Arc::make_mut(&mut self.entries).push(entry);
        self.head = digest;
        Ok(())
    }
}

/// Refuses an entry that is not signed as the project asks for.
fn trusted(store: &Store, entry: &Entry) -> Result<(), RegistryError> {
    store.trust().check(entry).map_err(|what| RegistryError::damaged(Key::Log(entry.sequence), what))
}

/// Returns the places in the log after `known` that are taken, in order, and the paths that are none.
pub(crate) async fn list(store: &Store, known: Sequence) -> Result<(Vec<Sequence>, Vec<String>), RegistryError> {
    let (mut sequences, mut foreign) = (Vec::new(), Vec::new());
    let paths = if known == 0 { store.list(LOG).await? } else { store.list_after(LOG, Key::Log(known)).await? };
    for path in paths {
        if let Some(Key::Log(sequence)) = Key::parse(&path) {
            sequences.push(sequence);
        } else {
            foreign.push(path);
        }
    }
    Ok((sequences, foreign))
}

async fn last_without_gap(store: &Store, known: Sequence) -> Result<Sequence, RegistryError> {
    let (sequences, _) = list(store, known).await?;
    match (known + 1..).zip(&sequences).find(|(expected, found)| expected != *found) {
        Some((missing, _)) => Err(RegistryError::damaged(Key::Log(missing), "it is missing")),
        None => Ok(known + sequences.len() as Sequence),
    }
}

/// Writes an entry; `false` where another writer's stands in its place.
async fn create(store: &Store, entry: &Entry) -> Result<bool, RegistryError> {
    let key = Key::Log(entry.sequence);
    let bytes = entry.encode()?;
    match store.create(key, bytes.clone()).await {
        Ok(Created::Written) => Ok(true),
        // A network store may retry a write whose answer was lost, and meet its own object.
        Ok(Created::Exists) => Ok(store.get(key).await?.is_some_and(|found| found == bytes)),
        // The answer may be lost and the entry written; told as a failure, it would be written twice.
        Err(error) => match store.get(key).await {
            Ok(Some(found)) if found == bytes => Ok(true),
            _ => Err(error),
        },
    }
}
