//! Tests whether a store supports create-only writes.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use uuid::Uuid;

use super::error::RegistryError;
use super::keys::{ObjectKey, PROBES};
use super::store::{Created, Store};
use super::verdict;

/// Writers that race for one key. Some servers refuse a second writer only when it comes alone.
const RACERS: usize = 8;

/// Bytes of the objects of each round. Some servers and gateways honor the condition for short bodies only, so they are as long
/// as entries: from a note to the version of a large bundle. A server that checks first and then writes passes a single race in
/// one of three cases.
const ROUNDS: [usize; 6] = [4 << 10, 100, 64 << 10, 4 << 10, 512 << 10, 16 << 10];

/// Rounds that run however long they take.
const LEAST_ROUNDS: usize = 3;

/// Time after which no further round starts: some servers take a second for each contested write.
const TIME_LIMIT: Duration = Duration::from_secs(15);

/// Bytes of the object in the short test of later writers.
const SHORT_TEST: usize = 8 << 10;

/// The result of testing a store; only for a store that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// Writers that raced for one object.
    pub racers: usize,
    /// Rounds, each with another length of bodies.
    pub rounds: usize,
    /// Whether the test objects could be removed. A policy without deletion is fine: the remaining objects are named and tiny.
    pub deletes: bool,
}

/// Tests that creating an object twice fails, in sequence and in races, and that the object is listed.
///
/// Some S3-compatible servers answer 200 and overwrite, or answer 200 and keep the old object, so the test reads the objects
/// back.
pub(crate) async fn run(store: &Store) -> Result<Proof, RegistryError> {
    let begun = Instant::now();
    let mut rounds = 0;
    let mut deletes = true;
    for bytes in ROUNDS {
        deletes &= twice_in_sequence(store, bytes).await?;
        deletes &= one_winner(store, bytes).await?;
        rounds += 1;
        if rounds >= LEAST_ROUNDS && begun.elapsed() > TIME_LIMIT {
            break;
        }
    }
    verdict::prove(store);
    Ok(Proof {
        racers: RACERS,
        rounds,
        deletes,
    })
}

/// The short test: creating an object twice in sequence fails, and the object is listed.
pub(crate) async fn run_short(store: &Store) -> Result<(), RegistryError> {
    twice_in_sequence(store, SHORT_TEST).await.map(drop)
}

/// Creates an object twice in sequence; returns whether it could be removed.
async fn twice_in_sequence(store: &Store, bytes: usize) -> Result<bool, RegistryError> {
    let key = ObjectKey::Probe(Uuid::now_v7());
    let outcome = twice(store, key, bytes).await;
    // Without permission to delete, it stays.
    let deletes = store.delete(key).await.is_ok();
    outcome.map(|()| deletes)
}

async fn twice(store: &Store, key: ObjectKey, bytes: usize) -> Result<(), RegistryError> {
    let first = body("first", bytes);
    let second = body("second", bytes);
    if store.create(key, first.clone()).await? == Created::Exists && store.get(key).await?.is_none()
    {
        return Err(store.contradicted(
            "create",
            key,
            "it reports that the object exists, but there is none",
        ));
    }
    let again = store.create(key, second).await?;
    let kept = store.get(key).await?;
    if kept != Some(first) {
        return Err(refuse(
            store,
            "it let a second writer overwrite an object despite the create-only condition"
                .to_owned(),
        ));
    }
    if again == Created::Written {
        let what = "it reported success to a second writer of an existing object";
        return Err(refuse(store, what.to_owned()));
    }
    if !store.list(PROBES).await?.contains(&key.to_string()) {
        return Err(refuse(
            store,
            "an object that was just written is not listed".to_owned(),
        ));
    }
    Ok(())
}

/// Lets writers race for an object, which exactly one must win; returns whether it could be removed.
async fn one_winner(store: &Store, bytes: usize) -> Result<bool, RegistryError> {
    let key = ObjectKey::Probe(Uuid::now_v7());
    let mut outcome = race(store, key, bytes).await;
    let deletes = store.delete(key).await.is_ok();
    if matches!(outcome, Ok(0)) {
        // A response was lost, and its writer found its own object.
        let key = ObjectKey::Probe(Uuid::now_v7());
        outcome = race(store, key, bytes).await;
        let _ = store.delete(key).await;
    }
    match outcome? {
        1 => Ok(deletes),
        winners => Err(refuse(
            store,
            format!("{winners} of {RACERS} racing writers created the same object"),
        )),
    }
}

/// Returns how many of the racing writers got the answer that they created the object.
async fn race(store: &Store, key: ObjectKey, bytes: usize) -> Result<usize, RegistryError> {
    let bodies: Vec<_> = (0..RACERS)
        .map(|racer| body(&format!("racer {racer}"), bytes))
        .collect();
    let racers = bodies.iter().map(|body| store.create(key, body.clone()));
    let created = join_all(racers)
        .await
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    let winners: Vec<_> = (0..RACERS)
        .filter(|&racer| created[racer] == Created::Written)
        .collect();
    let kept = store.get(key).await?;
    match winners[..] {
        [winner] if kept.as_ref() == Some(&bodies[winner]) => Ok(1),
        [_] => Err(refuse(
            store,
            "the winner of a race for one object read back other bytes than its own".to_owned(),
        )),
        _ => Ok(winners.len()),
    }
}

/// Returns a body of this length that names its writer.
fn body(writer: &str, bytes: usize) -> Bytes {
    let line = format!("{writer}\n");
    line.bytes().cycle().take(bytes).collect()
}

/// Refuses a store, and records the refusal.
pub(super) fn refuse(store: &Store, what: String) -> RegistryError {
    verdict::refuse(store, &what);
    RegistryError::Unsafe {
        location: store.location().to_owned(),
        what,
    }
}
