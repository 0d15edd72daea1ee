//! What somebody who may only create objects can add to a store, and what is left when a part of it is gone: nothing of it
//! changes what readers, writers and collectors see, or it is named.

use super::super::chain::Chain;
use super::super::entry::LogEntry;
use super::super::keys::ObjectKey;
use super::super::store::Created;
use super::super::{genesis, snapshot};
use super::*;
use crate::registry::collect::LEAST_GRACE;

const BLOCK: u64 = snapshot::LENGTH;

/// Registers a version, promotes it, and says something until the log has so many entries.
fn log_of(registry: &Registry, entries: u64) {
    if current(registry).is_none() {
        register(registry, "a", 1.0, 0);
        promote(registry, 1, 1).unwrap();
    }
    let known = registry.verify().unwrap().entries;
    for number in known..entries {
        registry
            .annotate(&reference("fd001/1"), &number.to_string(), &stamp(2))
            .unwrap();
    }
}

/// What a reader sees, who has read nothing before.
fn seen(store: &Store) -> (Vec<ModelSummary>, usize) {
    let registry = registry(&fresh(store));
    let history = registry.history(&model(), None, None).unwrap();
    (registry.list(None).unwrap(), history.len())
}

/// The same store, of which nothing was read.
fn fresh(store: &Store) -> Store {
    store.as_opened()
}

/// Returns a snapshot whose entries follow from each other, carry good seals, and say that another version was promoted.
pub(in crate::registry) fn forged(store: &Store, end: u64) -> Vec<u8> {
    let mut chain = Chain::new(wait(genesis::read(store)).unwrap());
    let (mut lines, mut version) = (Vec::new(), None);
    for sequence in 1..=end {
        let honest = wait(store.get(ObjectKey::Log(sequence))).unwrap();
        let honest = honest.map(|bytes| LogEntry::decode(sequence, &bytes).unwrap());
        version = version.or_else(|| honest.as_ref().and_then(LogEntry::registered).cloned());
        let version = version.clone().unwrap();
        let action = match (sequence, &honest) {
            (1, Some(first)) => first.action.clone(),
            (2, _) => LogAction::Register(Box::new(ModelVersion {
                version: 2,
                ..version
            })),
            (3, _) => LogAction::Promote(Promoted {
                model: model(),
                alias: champion(),
                from: None,
                to: 2,
                reason: "forged".to_owned(),
                report: None,
                forced: true,
            }),
            _ => LogAction::Annotate(Remarked {
                model: model(),
                version: 1,
                text: "forged".to_owned(),
            }),
        };
        let entry = LogEntry {
            format: 2,
            registry: chain.id(),
            sequence,
            previous: chain.head().unwrap(),
            time: stamp(9).time,
            actor: "ada".to_owned(),
            action,
            signature: None,
        };
        let bytes = entry.encode().unwrap();
        chain.take(&entry, Digest::of(&bytes));
        lines.push(bytes);
    }
    lines.split_off((end - BLOCK) as usize).join(&b'\n')
}

fn create(store: &Store, key: ObjectKey, bytes: impl Into<object_store::PutPayload>) {
    assert_eq!(wait(store.create(key, bytes)).unwrap(), Created::Written);
}

pub(super) fn forged_snapshots_change_nothing(store: Store) {
    let registry = registry(&store);
    log_of(&registry, 5);
    let before = seen(&store);
    // The block that is being written, the next, and some far away.
    for end in [1, 2, 3, 9].map(|block| block * BLOCK) {
        create(&store, ObjectKey::Snapshot(end), forged(&store, end));
        assert_eq!(seen(&store), before, "{end}");
    }
    let found = collectable_of(&fresh(&store));
    assert_eq!((found.blobs.len(), found.entries), (0, 5));
    // An honest writer goes on where the log ends, and past the end of the forged block.
    log_of(&super::registry(&fresh(&store)), BLOCK + 2);
    assert_eq!(seen(&store).1, BLOCK as usize + 2);
    let findings = registry.verify().unwrap().findings;
    let keys: Vec<_> = findings.iter().map(|finding| finding.key.clone()).collect();
    assert_eq!(
        keys,
        [1, 2, 3, 9].map(|block| ObjectKey::Snapshot(block * BLOCK).to_string())
    );
}

