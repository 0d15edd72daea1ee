//! What every store must let the registry collect, and what must stay.

use super::super::log::{AppendDecision, Log};
use super::*;

/// When everything in these tests is old.
pub(super) fn later() -> Stamp {
    Stamp {
        time: "2100-01-01T00:00:00Z".parse().unwrap(),
        actor: "janitor".to_owned(),
    }
}

fn collectable(registry: &Registry) -> Collectable {
    registry.collectable(LEAST_GRACE, later().time).unwrap()
}

/// Collects by a clock of its own: stores have none that tests can set.
fn collect(registry: &Registry, found: &Collectable) -> Removed {
    registry
        .wait(registry.inner.collect_by(found, &later()))
        .unwrap()
}

/// Registers two versions, each promoted by its gates, and takes the first out of use.
fn one_retired(registry: &Registry) -> [ModelVersion; 2] {
    let versions = [("a", 1.0, 1), ("b", 0.9, 2)].map(|(name, scale, minute)| {
        let version = register(registry, name, scale, minute);
        promote(registry, version.version, minute).unwrap();
        version
    });
    registry
        .retire(&reference("fd001/1"), "wrong sensor", &stamp(3))
        .unwrap();
    versions
}

pub(super) fn what_retired_versions_rested_on_is_collected_and_remembered(store: Store) {
    let registry = registry(&store);
    let [old, new] = one_retired(&registry);
    assert_eq!(
        registry
            .collectable(LEAST_GRACE, stamp(9).time)
            .unwrap()
            .blobs,
        []
    );
    let found = collectable(&registry);
    assert_eq!(
        (&found.versions[..], found.blobs.len(), found.young),
        (&[old.id()][..], 5, 0)
    );
    let removed = collect(&registry, &found);
    assert_eq!(
        (removed.entry, removed.blobs, removed.bytes),
        (Some(6), 5, found.bytes)
    );
    assert_eq!(removed.versions, [old.id()]);
    assert_intact(&registry, 6);
    assert_eq!(
        (
            collectable(&registry).blobs,
            collectable(&registry).versions
        ),
        (vec![], vec![])
    );

    let folder = tempfile::tempdir().unwrap();
    let refused = [
        registry
            .fetch_bundle(&old, &folder.path().join("a"))
            .unwrap_err(),
        registry.check(&old).unwrap_err(),
        registry.evidence(&old).map(drop).unwrap_err(),
        registry
            .diff(&reference("fd001/1"), &registry, &reference("fd001/2"))
            .map(drop)
            .unwrap_err(),
        registry
            .export_oci(&reference("fd001/1"), &folder.path().join("b"), None)
            .map(drop)
            .unwrap_err(),
    ];
    let message = "the files of version 1 of `fd001` were collected on 2100-01-01T00:00:00Z by janitor (entry 6 of the log)";
    refused
        .iter()
        .for_each(|error| assert_eq!(error.to_string(), message));
    let shown = registry.show(&reference("fd001/1")).unwrap();
    assert_eq!((shown.scorecard, shown.collected.unwrap().entry), (None, 6));
    assert_eq!(
        shown
            .history
            .last()
            .map(|row| (row.action, row.actor.as_str())),
        Some((HistoryAction::Collect, "janitor"))
    );
    registry.check(&new).unwrap();

    let again = register(&registry, "a", 1.0, 4);
    assert_eq!((again.version, again.bundle), (3, old.bundle));
    registry.check(&again).unwrap();
    assert_intact(&registry, 7);
}

pub(super) fn what_a_version_in_use_rests_on_stays(store: Store) {
    let registry = registry(&store);
    let [old, _] = one_retired(&registry);
    // No alias points to these, and they were not retired.
    let unused = register(&registry, "c", 0.8, 4);
    let other = NewVersion {
        model: "fd002".parse().unwrap(),
        ..version("a", 1.0)
    };
    let twin = registry.register(&other, &stamp(5)).unwrap().version;
    let found = collectable(&registry);
    // The gate report is the one thing that only the retired version rests on.
    let report = registry
        .show(&reference("fd001/1"))
        .unwrap()
        .history
        .iter()
        .find_map(|row| row.report);
    assert_eq!(
        (found.versions.clone(), found.blobs.len()),
        (vec![old.id()], 1)
    );
    assert_eq!(Some(found.blobs[0].blob), report);
    collect(&registry, &found);
    [unused, twin]
        .iter()
        .for_each(|version| registry.check(version).unwrap());
    assert_intact(&registry, 8);
}

pub(super) fn a_collection_that_was_killed_is_completed(store: Store) {
    let registry = registry(&store);
    let [old, new] = one_retired(&registry);
    let written = registry.wait(Log::append(&store, &later(), |_| {
        let action = LogAction::Collect(Collected {
            versions: vec![old.id()],
        });
        std::future::ready(Ok(AppendDecision::Append(action, ())))
    }));
    assert_eq!(written.unwrap().1, Some(6));
    let report = registry.verify().unwrap();
    assert_eq!((report.findings, report.orphans), (vec![], 5));
    let found = collectable(&registry);
    assert_eq!((found.versions.len(), found.blobs.len()), (0, 5));
    let removed = collect(&registry, &found);
    assert_eq!((removed.entry, removed.blobs), (None, 5));
    registry.check(&new).unwrap();
    assert_intact(&registry, 6);
}

pub(super) fn what_was_written_again_or_named_meanwhile_stays(store: Store) {
    let registry = registry(&store);
    let [old, _] = one_retired(&registry);
    let found = collectable(&registry);
    let other = NewVersion {
        model: "fd002".parse().unwrap(),
        ..version("a", 1.0)
    };
    let named = registry.register(&other, &stamp(4)).unwrap().version;
    let report = collect(&registry, &found);
    assert_eq!((report.blobs, report.versions), (1, vec![old.id()]));
    registry.check(&named).unwrap();
    assert_intact(&registry, 7);
    // A version that the plan does not name loses no files.
    let third = register(&registry, "c", 0.7, 5);
    let found = collectable(&registry);
    registry
        .retire(
            &ModelRef::version(model(), third.version),
            "no use",
            &stamp(6),
        )
        .unwrap();
    assert_eq!(
        (
            collect(&registry, &found).blobs,
            collectable(&registry).blobs.len()
        ),
        (0, 4)
    );
    registry.check(&third).unwrap();
}

pub(super) fn what_is_collected_can_be_copied_back(store: Store) {
    let (registry, shared) = (registry(&store), registry(&Store::memory()));
    let [old, _] = one_retired(&registry);
    registry
        .copy(&reference("fd001/1"), &shared, &stamp(4))
        .unwrap();
    collect(&registry, &collectable(&registry));
    let refused = registry
        .copy(&reference("fd001/1"), &registry_of_memory(), &stamp(5))
        .unwrap_err();
    assert!(
        matches!(refused, RegistryError::Collected { version: 1, .. }),
        "{refused}"
    );
    let back = shared
        .copy(&reference("fd001/1"), &registry, &stamp(6))
        .unwrap();
    assert_eq!(
        (back.is_new, back.version.version, back.version.bundle),
        (true, 3, old.bundle)
    );
    registry.check(&back.version).unwrap();
    assert_intact(&registry, 7);
}

pub(super) fn registry_of_memory() -> Registry {
    registry(&Store::memory())
}
