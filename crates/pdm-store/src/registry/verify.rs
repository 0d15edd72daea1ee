//! Verifies a whole registry: log, snapshots and blobs.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use serde::Serialize;

use super::chain::Chain;
use super::collect::{Needed, blobs_of};
use super::entry::LogEntry;
use super::error::RegistryError;
use super::genesis::Genesis;
use super::identity::RegistryId;
use super::keys::{BLOBS, LOG, ObjectKey, SNAPSHOTS, Sequence};
use super::log::{self, READERS};
use super::manifest::ModelVersion;
use super::noted::NotedHead;
use super::state::RegistryState;
use super::store::Store;
use super::{blobs, genesis, marker, snapshot};
use pdm_core::content::Digest;

/// The result of verifying a registry.
///
/// A store cannot show that its newest entries were removed; to detect it, keep `head` elsewhere and check that it is still
/// part of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Location of the store.
    pub location: String,
    /// Id of the registry.
    pub id: Option<RegistryId>,
    /// Entries of the log.
    pub entries: u64,
    /// SHA-256 of the newest entry's bytes.
    pub head: Option<Digest>,
    /// Number of the given head, if one was given and is part of the log.
    pub noted: Option<u64>,
    /// Entries that carry a signature.
    pub signed: u64,
    /// Blobs read.
    pub blobs: u64,
    /// Bytes of those blobs.
    pub bytes: u64,
    /// Blobs no version needs: from a writer that was killed or refused, or not yet collected; harmless.
    pub orphans: u64,
    /// Blobs that no entry names; if they are the majority, entries may have been lost.
    pub unnamed: u64,
    /// Bytes of those blobs.
    pub unnamed_bytes: u64,
    /// What is wrong, in order of key; empty if the store is intact.
    pub findings: Vec<VerifyFinding>,
}

/// One problem in a store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct VerifyFinding {
    /// Key of the object.
    pub key: String,
    /// Number of the entry, or of the first entry that names the object.
    pub entry: Option<u64>,
    /// What is wrong, as part of a sentence.
    pub what: String,
}

impl VerifyReport {
    /// Returns whether nothing is wrong.
    pub fn is_intact(&self) -> bool {
        self.findings.is_empty()
    }

    /// Returns whether most blobs or bytes belong to no entry of the log.
    pub fn is_mostly_unnamed(&self) -> bool {
        self.unnamed * 2 > self.blobs || self.unnamed_bytes > self.bytes / 2
    }
}

/// Verifies the whole log and all blobs; a given head must be part of the log.
pub(crate) async fn verify(
    store: &Store,
    noted: Option<NotedHead>,
) -> Result<VerifyReport, RegistryError> {
    // In this order a registry that is created meanwhile looks intact: its genesis object is written before the first entry.
    let listed = log::list(store, 0).await?;
    let mut walk = Walk::new(genesis::read(store).await?);
    let marked = walk.marker(store).await?;
    walk.log(store, listed).await?;
    walk.snapshots(store).await?;
    walk.blobs(store).await?;
    walk.completeness(store, marked)?;
    store.require_expected(walk.chain.id())?;
    if let Some(noted) = noted {
        walk.noted_head(noted);
    }
    Ok(walk.report(store))
}

struct Walk {
    chain: Chain,
    /// Digest of the genesis object.
    genesis: Option<Digest>,
    entries: u64,
    head: Option<Digest>,
    /// Digests of the entries' bytes.
    digests: BTreeMap<Sequence, Digest>,
    signed: u64,
    /// The state so far; `None` after the first damaged entry, after which all others would look wrong.
    state: Option<RegistryState>,
    /// Blobs named by entries, with the first entry that names them.
    named: BTreeMap<Digest, Sequence>,
    /// Blobs that versions need whose files were not collected.
    needed: Needed,
    snapshots: u64,
    blobs: u64,
    bytes: u64,
    orphans: u64,
    unnamed: u64,
    unnamed_bytes: u64,
    /// Number of the given head.
    noted: Option<Sequence>,
    findings: Vec<VerifyFinding>,
}