pub(super) fn a_forged_snapshot_behind_an_honest_one_changes_nothing(store: Store) {
    let registry = registry(&store);
    log_of(&registry, BLOCK + 3);
    let before = seen(&store);
    create(
        &store,
        ObjectKey::Snapshot(2 * BLOCK),
        forged(&store, 2 * BLOCK),
    );
    assert_eq!(seen(&store), before);
    log_of(&super::registry(&fresh(&store)), BLOCK + 5);
    assert_eq!(seen(&store).1, BLOCK as usize + 5);
}

fn collectable_of(store: &Store) -> Collectable {
    registry(store)
        .collectable(LEAST_GRACE, later().time)
        .unwrap()
}

/// Fails as a damaged registry does, for everybody who reads, writes or removes.
fn assert_refused(store: &Store, word: &str) {
    let registry = registry(&fresh(store));
    let refused = [
        registry.list(None).map(drop).unwrap_err(),
        registry
            .register(&version("z", 1.0), &stamp(3))
            .map(drop)
            .unwrap_err(),
        registry
            .annotate(&reference("fd001/1"), "note", &stamp(3))
            .map(drop)
            .unwrap_err(),
        registry
            .collectable(LEAST_GRACE, later().time)
            .map(drop)
            .unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.failure(), Failure::Integrity, "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
    assert!(!registry.verify().unwrap().is_intact());
}

pub(super) fn an_entry_far_ahead_is_named_and_nothing_is_read_past_it(store: Store) {
    let registry = registry(&store);
    log_of(&registry, 3);
    create(&store, ObjectKey::Log(999), "no entry");
    assert_refused(&store, "000999.json` exists");
    let findings = registry.verify().unwrap().findings;
    assert_eq!(findings[0].what, "entries 4 to 998 are missing");
    assert!(
        findings[1].key.ends_with("999.json") && findings[1].what.starts_with("not JSON"),
        "{findings:?}"
    );
    wait(store.delete(ObjectKey::Log(999))).unwrap();
    log_of(&super::registry(&fresh(&store)), 4);
}

pub(super) fn objects_of_other_names_change_nothing_and_blobs_of_other_bytes_are_named(
    store: Store,
) {
    let registry = registry(&store);
    log_of(&registry, 2);
    let before = seen(&store);
    let digest = Digest::of("what it should hold");
    create(&store, ObjectKey::Blob(digest), "something else");
    create(&store, ObjectKey::Probe(uuid::Uuid::nil()), "stale");
    assert_eq!(seen(&store), before);
    log_of(&super::registry(&fresh(&store)), 3);
    let findings = registry.verify().unwrap().findings;
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].key, ObjectKey::Blob(digest).to_string());
    // A writer that needs the blob says so, and names nothing that is not there.
    let refused =
        wait(store.put_blob(bytes::Bytes::from_static(b"what it should hold"))).unwrap_err();
    assert_eq!(refused.failure(), Failure::Integrity);
}

pub(super) fn objects_that_are_too_long_are_not_read(store: Store) {
    let registry = registry(&store);
    log_of(&registry, 2);
    let before = seen(&store);
    create(&store, ObjectKey::Snapshot(BLOCK), vec![b'x'; 33 << 20]);
    assert_eq!(seen(&store), before);
    create(&store, ObjectKey::Log(3), vec![b'x'; 5 << 20]);
    assert_refused(&store, "it has at least 5242880 bytes");
    let long = "x".repeat(5 << 20);
    wait(store.delete(ObjectKey::Log(3))).unwrap();
    let refused = registry
        .annotate(&reference("fd001/1"), &long, &stamp(3))
        .unwrap_err();
    assert!(
        matches!(refused, RegistryError::TooLong { .. }),
        "{refused}"
    );
}

