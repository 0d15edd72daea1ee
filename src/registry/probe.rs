use futures_util::future::join_all;
use uuid::Uuid;

use super::error::RegistryError;
use super::keys::{Key, PROBES};
use super::store::{Created, Store};

/// Writers that race for one key. Some servers refuse a second writer only when it comes alone.
const RACERS: usize = 8;

/// What the experiment with a store showed; only a store that can be trusted gets so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// Writers that raced for one object.
    pub racers: usize,
    /// Whether the experiment's objects could be removed. A policy without deletion is a good policy: what stays behind is
    /// named and tiny.
    pub deletes: bool,
}

/// Proves by experiment that creating an object twice fails, in a row and in a race, and that it is listed.
///
/// Some S3-compatible servers answer 200 and overwrite, so a store's documentation is no proof.
pub(crate) async fn run(store: &Store) -> Result<Proof, RegistryError> {
    in_a_row(store).await?;
    let key = Key::Probe(Uuid::now_v7());
    let mut outcome = race(store, key).await;
    let deletes = store.delete(key).await.is_ok();
    if matches!(outcome, Ok(0)) {
        // An answer was lost, and its writer met its own object.
        let key = Key::Probe(Uuid::now_v7());
        outcome = race(store, key).await;
        let _ = store.delete(key).await;
    }
    match outcome? {
        1 => Ok(Proof { racers: RACERS, deletes }),
        winners => Err(distrust(store, format!("{winners} of {RACERS} racing writers created the same object"))),
    }
}

/// Proves that creating an object twice in a row fails, and that it is listed.
pub(crate) async fn in_a_row(store: &Store) -> Result<(), RegistryError> {
    let key = Key::Probe(Uuid::now_v7());
    let outcome = row(store, key).await;
    // Where it may not be deleted, it stays.
    let _ = store.delete(key).await;
    outcome
}

async fn row(store: &Store, key: Key) -> Result<(), RegistryError> {
    store.create(key, "first").await?;
    let second = store.create(key, "second").await?;
    let kept = store.get(key).await?;
    if second == Created::Exists && kept.as_deref() == Some(b"first") {
        let listed = store.list(PROBES).await?.contains(&key.to_string());
        let unlisted = || distrust(store, "what was just written is not listed".to_owned());
        return listed.then_some(()).ok_or_else(unlisted);
    }
    Err(distrust(store, "it let a second writer overwrite an object that was to be created only once".to_owned()))
}

/// Returns how many of all racing writers were told that they created an object.
async fn race(store: &Store, key: Key) -> Result<usize, RegistryError> {
    let racers = (0..RACERS).map(|racer| store.create(key, racer.to_string()));
    let created = join_all(racers).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    let winners: Vec<_> = (0..RACERS).filter(|&racer| created[racer] == Created::Written).collect();
    let kept = store.get(key).await?;
    match winners[..] {
        [winner] if kept.as_deref() == Some(winner.to_string().as_bytes()) => Ok(1),
        [_] => Err(distrust(store, "the winner of a race for one object does not find its own bytes there".to_owned())),
        _ => Ok(winners.len()),
    }
}

fn distrust(store: &Store, what: String) -> RegistryError {
    RegistryError::Unsafe { location: store.location().to_owned(), what }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::memory::InMemory;

    use super::*;
    use crate::registry::blocking::wait;
    use crate::registry::samples::{Accident, Meddler};

    #[test]
    fn good_stores_are_trusted_and_left_clean() {
        let root = tempfile::tempdir().unwrap();
        for store in [Store::memory(), Store::open(".", root.path()).unwrap()] {
            wait(store.prove()).unwrap();
            assert_eq!(wait(store.list("probe")).unwrap(), Vec::<String>::new());
        }
    }

    #[test]
    fn a_store_that_overwrites_is_not_trusted() {
        let store = Meddler::over(Arc::new(InMemory::new()), Accident::Overwrites);
        assert!(matches!(wait(store.prove()), Err(RegistryError::Unsafe { .. })));
        assert_eq!(wait(store.list("probe")).unwrap(), Vec::<String>::new());
    }
}
