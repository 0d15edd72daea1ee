//! Snapshots: many entries of the log in one object, so that a long log is read with few requests.
//!
//! A snapshot holds the exact bytes of its entries, one per line, so a reader checks the same chain and the same seals,
//! and that its last entry is the one in the log. It is never required: a reader skips one that is missing, forged
//! or unusable and reads the entries themselves, and a writer that finds one missing writes it.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use rayon::prelude::*;

use super::entry::LogEntry;
use super::error::RegistryError;
use super::keys::{ObjectKey, SNAPSHOTS, Sequence};
use super::log::READERS;
use super::store::Store;
use pdm_core::content::Digest;

/// Entries of a snapshot. A reader reads at most as many one by one.
pub(super) const LENGTH: Sequence = 128;

/// An entry, and the digest of its bytes.
pub(super) type LinkedEntry = (LogEntry, Digest);

/// Returns the numbers of the last entries of all snapshots, in order.
pub(super) async fn list(store: &Store) -> Result<Vec<Sequence>, RegistryError> {
    let paths = store.list(SNAPSHOTS).await?;
    Ok(paths
        .iter()
        .filter_map(|path| ObjectKey::parse(path))
        .filter_map(end)
        .collect())
}

fn end(key: ObjectKey) -> Option<Sequence> {
    if let ObjectKey::Snapshot(end) = key {
        Some(end)
    } else {
        None
    }
}

/// Reads the entries in snapshots without a gap, from the first one on.
///
/// A snapshot proves nothing by itself: anyone with write access can add one. Since each entry holds the digest of the one
/// before, it is enough that the last entry of the last snapshot is the one in the log; other snapshots are skipped.
pub(super) async fn read(
    store: &Store,
    ends: &[Sequence],
) -> Result<Vec<LinkedEntry>, RegistryError> {
    let gapless = (1..)
        .map(|block| block * LENGTH)
        .zip(ends)
        .take_while(|(expected, end)| *expected == **end);
    let mut gapless: Vec<_> = gapless.map(|(end, _)| end).collect();
    gapless.truncate(reached(store, &gapless).await?);
    let objects = stream::iter(gapless)
        .map(|end| get(store, end))
        .buffered(READERS);
    let objects: Vec<_> = objects.collect().await;
    let objects = objects
        .into_iter()
        .collect::<Result<Vec<Option<Bytes>>, _>>()?;
    let present = objects.into_iter().map_while(|bytes| bytes);
    let blocks: Vec<_> = (0..).map(|block| block * LENGTH).zip(present).collect();
    let blocks: Vec<_> = blocks
        .par_iter()
        .map(|(before, bytes)| entries(*before, bytes))
        .collect();
    let mut chained: Vec<Vec<LinkedEntry>> = Vec::new();
    for block in blocks.into_iter().map_while(Option::Some) {
        let before = chained
            .last()
            .and_then(|block| block.last())
            .map(|(_, digest)| *digest);
        let Some(block) =
            block.filter(|block| before.is_none_or(|before| block[0].0.previous == before))
        else {
            break;
        };
        chained.push(block);
    }
    while let Some((entry, digest)) = chained.last().and_then(|block| block.last()) {
        if in_log(store, entry.sequence).await? == Some(*digest) {
            break;
        }
        chained.pop();
    }
    Ok(chained.into_iter().flatten().collect())
}

/// Returns how many of these snapshots end at an entry of the log. Snapshots beyond it are not read.
async fn reached(store: &Store, ends: &[Sequence]) -> Result<usize, RegistryError> {
    let mut known = 0;
    let mut unknown = ends.len();
    let mut at = ends.len();
    while known < unknown {
        match store.stat(ObjectKey::Log(ends[at - 1])).await {
            Ok(None) => unknown = at - 1,
            Ok(Some(_)) | Err(RegistryError::Integrity { .. }) => known = at,
            Err(error) => return Err(error),
        }
        at = (known + unknown).div_ceil(2);
    }
    Ok(known)
}