impl Walk {
    fn new(genesis: Option<Result<Genesis, RegistryError>>) -> Self {
        let digest = genesis
            .as_ref()
            .and_then(|read| read.as_ref().ok())
            .map(|genesis| genesis.digest);
        Self {
            chain: Chain::new(genesis),
            genesis: digest,
            entries: 0,
            head: digest,
            digests: BTreeMap::new(),
            signed: 0,
            state: Some(RegistryState::default()),
            named: BTreeMap::new(),
            needed: Needed::default(),
            snapshots: 0,
            blobs: 0,
            bytes: 0,
            orphans: 0,
            unnamed: 0,
            unnamed_bytes: 0,
            noted: None,
            findings: Vec::new(),
        }
    }

    /// Returns whether there is a marker, even a damaged one.
    async fn marker(&mut self, store: &Store) -> Result<bool, RegistryError> {
        match marker::check(store).await {
            Err(RegistryError::Integrity { what, .. }) => {
                self.find(ObjectKey::Marker, None, what);
                Ok(true)
            }
            other => Ok(other?.is_some()),
        }
    }

    async fn log(
        &mut self,
        store: &Store,
        (sequences, foreign): (Vec<Sequence>, Vec<String>),
    ) -> Result<(), RegistryError> {
        for path in foreign {
            self.find(path, None, "it is not a log entry");
        }
        let next = ObjectKey::Log(sequences.last().map_or(1, |last| last + 1));
        if sequences.is_empty()
            && let Some(what) = self.chain.damaged_genesis().cloned()
        {
            self.find(ObjectKey::Genesis, None, what);
        }
        let read = stream::iter(sequences)
            .map(|sequence| async move { (sequence, store.get(ObjectKey::Log(sequence)).await) });
        let mut objects = read.buffered(READERS);
        while let Some((sequence, bytes)) = objects.next().await {
            match bytes {
                Ok(Some(bytes)) => self.entry(store, sequence, &bytes)?,
                Ok(None) => self.broken(ObjectKey::Log(sequence), "it is missing".to_owned()),
                Err(RegistryError::Integrity { what, .. }) => self.unread(sequence, what),
                Err(error) => return Err(error),
            }
        }
        // Anything but a regular file is not listed, and would look like the end of the log.
        if let Err(RegistryError::Integrity { what, .. }) = store.require_regular(next) {
            self.find(next, None, what);
        }
        if self.chain.has_foreign_genesis() {
            self.find(
                ObjectKey::Genesis,
                None,
                "it is not part of this log, which is from before there were such objects",
            );
        }
        Ok(())
    }

