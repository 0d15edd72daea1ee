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

/// Bytes of the objects of each round. Some servers and gateways obey for short bodies only, so they are as long as entries are:
/// from a note to the version of a large bundle. A server that looks first and then writes passes a single race in one of three
/// cases.
const ROUNDS: [usize; 6] = [4 << 10, 100, 64 << 10, 4 << 10, 512 << 10, 16 << 10];

/// Rounds that are made however long they take.
const LEAST_ROUNDS: usize = 3;

/// Time after which no other round is begun: some servers take a second for each contested write.
const LONG: Duration = Duration::from_secs(15);

/// Bytes of the object that later writers try to create twice.
const USUAL: usize = 8 << 10;

/// What the experiment with a store showed; only a store that can be trusted gets so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// Writers that raced for one object.
    pub racers: usize,
    /// Rounds of that race, each with bodies of another length.
    pub rounds: usize,
    /// Whether the experiment's objects could be removed. A policy without deletion is a good policy: what stays behind is
    /// named and tiny.
    pub deletes: bool,
}

/// Proves by experiment that creating an object twice fails, in a row and in races, and that it is listed.
///
/// Some S3-compatible servers answer 200 and overwrite, or answer 200 and keep what was there, so neither a store's
/// documentation nor its answers are a proof: what is there is read back.
pub(crate) async fn run(store: &Store) -> Result<Proof, RegistryError> {
    let begun = Instant::now();
    let (mut rounds, mut deletes) = (0, true);
    for bytes in ROUNDS {
        deletes &= row(store, bytes).await?;
        deletes &= one_winner(store, bytes).await?;
        rounds += 1;
        if rounds >= LEAST_ROUNDS && begun.elapsed() > LONG {
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

/// Proves that creating an object twice in a row fails, and that it is listed.
pub(crate) async fn in_a_row(store: &Store) -> Result<(), RegistryError> {
    row(store, USUAL).await.map(drop)
}

/// Creates an object twice in a row; returns whether it could be removed.
async fn row(store: &Store, bytes: usize) -> Result<bool, RegistryError> {
    let key = ObjectKey::Probe(Uuid::now_v7());
    let outcome = twice(store, key, bytes).await;
    // Where it may not be deleted, it stays.
    let deletes = store.delete(key).await.is_ok();
    outcome.map(|()| deletes)
}

async fn twice(store: &Store, key: ObjectKey, bytes: usize) -> Result<(), RegistryError> {
    let (first, second) = (body("first", bytes), body("second", bytes));
    if store.create(key, first.clone()).await? == Created::Exists && store.get(key).await?.is_none()
    {
        return Err(store.contradicted(
            "create",
            key,
            "it says that the object exists, and there is none",
        ));
    }
    let again = store.create(key, second).await?;
    let kept = store.get(key).await?;
    if kept != Some(first) {
        return Err(distrust(
            store,
            "it let a second writer overwrite an object that was to be created only once"
                .to_owned(),
        ));
    }
    if again == Created::Written {
        let what = "it told a second writer that it created an object that was there already";
        return Err(distrust(store, what.to_owned()));
    }
    if !store.list(PROBES).await?.contains(&key.to_string()) {
        return Err(distrust(
            store,
            "what was just written is not listed".to_owned(),
        ));
    }
    Ok(())
}

/// Lets writers race for an object, of which one must win; returns whether it could be removed.
async fn one_winner(store: &Store, bytes: usize) -> Result<bool, RegistryError> {
    let key = ObjectKey::Probe(Uuid::now_v7());
    let mut outcome = race(store, key, bytes).await;
    let deletes = store.delete(key).await.is_ok();
    if matches!(outcome, Ok(0)) {
        // An answer was lost, and its writer met its own object.
        let key = ObjectKey::Probe(Uuid::now_v7());
        outcome = race(store, key, bytes).await;
        let _ = store.delete(key).await;
    }
    match outcome? {
        1 => Ok(deletes),
        winners => Err(distrust(
            store,
            format!("{winners} of {RACERS} racing writers created the same object"),
        )),
    }
}

/// Returns how many of all racing writers were told that they created an object.
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
        [_] => Err(distrust(
            store,
            "the winner of a race for one object does not find its own bytes there".to_owned(),
        )),
        _ => Ok(winners.len()),
    }
}

/// Returns a body of so many bytes that names its writer.
fn body(writer: &str, bytes: usize) -> Bytes {
    let line = format!("{writer}\n");
    line.bytes().cycle().take(bytes).collect()
}

/// Refuses a store, and remembers that it was refused.
pub(super) fn distrust(store: &Store, what: String) -> RegistryError {
    verdict::refuse(store, &what);
    RegistryError::Unsafe {
        location: store.location().to_owned(),
        what,
    }
}