/// Reads a snapshot; `None` if it is missing or unusable.
async fn get(store: &Store, end: Sequence) -> Result<Option<Bytes>, RegistryError> {
    match store.get(ObjectKey::Snapshot(end)).await {
        Err(RegistryError::Integrity { .. }) => Ok(None),
        found => found,
    }
}

/// Returns the digest of an entry in the log.
async fn in_log(store: &Store, sequence: Sequence) -> Result<Option<Digest>, RegistryError> {
    match store.get(ObjectKey::Log(sequence)).await {
        Ok(bytes) => Ok(bytes.map(Digest::of)),
        // Reading the log reports the damage.
        Err(RegistryError::Integrity { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the entries of a snapshot whose first entry follows number `before`; `None` if it is unusable.
pub(super) fn entries(before: Sequence, snapshot: &[u8]) -> Option<Vec<LinkedEntry>> {
    let lines: Vec<_> = snapshot.split(|byte| *byte == b'\n').collect();
    if lines.len() as Sequence != LENGTH {
        return None;
    }
    let linked = (before + 1..).zip(lines).map(|(sequence, bytes)| {
        let entry = LogEntry::decode(sequence, bytes).ok()?;
        Some((entry, Digest::of(bytes)))
    });
    let linked: Vec<LinkedEntry> = linked.collect::<Option<_>>()?;
    linked
        .windows(2)
        .all(|pair| pair[1].0.previous == pair[0].1)
        .then_some(linked)
}

/// Returns the snapshots, of those that end at these numbers, whose entries differ from the log: the log no longer has them, or
/// their bytes are damaged.
pub(super) async fn contradicting(
    store: &Store,
    ends: &[Sequence],
    log: &[LogEntry],
) -> Result<Vec<Contradiction>, RegistryError> {
    let mut found = Vec::new();
    for end in ends.iter().copied() {
        let before = end.saturating_sub(LENGTH);
        let held = get(store, end)
            .await?
            .and_then(|bytes| entries(before, &bytes));
        let own = log.get(before as usize..).unwrap_or_default();
        let own = &own[..own.len().min(LENGTH as usize)];
        let is_the_same = held
            .as_ref()
            .is_some_and(|held| held.iter().map(|(entry, _)| entry).eq(own));
        if !is_the_same {
            found.push(Contradiction {
                key: ObjectKey::Snapshot(end).to_string(),
                end,
                is_whole: held.is_some(),
            });
        }
    }
    Ok(found)
}

/// A snapshot that does not hold the entries of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contradiction {
    /// Its key.
    pub(super) key: String,
    /// Number of its last entry.
    pub(super) end: Sequence,
    /// Whether its entries follow from each other.
    pub(super) is_whole: bool,
}

/// Writes the missing snapshots of all complete blocks of entries.
pub(super) async fn write(
    store: &Store,
    entries: &[LogEntry],
    ends: &[Sequence],
) -> Result<(), RegistryError> {
    for block in entries.chunks_exact(LENGTH as usize) {
        let end = block[block.len() - 1].sequence;
        if !ends.contains(&end) {
            let lines = block
                .iter()
                .map(LogEntry::encode)
                .collect::<Result<Vec<_>, _>>()?;
            let bytes = lines.join(&b'\n');
            if store
                .require_short(
                    ObjectKey::Snapshot(end),
                    "this snapshot",
                    bytes.len() as u64,
                )
                .is_ok()
            {
                store.create(ObjectKey::Snapshot(end), bytes).await?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::registry::blocking::Registry;
    use crate::registry::samples::{model, stamp, version};
    use crate::registry::{ModelRef, VerifyReport};

    /// A folder whose log has two whole blocks and a bit; every entry but the first is a note.
    fn long(root: &Path) -> Registry {
        let registry = Registry::open(".", root).unwrap();
        registry.register(&version("a", 1.0), &stamp(0)).unwrap();
        for minute in 1..2 * LENGTH as i64 + 3 {
            registry
                .annotate(
                    &ModelRef::version(model(), 1),
                    &minute.to_string(),
                    &stamp(minute),
                )
                .unwrap();
        }
        registry
    }

    fn history(root: &Path) -> Result<usize, RegistryError> {
        Ok(Registry::open(".", root)?
            .history(&model(), None, None)?
            .len())
    }

    fn findings(root: &Path) -> Vec<String> {
        let VerifyReport { findings, .. } = Registry::open(".", root).unwrap().verify().unwrap();
        findings.into_iter().map(|finding| finding.key).collect()
    }

    #[test]
    fn a_long_log_is_read_from_its_snapshots_and_the_entries_after_them() {
        let root = tempfile::tempdir().unwrap();
        let whole = long(root.path()).history(&model(), None, None).unwrap();
        let paths =
            [LENGTH, 2 * LENGTH].map(|end| root.path().join(ObjectKey::Snapshot(end).to_string()));
        assert!(paths.iter().all(|path| path.is_file()));
        assert_eq!(findings(root.path()), Vec::<String>::new());
        // The entries themselves are not looked at, which is what makes it fast; `verify` does.
        let hidden = root.path().join(ObjectKey::Log(3).to_string());
        let bytes = fs::read(&hidden).unwrap();
        fs::remove_file(&hidden).unwrap();
        let read = Registry::open(".", root.path())
            .unwrap()
            .history(&model(), None, None)
            .unwrap();
        assert_eq!(read, whole);
        assert!(findings(root.path()).contains(&ObjectKey::Log(3).to_string()));
        fs::write(&hidden, bytes).unwrap();
        // The second is of no use without the first, and neither is needed.
        for path in paths {
            fs::remove_file(path).unwrap();
            assert_eq!(history(root.path()).unwrap(), whole.len());
        }
    }

    #[test]
    fn a_snapshot_that_is_not_the_log_is_named_and_not_believed() {
        let root = tempfile::tempdir().unwrap();
        let whole = long(root.path())
            .history(&model(), None, None)
            .unwrap()
            .len();
        let (first, second) = (ObjectKey::Snapshot(LENGTH), ObjectKey::Snapshot(2 * LENGTH));
        let path = |key: ObjectKey| root.path().join(key.to_string());
        let bytes = fs::read(path(first)).unwrap();
        let (mut flipped, cut) = (bytes.clone(), bytes[..bytes.len() / 2].to_vec());
        flipped[bytes.len() / 2] ^= 1;
        for wrong in [flipped, cut, Vec::new()] {
            fs::write(path(first), wrong).unwrap();
            assert_eq!(history(root.path()).unwrap(), whole);
            assert_eq!(findings(root.path()), [first.to_string()]);
        }
        fs::write(path(first), &bytes).unwrap();
        // A forged snapshot with its own seals and digests does not end at the entry of the log.
        let text = String::from_utf8(fs::read(path(second)).unwrap()).unwrap();
        let mut forged: Vec<LogEntry> = entries(LENGTH, text.as_bytes())
            .unwrap()
            .into_iter()
            .map(|(entry, _)| entry)
            .collect();
        forged.last_mut().unwrap().actor = "mallory".to_owned();
        let lines: Vec<_> = forged.iter().map(|entry| entry.encode().unwrap()).collect();
        fs::write(path(second), lines.join(&b'\n')).unwrap();
        assert_eq!(history(root.path()).unwrap(), whole);
        assert_eq!(findings(root.path()), [second.to_string()]);
    }

    #[test]
    fn who_writes_the_last_entry_of_a_block_makes_all_snapshots_that_are_missing() {
        let root = tempfile::tempdir().unwrap();
        long(root.path());
        let first = root.path().join(ObjectKey::Snapshot(LENGTH).to_string());
        let bytes = fs::read(&first).unwrap();
        fs::remove_file(&first).unwrap();
        let registry = Registry::open(".", root.path()).unwrap();
        let note = || {
            registry
                .annotate(&ModelRef::version(model(), 1), "note", &stamp(0))
                .unwrap()
        };
        (2 * LENGTH + 4..3 * LENGTH).for_each(|_| _ = note());
        assert!(!first.exists());
        note();
        assert_eq!(fs::read(&first).unwrap(), bytes);
        assert_eq!(findings(root.path()), Vec::<String>::new());
    }
}