    fn entry(
        &mut self,
        store: &Store,
        sequence: Sequence,
        bytes: &[u8],
    ) -> Result<(), RegistryError> {
        self.entries += 1;
        self.gap_before(sequence);
        let digest = Digest::of(bytes);
        self.head = Some(digest);
        self.digests.insert(sequence, digest);
        match LogEntry::decode(sequence, bytes) {
            Ok(entry) => {
                if let Err(broken) = self.chain.check(&entry) {
                    self.broken(broken.key, broken.what);
                }
                self.link(&entry);
                self.signature(store, &entry);
                self.chain.take(&entry, digest);
                Ok(())
            }
            Err(RegistryError::Integrity { what, .. }) => {
                self.unread(sequence, what);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Records an entry that cannot be read, and continues after it.
    fn unread(&mut self, sequence: Sequence, what: String) {
        self.gap_before(sequence);
        self.broken(ObjectKey::Log(sequence), what);
        self.chain.skip_to(sequence);
    }

    /// Checks signatures against the bytes and the policy.
    fn signature(&mut self, store: &Store, entry: &LogEntry) {
        self.signed += u64::from(entry.signature.is_some());
        let checked = if entry.has_valid_signatures() {
            store.trust().check(entry)
        } else {
            Err("it is wrongly signed".to_owned())
        };
        if let Err(what) = checked {
            self.find(ObjectKey::Log(entry.sequence), Some(entry.sequence), what);
        }
    }

    fn gap_before(&mut self, sequence: Sequence) {
        let from = self.chain.last() + 1;
        let to = sequence - 1;
        if from > to {
            return;
        }
        let what = if from == to {
            "it is missing".to_owned()
        } else {
            format!("entries {from} to {to} are missing")
        };
        self.broken(ObjectKey::Log(from), what);
        self.chain.skip_to(to);
    }

    fn link(&mut self, entry: &LogEntry) {
        for blob in blobs_of(&entry.action) {
            self.named.entry(blob).or_insert(entry.sequence);
        }
        self.needed.take(&entry.action);
        if let Some(path) = entry.registered().and_then(ModelVersion::named_twice) {
            let what = format!("the version it registers has two files with the path `{path}`");
            self.find(ObjectKey::Log(entry.sequence), Some(entry.sequence), what);
        }
        if let Some(Err(error)) = self.state.as_mut().map(|state| state.apply(entry)) {
            self.broken(ObjectKey::Log(entry.sequence), error.to_string());
        }
    }

    fn broken(&mut self, key: ObjectKey, what: String) {
        self.state = None;
        let entry = match key {
            ObjectKey::Log(sequence) => Some(sequence),
            ObjectKey::Marker
            | ObjectKey::Genesis
            | ObjectKey::Snapshot(_)
            | ObjectKey::Blob(_)
            | ObjectKey::Probe(_) => None,
        };
        self.find(key, entry, what);
    }

    /// Compares the snapshots with the entries.
    async fn snapshots(&mut self, store: &Store) -> Result<(), RegistryError> {
        for path in store.list(SNAPSHOTS).await? {
            self.snapshots += 1;
            let Some(key @ ObjectKey::Snapshot(end)) = ObjectKey::parse(&path) else {
                self.find(path, None, "it is not a snapshot");
                continue;
            };
            let bytes = match store.get(key).await {
                Err(RegistryError::Integrity { .. }) => None,
                bytes => bytes?,
            };
            let held = bytes
                .and_then(|bytes| snapshot::entries(end.saturating_sub(snapshot::LENGTH), &bytes));
            let held = held.unwrap_or_default();
            let same = |(entry, digest): &snapshot::LinkedEntry| {
                self.digests.get(&entry.sequence) == Some(digest)
            };
            if held.is_empty() || !held.iter().all(same) {
                self.find(
                    key,
                    None,
                    "it does not match the entries; remove it, and the entries are read instead",
                );
            }
        }
        Ok(())
    }

    /// Reads the short blobs concurrently, then the long ones one by one, each with concurrent parts.
    async fn blobs(&mut self, store: &Store) -> Result<(), RegistryError> {
        let needed = self.needed.blobs();
        let mut missing = self.named.clone();
        let mut found = Vec::new();
        missing.retain(|blob, _| needed.contains(blob));
        for (path, length) in store.list_lengths(BLOBS).await? {
            let Some(ObjectKey::Blob(digest)) = ObjectKey::parse(&path) else {
                self.find(path, None, "it is not a blob");
                continue;
            };
            missing.remove(&digest);
            self.orphans += u64::from(!needed.contains(&digest));
            if !self.named.contains_key(&digest) {
                self.unnamed += 1;
                self.unnamed_bytes += length;
            }
            found.push((digest, length));
        }
        for (digest, entry) in missing {
            // Anything but a regular file is not listed.
            let what = match store.stat(ObjectKey::Blob(digest)).await {
                Err(RegistryError::Integrity { what, .. }) => what,
                looked => looked.map(|_| "it is missing".to_owned())?,
            };
            self.find(ObjectKey::Blob(digest), Some(entry), what);
        }
        let (short, long): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|(_, length)| *length <= blobs::PART);
        self.read(store, short, READERS).await?;
        self.read(store, long, 1).await
    }

    async fn read(
        &mut self,
        store: &Store,
        found: Vec<(Digest, u64)>,
        most: usize,
    ) -> Result<(), RegistryError> {
        let reads = found.into_iter().map(|(digest, length)| async move {
            store.transfers().reporter.check()?;
            Ok::<_, RegistryError>((digest, blobs::verify(store, digest, length).await))
        });
        let mut reads = stream::iter(reads.collect::<Vec<_>>()).buffered(most);
        while let Some(read) = reads.next().await {
            let (digest, read) = read?;
            self.blob(digest, read)?;
        }
        Ok(())
    }

    fn blob(
        &mut self,
        digest: Digest,
        read: Result<u64, RegistryError>,
    ) -> Result<(), RegistryError> {
        let entry = self.named.get(&digest).copied();
        self.blobs += 1;
        match read {
            Ok(bytes) => self.bytes += bytes,
            Err(RegistryError::Integrity { what, .. }) => {
                self.find(ObjectKey::Blob(digest), entry, what)
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Checks that the store is complete.
    fn completeness(&mut self, store: &Store, marked: bool) -> Result<(), RegistryError> {
        let has_log =
            self.entries > 0 || self.chain.id().is_some() || self.chain.damaged_genesis().is_some();
        let holds_more = self.blobs > 0 || self.snapshots > 0;
        if !has_log && !marked && !holds_more && self.findings.is_empty() {
            store.require_expected(None)?;
            return Err(RegistryError::Absent {
                location: store.location().to_owned(),
            });
        }
        if !has_log && (marked || holds_more) {
            self.find(
                LOG,
                None,
                "the log is missing: there are no entries and no genesis object",
            );
        }
        // A writer that was killed while creating the registry leaves only the genesis object.
        if !marked && (self.entries > 0 || holds_more) {
            self.find(ObjectKey::Marker, None, "it is missing");
        }
        Ok(())
    }

    /// Looks for a given head in the log.
    fn noted_head(&mut self, noted: NotedHead) {
        let last = self.digests.keys().next_back().copied().unwrap_or(0);
        match noted {
            NotedHead::Entry(entry) if self.digests.contains_key(&entry) => {
                self.noted = Some(entry)
            }
            NotedHead::Entry(entry) => {
                let what =
                    format!("entry {entry} was noted earlier, but the log ends at entry {last}");
                self.find(ObjectKey::Log(entry), Some(entry), what);
            }
            NotedHead::Digest(digest) if self.genesis == Some(digest) => self.noted = Some(0),
            NotedHead::Digest(digest) => {
                match self.digests.iter().find(|(_, found)| **found == digest) {
                    Some((entry, _)) => self.noted = Some(*entry),
                    None => {
                        let what = format!(
                            "the given head {digest} is not in the log: entries were removed, or the log was rewritten"
                        );
                        self.find(LOG, None, what);
                    }
                }
            }
        }
    }

    fn find(&mut self, key: impl ToString, entry: Option<Sequence>, what: impl Into<String>) {
        self.findings.push(VerifyFinding {
            key: key.to_string(),
            entry,
            what: what.into(),
        });
    }

    fn report(mut self, store: &Store) -> VerifyReport {
        self.findings.sort();
        VerifyReport {
            location: store.location().to_owned(),
            id: self.chain.id(),
            entries: self.entries,
            head: self.head,
            noted: self.noted,
            signed: self.signed,
            blobs: self.blobs,
            bytes: self.bytes,
            orphans: self.orphans,
            unnamed: self.unnamed,
            unnamed_bytes: self.unnamed_bytes,
            findings: self.findings,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use tempfile::TempDir;

    use super::*;
    use crate::registry::blocking::Registry;
    use crate::registry::entry::LogAction;
    use crate::registry::samples::{champion, forced, gated, gates, model, stamp, version};
    use crate::registry::{Failure, ModelRef};

    /// A folder whose log holds register, promote, register, promote, rollback.
    struct SampleStore {
        root: TempDir,
        registry: Registry,
    }

    impl SampleStore {
        fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            let registry = Registry::open(".", root.path()).unwrap();
            registry.register(&version("a", 1.0), &stamp(1)).unwrap();
            let report = registry
                .judge_version(&gates(), &ModelRef::version(model(), 1), &champion())
                .unwrap();
            registry.promote(&gated(1, report), &stamp(2)).unwrap();
            registry.register(&version("b", 0.9), &stamp(3)).unwrap();
            registry.promote(&forced(2), &stamp(4)).unwrap();
            registry
                .roll_back(&model(), &champion(), "", &stamp(5))
                .unwrap();
            Self { root, registry }
        }

        fn path(&self, key: impl ToString) -> PathBuf {
            self.root.path().join(key.to_string())
        }

        fn findings(&self) -> Vec<(String, Option<u64>, String)> {
            let report = self.registry.verify().unwrap();
            assert_eq!(report.is_intact(), report.findings.is_empty());
            report
                .findings
                .into_iter()
                .map(|finding| (finding.key, finding.entry, finding.what))
                .collect()
        }

        fn assert_only(&self, key: impl ToString, entry: Option<u64>, what: &str) {
            assert_eq!(self.findings(), [(key.to_string(), entry, what.to_owned())]);
        }

        fn assert_log_refused(&self) {
            let reopened = Registry::open(".", self.root.path()).unwrap();
            assert_eq!(
                reopened.state(None).unwrap_err().failure(),
                Failure::Integrity
            );
        }

        /// A blob of the first version's bundle.
        fn blob(&self) -> ObjectKey {
            ObjectKey::Blob(
                self.registry
                    .resolve(&ModelRef::version(model(), 1), None)
                    .unwrap()
                    .files[0]
                    .sha256,
            )
        }

        fn objects(&self) -> Vec<PathBuf> {
            fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
                for entry in folder.read_dir().unwrap() {
                    let path = entry.unwrap().path();
                    if path.is_dir() {
                        walk(&path, found)
                    } else {
                        found.push(path)
                    }
                }
            }
            let mut found = Vec::new();
            walk(self.root.path(), &mut found);
            found.sort();
            found
        }
    }

    #[test]
    fn an_untouched_store_is_intact() {
        let sample = SampleStore::new();
        let report = sample.registry.verify().unwrap();
        assert!(report.is_intact());
        assert_eq!((report.entries, report.blobs, report.orphans), (5, 9, 0));
        assert_eq!(
            report.head,
            Some(Digest::of_file(&sample.path(ObjectKey::Log(5))).unwrap())
        );
    }

    #[test]
    fn one_flipped_byte_anywhere_is_named() {
        let sample = SampleStore::new();
        let objects = sample.objects();
        assert_eq!(objects.len(), 1 + 6 + 9);
        for path in objects {
            let bytes = fs::read(&path).unwrap();
            for at in [0, bytes.len() / 3, bytes.len() / 2, bytes.len() - 1] {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1;
                fs::write(&path, flipped).unwrap();
                let keys: Vec<_> = sample
                    .findings()
                    .into_iter()
                    .map(|(key, ..)| sample.path(key))
                    .collect();
                assert_eq!(keys, std::slice::from_ref(&path), "byte {at}");
            }
            fs::write(&path, bytes).unwrap();
        }
        assert_eq!(sample.findings(), []);
    }

    #[test]
    fn a_rewritten_entry_breaks_the_chain() {
        let sample = SampleStore::new();
        let bytes = fs::read(sample.path(ObjectKey::Log(2))).unwrap();
        let entry = LogEntry {
            actor: "mallory".to_owned(),
            ..LogEntry::decode(2, &bytes).unwrap()
        };
        fs::write(sample.path(ObjectKey::Log(2)), entry.encode().unwrap()).unwrap();
        sample.assert_only(
            ObjectKey::Log(3),
            Some(3),
            "it does not match the digest of the entry before it",
        );
        sample.assert_log_refused();
    }

    #[test]
    fn a_rewritten_chain_still_has_to_make_sense() {
        let sample = SampleStore::new();
        let last = LogEntry::decode(5, &fs::read(sample.path(ObjectKey::Log(5))).unwrap()).unwrap();
        let LogAction::Rollback(mut action) = last.action.clone() else {
            panic!("{last:?}")
        };
        action.to = 9;
        let entry = LogEntry {
            action: LogAction::Rollback(action),
            ..last
        };
        fs::write(sample.path(ObjectKey::Log(5)), entry.encode().unwrap()).unwrap();
        let what = "it rolls `fd001@champion` back to version 9, which it did not point to before";
        sample.assert_only(ObjectKey::Log(5), Some(5), what);
        sample.assert_log_refused();
    }

    #[test]
    fn missing_entries_are_named() {
        let sample = SampleStore::new();
        fs::remove_file(sample.path(ObjectKey::Log(2))).unwrap();
        let findings = sample.findings();
        assert_eq!(
            findings,
            [(
                ObjectKey::Log(2).to_string(),
                Some(2),
                "it is missing".to_owned()
            )]
        );
        sample.assert_log_refused();
        fs::remove_file(sample.path(ObjectKey::Log(1))).unwrap();
        sample.assert_only(ObjectKey::Log(1), Some(1), "entries 1 to 2 are missing");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_in_the_next_entrys_place_is_named() {
        let sample = SampleStore::new();
        let next = sample.path(ObjectKey::Log(6));
        fs::create_dir(&next).unwrap();
        sample.assert_only(ObjectKey::Log(6), None, "it is not a regular file");
        fs::remove_dir(&next).unwrap();
        std::os::unix::fs::symlink("nowhere", &next).unwrap();
        sample.assert_only(ObjectKey::Log(6), None, "it is a broken symbolic link");
        sample.assert_log_refused();
        fs::remove_file(&next).unwrap();
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&next)
                .status()
                .unwrap()
                .success()
        );
        sample.assert_only(ObjectKey::Log(6), None, "it is not a regular file");
    }

    #[test]
    fn a_last_entry_cut_short_is_named() {
        let sample = SampleStore::new();
        let bytes = fs::read(sample.path(ObjectKey::Log(5))).unwrap();
        for length in [0, 1, bytes.len() / 2, bytes.len() - 1] {
            fs::write(sample.path(ObjectKey::Log(5)), &bytes[..length]).unwrap();
            let findings = sample.findings();
            assert_eq!(findings.len(), 1);
            assert_eq!(
                (&findings[0].0, findings[0].1),
                (&ObjectKey::Log(5).to_string(), Some(5))
            );
            sample.assert_log_refused();
        }
    }

    #[test]
    fn damaged_and_missing_blobs_are_named_with_the_entry_that_needs_them() {
        let sample = SampleStore::new();
        let blob = sample.blob();
        fs::write(sample.path(blob), "weighty").unwrap();
        let what = format!("its bytes have digest {}", Digest::of("weighty"));
        sample.assert_only(blob, Some(1), &what);
        fs::remove_file(sample.path(blob)).unwrap();
        sample.assert_only(blob, Some(1), "it is missing");
    }

    #[test]
    fn foreign_files_are_named_but_do_not_stop_the_work() {
        let sample = SampleStore::new();
        fs::write(sample.path("log/notes.txt"), "hello").unwrap();
        sample.assert_only("log/notes.txt", None, "it is not a log entry");
        fs::remove_file(sample.path("log/notes.txt")).unwrap();
        fs::write(sample.path("blobs/sha256/abc"), "hello").unwrap();
        sample.assert_only("blobs/sha256/abc", None, "it is not a blob");
        sample
            .registry
            .register(&version("c", 1.0), &stamp(9))
            .unwrap();
    }

    #[test]
    fn a_store_without_its_marker_is_named() {
        let sample = SampleStore::new();
        fs::remove_file(sample.path(ObjectKey::Marker)).unwrap();
        sample.assert_only(ObjectKey::Marker, None, "it is missing");
    }
}