pub(super) fn a_store_without_its_log_is_no_empty_registry(store: Store) {
    let registry = registry(&store);
    log_of(&registry, 3);
    for key in [
        ObjectKey::Genesis,
        ObjectKey::Log(1),
        ObjectKey::Log(2),
        ObjectKey::Log(3),
    ] {
        wait(store.delete(key)).unwrap();
    }
    assert_refused(&store, "the log of the registry");
    wait(store.delete(ObjectKey::Marker)).unwrap();
    assert_refused(&store, "the log of the registry");
    let refused = super::registry(&fresh(&store)).list(None).unwrap_err();
    assert!(
        matches!(refused, RegistryError::LogMissing { .. }),
        "{refused}"
    );
}

pub(super) fn a_log_without_its_beginning_is_named(store: Store) {
    log_of(&registry(&store), 2);
    wait(store.delete(ObjectKey::Genesis)).unwrap();
    assert_refused(
        &store,
        "00000000000000000000.json` is damaged: it is missing",
    );
}

pub(super) fn a_log_that_was_cut_short_removes_nothing(store: Store) {
    let registry = registry(&store);
    register(&registry, "a", 1.0, 0);
    let head = registry.verify().unwrap().head.unwrap();
    let lost = [("b", 0.9), ("c", 0.8), ("d", 0.7)]
        .map(|(name, scale)| register(&registry, name, scale, 1));
    let newest = registry.verify().unwrap().head.unwrap();
    for sequence in 2..=4 {
        wait(store.delete(ObjectKey::Log(sequence))).unwrap();
    }
    let cut = super::registry(&fresh(&store));
    let found = cut.collectable(LEAST_GRACE, later().time).unwrap();
    assert!(!found.blobs.is_empty());
    let refused = cut.collect(&found, false, &later()).unwrap_err();
    assert!(
        matches!(refused, RegistryError::MostlyOrphans { entries: 1, .. }),
        "{refused}"
    );
    for blob in lost.iter().flat_map(|version| version.blobs()) {
        assert!(wait(store.length(ObjectKey::Blob(blob))).unwrap().is_some());
    }
    // The head noted earlier reveals it.
    let noted = |noted| cut.verify_head(noted).unwrap();
    assert_eq!(noted(NotedHead::Digest(head)).noted, Some(1));
    assert_eq!(noted(NotedHead::Entry(1)).noted, Some(1));
    assert!(
        noted(NotedHead::Digest(head)).is_intact()
            && noted(NotedHead::Digest(head)).is_mostly_unnamed()
    );
    for gone in [NotedHead::Digest(newest), NotedHead::Entry(4)] {
        let report = noted(gone);
        assert!(!report.is_intact() && report.noted.is_none(), "{report:?}");
    }
}

pub(super) fn another_registry_is_not_the_one_that_is_expected(store: Store) {
    let id = {
        log_of(&registry(&store), 2);
        registry(&store).id().unwrap().unwrap()
    };
    assert_eq!(seen_by(&store, id).unwrap().len(), 1);
    let other = registry(&Store::memory());
    log_of(&other, 2);
    let expected = other.id().unwrap().unwrap();
    assert_ne!(id, expected);
    let refused = seen_by(&store, expected).unwrap_err();
    assert!(
        matches!(&refused, RegistryError::OtherRegistry { found: Some(found), .. } if *found == id),
        "{refused}"
    );
    let refused = registry(&fresh(&store).expecting(expected))
        .register(&version("b", 1.0), &stamp(3))
        .unwrap_err();
    assert_eq!(refused.failure(), Failure::Integrity);
    let empty = Store::memory().expecting(id);
    let refused = registry(&empty)
        .register(&version("b", 1.0), &stamp(3))
        .unwrap_err();
    assert!(
        matches!(refused, RegistryError::OtherRegistry { found: None, .. }),
        "{refused}"
    );
    assert!(matches!(
        registry(&empty).verify(),
        Err(RegistryError::OtherRegistry { .. })
    ));
    assert_eq!(
        wait(empty.list("blobs")).unwrap(),
        Vec::<String>::new(),
        "nothing is written in vain"
    );
}

fn seen_by(store: &Store, expected: RegistryId) -> Result<Vec<ModelSummary>, RegistryError> {
    registry(&fresh(store).expecting(expected)).list(None)
}
