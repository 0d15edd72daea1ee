use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::entry::{Action, Entry, FORMAT, Stamp};
use super::error::RegistryError;
use super::keys::{Key, LOG, Sequence};
use super::state::State;
use super::store::{Created, Store};
use crate::content::Digest;

/// Objects read at the same time.
pub(crate) const READERS: usize = 16;

/// Times an append reads again after losing a race. Each loss is another's success, so few suffice.
const ATTEMPTS: usize = 100;

/// The log as read so far, and what it adds up to.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    entries: Vec<Entry>,
    head: Digest,
    state: Arc<State>,
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
    /// Reads the whole log.
    pub(crate) async fn read(store: &Store) -> Result<Self, RegistryError> {
        store.check_format().await?;
        let mut log = Self { entries: Vec::new(), head: Entry::root(), state: Arc::default() };
        log.catch_up(store).await?;
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
            let entry = log.next(stamp, action);
            let mut trial = State::clone(&log.state);
            trial.apply(&entry).map_err(|error| RegistryError::Conflict { what: error.to_string() })?;
            if create(store, &entry).await? {
                return Ok((value, Some(entry.sequence)));
            }
            log.catch_up(store).await?;
        }
        Err(RegistryError::Conflict { what: format!("others were first {ATTEMPTS} times in a row") })
    }

    fn next(&self, stamp: &Stamp, action: Action) -> Entry {
        Entry {
            format: FORMAT,
            sequence: self.entries.len() as Sequence + 1,
            previous: self.head,
            time: stamp.time,
            actor: stamp.actor.clone(),
            action,
        }
    }

    async fn catch_up(&mut self, store: &Store) -> Result<(), RegistryError> {
        let known = self.entries.len() as Sequence;
        let last = last_without_gap(store).await?;
        let read = stream::iter(known + 1..=last).map(|sequence| async move {
            let missing = || RegistryError::damaged(Key::Log(sequence), "it is missing");
            store.get(Key::Log(sequence)).await?.ok_or_else(missing)
        });
        let objects: Vec<_> = read.buffered(READERS).try_collect().await?;
        objects.iter().try_for_each(|bytes| self.push(bytes))
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), RegistryError> {
        let sequence = self.entries.len() as Sequence + 1;
        let entry = Entry::decode(sequence, bytes)?;
        if entry.previous != self.head {
            return Err(RegistryError::damaged(Key::Log(sequence), "it does not follow from the entry before"));
        }
        let state = Arc::make_mut(&mut self.state);
        state.apply(&entry).map_err(|error| RegistryError::damaged(Key::Log(sequence), error.to_string()))?;
        self.entries.push(entry);
        self.head = Digest::of(bytes);
        Ok(())
    }
}

/// Returns the places in the log that are taken, in order, and the paths that are none.
pub(crate) async fn list(store: &Store) -> Result<(Vec<Sequence>, Vec<String>), RegistryError> {
    let (mut sequences, mut foreign) = (Vec::new(), Vec::new());
    for path in store.list(LOG).await? {
        match Key::parse(&path) {
            Some(Key::Log(sequence)) => sequences.push(sequence),
            _ => foreign.push(path),
        }
    }
    Ok((sequences, foreign))
}

async fn last_without_gap(store: &Store) -> Result<Sequence, RegistryError> {
    let (sequences, _) = list(store).await?;
    match (1..).zip(&sequences).find(|(expected, found)| expected != *found) {
        Some((missing, _)) => Err(RegistryError::damaged(Key::Log(missing), "it is missing")),
        None => Ok(sequences.len() as Sequence),
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
