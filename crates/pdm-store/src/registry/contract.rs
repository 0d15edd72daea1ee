//! What every store must let the registry do: one suite, run on memory, on a folder and on a bucket.

mod collecting;
pub(in crate::registry) mod hostile;

use std::sync::Barrier;
use std::thread;

use super::collect::LEAST_GRACE;
use super::samples::{bucket, champion, forced, gated, gates, model, stamp, version};
use super::*;
use blocking::{Registry, wait};
use collecting::*;
use hostile::*;
use pdm_core::content::Digest;
use pdm_core::scoring::Verdict;

macro_rules! contract {
    ($($case:ident),* $(,)?) => {
        mod memory {
            $(#[test] fn $case() { super::$case(super::Store::memory()); })*
        }
        mod folder {
            $(#[test] fn $case() {
                let root = tempfile::tempdir().unwrap();
                super::$case(super::Store::open("registry/store", root.path()).unwrap());
            })*
        }
        mod bucket {
            $(#[test]
            #[ignore = "needs an S3 server; scripts/test starts one"]
            fn $case() {
                super::$case(super::bucket());
            })*
        }
    };
}

contract! {
    an_empty_store_answers,
    what_is_registered_is_read_back,
    registering_again_is_the_same_version,
    gates_guard_the_alias,
    a_stale_report_is_judged_again,
    a_report_about_something_else_is_refused,
    force_needs_a_reason_and_is_remembered,
    promoting_the_champion_again_changes_nothing,
    rolling_back_retraces_promotions,
    the_past_can_be_asked,
    versions_are_copied_with_all_they_rest_on,
    a_policy_requires_others_and_does_not_bypass_the_gates,
    a_retired_version_gets_no_alias,
    what_retired_versions_rested_on_is_collected_and_remembered,
    what_a_version_in_use_rests_on_stays,
    a_collection_that_was_killed_is_completed,
    what_was_written_again_or_named_meanwhile_stays,
    what_is_collected_can_be_copied_back,
    forged_snapshots_change_nothing,
    a_forged_snapshot_behind_an_honest_one_changes_nothing,
    an_entry_far_ahead_is_named_and_nothing_is_read_past_it,
    objects_of_other_names_change_nothing_and_blobs_of_other_bytes_are_named,
    objects_that_are_too_long_are_not_read,
    a_store_without_its_log_is_no_empty_registry,
    a_log_without_its_beginning_is_named,
    a_log_that_was_cut_short_removes_nothing,
    another_registry_is_not_the_one_that_is_expected,
    racing_writers_build_one_chain,
    racing_promotions_are_each_judged_against_the_champion_they_replace,
}

fn registry(store: &Store) -> Registry {
    Registry::new(store.clone()).unwrap()
}

fn reference(text: &str) -> ModelRef {
    ModelRef::parse(text).unwrap()
}

fn register(registry: &Registry, name: &str, scale: f64, minute: i64) -> ModelVersion {
    let registered = registry
        .register(&version(name, scale), &stamp(minute))
        .unwrap();
    assert!(registered.is_new);
    registered.version
}

fn current(registry: &Registry) -> Option<u32> {
    registry
        .state(None)
        .unwrap()
        .current(&model(), &champion())
        .map(|version| version.version)
}

/// Judges a registered version and promotes it if the gates allow.
fn promote(registry: &Registry, number: u32, minute: i64) -> Result<Moved, RegistryError> {
    let report = registry
        .judge_version(&gates(), &ModelRef::version(model(), number), &champion())
        .unwrap();
    registry.promote(&gated(number, report), &stamp(minute))
}

fn assert_intact(registry: &Registry, entries: u64) {
    let report = registry.verify().unwrap();
    assert_eq!(
        (report.findings, report.entries, report.orphans),
        (vec![], entries, 0)
    );
}

fn an_empty_store_answers(store: Store) {
    let registry = registry(&store);
    assert_eq!(registry.list(None).unwrap(), []);
    assert!(matches!(
        registry.verify(),
        Err(RegistryError::Absent { .. })
    ));
    let error = registry
        .resolve(&reference("fd001@champion"), None)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "no model `fd001` in the registry; known: none yet"
    );
}

fn what_is_registered_is_read_back(store: Store) {
    let registry = registry(&store);
    let new = version("a", 1.0);
    let registered = register(&registry, "a", 1.0, 0);
    assert_eq!(
        (registered.version, registered.bundle, &registered.origin),
        (1, new.bundle, &new.origin)
    );
    assert_eq!(
        registry.resolve(&reference("fd001@latest"), None).unwrap(),
        registered
    );
    assert_eq!(
        registry.evidence(&registered).unwrap(),
        (new.scorecard.clone(), new.predictions)
    );
    assert_eq!(registered.predictions, new.scorecard.predictions_digest);
    let shown = registry.show(&reference("fd001/1")).unwrap();
    assert_eq!(
        (shown.version, shown.scorecard, shown.history.len()),
        (registered, Some(new.scorecard), 1)
    );
    assert!(matches!(
        registry.resolve(&reference("fd001/2"), None),
        Err(RegistryError::UnknownVersion { newest: 1, .. })
    ));
    assert!(matches!(
        registry.resolve(&reference("fd001@champion"), None),
        Err(RegistryError::UnknownAlias { .. })
    ));
    assert_intact(&registry, 1);
}

fn registering_again_is_the_same_version(store: Store) {
    let registry = registry(&store);
    let first = register(&registry, "a", 1.0, 0);
    let again = registry.register(&version("a", 1.0), &stamp(5)).unwrap();
    assert_eq!(
        again,
        Registered {
            version: first,
            is_new: false
        }
    );
    assert_eq!(register(&registry, "a", 1.1, 6).version, 2);
    assert_eq!(register(&registry, "b", 1.0, 7).version, 3);
    let other = NewVersion {
        model: "fd002".parse().unwrap(),
        ..version("a", 1.0)
    };
    assert_eq!(
        registry
            .register(&other, &stamp(8))
            .unwrap()
            .version
            .version,
        1
    );
    assert_intact(&registry, 4);
}

fn gates_guard_the_alias(store: Store) {
    let registry = registry(&store);
    for (name, scale) in [
        ("a", 1.0),
        ("better", 0.9),
        ("worse", 1.5),
        ("doubtful", 0.96),
    ] {
        register(&registry, name, scale, 0);
    }
    let moved = promote(&registry, 1, 1).unwrap();
    assert_eq!((moved.from, moved.to, moved.entry), (None, 1, Some(5)));
    let report = registry.report(moved.report.unwrap()).unwrap();
    assert_eq!((report.verdict, report.champion), (Verdict::Pass, None));
    assert_eq!(promote(&registry, 2, 2).unwrap().from, Some(1));
    let refused = promote(&registry, 3, 3).unwrap_err();
    assert!(
        matches!(refused, RegistryError::GateRefused { version: 3, .. }),
        "{refused}"
    );
    assert_eq!(refused.failure(), Failure::Refused);
    let undecided = promote(&registry, 4, 4).unwrap_err();
    assert!(
        matches!(undecided, RegistryError::GateUndecided { version: 4, .. }),
        "{undecided}"
    );
    assert_eq!(undecided.failure(), Failure::Undecided);
    assert_eq!(current(&registry), Some(2));
    assert_intact(&registry, 6);
}

fn a_stale_report_is_judged_again(store: Store) {
    let registry = registry(&store);
    for (name, scale) in [("a", 1.0), ("b", 0.95), ("c", 0.5), ("d", 0.4)] {
        register(&registry, name, scale, 0);
    }
    promote(&registry, 1, 1).unwrap();
    let judged = |number| {
        registry
            .judge_version(&gates(), &ModelRef::version(model(), number), &champion())
            .unwrap()
    };
    let (stale_b, stale_d) = (judged(2), judged(4));
    promote(&registry, 3, 2).unwrap();
    let refused = registry.promote(&gated(2, stale_b), &stamp(3));
    assert!(
        matches!(refused, Err(RegistryError::GateRefused { .. })),
        "{refused:?}"
    );
    let moved = registry
        .promote(&gated(4, stale_d.clone()), &stamp(4))
        .unwrap();
    let report = registry.report(moved.report.unwrap()).unwrap();
    assert_eq!(
        (
            stale_d.champion.unwrap().version,
            report.champion.unwrap().version
        ),
        (1, 3)
    );
}

fn a_report_about_something_else_is_refused(store: Store) {
    let registry = registry(&store);
    register(&registry, "a", 1.0, 0);
    register(&registry, "b", 0.9, 0);
    register(&registry, "b", 1.4, 0);
    let report = registry
        .judge_version(&gates(), &reference("fd001/2"), &champion())
        .unwrap();
    for other in [1, 3] {
        let error = registry
            .promote(&gated(other, report.clone()), &stamp(1))
            .unwrap_err();
        assert!(
            matches!(error, RegistryError::WrongReport { version, .. } if version == other),
            "{error}"
        );
    }
    let mut forged = report;
    forged.rows[0].verdict = Verdict::Undecided;
    assert_eq!(forged.verdict, Verdict::Pass);
    let error = registry.promote(&gated(2, forged), &stamp(1)).unwrap_err();
    assert!(
        matches!(error, RegistryError::GateUndecided { .. }),
        "{error}"
    );
    assert_eq!(current(&registry), None);
}

fn force_needs_a_reason_and_is_remembered(store: Store) {
    let registry = registry(&store);
    register(&registry, "a", 1.0, 0);
    let silent = Promotion {
        reason: " \n".to_owned(),
        ..forced(1)
    };
    assert!(matches!(
        registry.promote(&silent, &stamp(1)),
        Err(RegistryError::NoReason)
    ));
    assert_eq!(
        registry.promote(&forced(1), &stamp(2)).unwrap().report,
        None
    );
    let history = registry.history(&model(), Some(&champion()), None).unwrap();
    let [row] = &history[..] else {
        panic!("{history:?}")
    };
    assert_eq!(
        (row.action, row.forced, row.reason.as_str()),
        (HistoryAction::Promote, true, "a drill")
    );
    assert!(matches!(
        registry.promote(&forced(9), &stamp(3)),
        Err(RegistryError::UnknownVersion { .. })
    ));
}

fn promoting_the_champion_again_changes_nothing(store: Store) {
    let registry = registry(&store);
    register(&registry, "a", 1.0, 0);
    promote(&registry, 1, 1).unwrap();
    let again = promote(&registry, 1, 2).unwrap();
    assert_eq!((again.from, again.to, again.entry), (Some(1), 1, None));
    assert_intact(&registry, 2);
}

fn rolling_back_retraces_promotions(store: Store) {
    let registry = registry(&store);
    let back =
        |minute| registry.roll_back(&model(), &champion(), "alarms at night", &stamp(minute));
    for (name, minute) in [("a", 1), ("b", 2), ("c", 3)] {
        let number = register(&registry, name, 1.0, minute).version;
        registry.promote(&forced(number), &stamp(minute)).unwrap();
    }
    let moved = back(4).unwrap();
    assert_eq!((moved.from, moved.to, moved.entry), (Some(3), 2, Some(7)));
    assert_eq!(back(5).unwrap().to, 1);
    let error = back(6).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot roll back `fd001@champion`: there is no version before 1"
    );
    let unknown = registry
        .roll_back(&model(), &"shadow".parse().unwrap(), "", &stamp(7))
        .unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "model `fd001` has no alias `shadow`; known: champion"
    );
    assert_intact(&registry, 8);
}

fn the_past_can_be_asked(store: Store) {
    let registry = registry(&store);
    for (name, minute) in [("a", 10), ("b", 20)] {
        let number = register(&registry, name, 1.0, minute).version;
        registry
            .promote(&forced(number), &stamp(minute + 5))
            .unwrap();
    }
    registry
        .roll_back(&model(), &champion(), "", &stamp(30))
        .unwrap();
    let at = |minute| {
        let found = registry.resolve(&reference("fd001@champion"), Some(stamp(minute).time));
        found.ok().map(|version| version.version)
    };
    assert_eq!(
        [9, 14, 15, 24, 25, 29, 30, 99].map(at),
        [
            None,
            None,
            Some(1),
            Some(1),
            Some(2),
            Some(2),
            Some(1),
            Some(1)
        ]
    );
    let rows = registry
        .history(&model(), None, Some(stamp(25).time))
        .unwrap();
    let seen: Vec<_> = rows
        .iter()
        .map(|row| (row.entry, row.action, row.version))
        .collect();
    assert_eq!(
        seen,
        [
            (1, HistoryAction::Register, 1),
            (2, HistoryAction::Promote, 1),
            (3, HistoryAction::Register, 2),
            (4, HistoryAction::Promote, 2)
        ]
    );
    assert_eq!(
        registry.list(Some(stamp(15).time)).unwrap()[0].aliases,
        [(champion(), 1)].into()
    );
    assert_eq!(registry.list(Some(stamp(9).time)).unwrap(), []);
}

fn a_policy_requires_others_and_does_not_bypass_the_gates(store: Store) {
    let registry = registry(&store);
    register(&registry, "a", 1.0, 0);
    let by = |name: &str, minute| Stamp {
        actor: name.to_owned(),
        ..stamp(minute)
    };
    let policy = AliasPolicy {
        protected: true,
        approvals: 1,
    };
    let report = registry
        .judge_version(&gates(), &reference("fd001/1"), &champion())
        .unwrap();
    let promotion = Promotion {
        policy,
        ..gated(1, report)
    };
    let promote = |name| registry.promote(&promotion, &by(name, 5));
    let refused = promote("ada").unwrap_err();
    assert!(
        matches!(
            refused,
            RegistryError::NotApproved {
                have: 0,
                need: 1,
                ..
            }
        ),
        "{refused}"
    );
    assert_eq!(refused.failure(), Failure::Unapproved);
    let approve = |name, minute| {
        registry
            .approve(&reference("fd001/1"), &champion(), "", &by(name, minute))
            .unwrap()
    };
    assert_eq!(approve("ada", 1).entry, Some(2));
    assert!(
        matches!(
            promote("ada"),
            Err(RegistryError::NotApproved { have: 0, .. })
        ),
        "the approval of the promoter does not count"
    );
    assert_eq!(
        (approve("ada", 2).entry, approve("grace", 3).entry),
        (None, Some(3))
    );
    assert_eq!(promote("ada").unwrap().entry, Some(4));
    let forced = Promotion {
        policy,
        ..forced(1)
    };
    assert!(matches!(
        registry.promote(&forced, &by("grace", 6)),
        Err(RegistryError::Protected { .. })
    ));
    // What is approved for one alias is not for another, and what is approved of one version is not of the next.
    register(&registry, "b", 0.9, 7);
    let other = Promotion {
        alias: "canary".parse().unwrap(),
        consent: Consent::Forced,
        ..forced.clone()
    };
    let other = Promotion {
        policy: AliasPolicy {
            protected: false,
            approvals: 1,
        },
        ..other
    };
    assert!(matches!(
        registry.promote(&other, &by("ada", 8)),
        Err(RegistryError::NotApproved { .. })
    ));
    let report = registry
        .judge_version(&gates(), &reference("fd001/2"), &champion())
        .unwrap();
    let next = registry.promote(
        &Promotion {
            policy,
            ..gated(2, report)
        },
        &by("ada", 9),
    );
    assert!(
        matches!(next, Err(RegistryError::NotApproved { version: 2, .. })),
        "{next:?}"
    );
    let rows = registry.history(&model(), Some(&champion()), None).unwrap();
    let seen: Vec<_> = rows
        .iter()
        .map(|row| (row.action, row.actor.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            (HistoryAction::Approve, "ada"),
            (HistoryAction::Approve, "grace"),
            (HistoryAction::Promote, "ada")
        ]
    );
}

fn a_retired_version_gets_no_alias(store: Store) {
    let registry = registry(&store);
    for (name, minute) in [("a", 1), ("b", 2)] {
        let number = register(&registry, name, 1.0, minute).version;
        registry.promote(&forced(number), &stamp(minute)).unwrap();
    }
    let retire = |number| {
        registry.retire(
            &ModelRef::version(model(), number),
            "wrong sensor",
            &stamp(3),
        )
    };
    let refused = retire(2).unwrap_err();
    assert!(
        matches!(refused, RegistryError::InUse { version: 2, .. }),
        "{refused}"
    );
    assert_eq!(
        (retire(1).unwrap().entry, retire(1).unwrap().entry),
        (Some(5), None)
    );
    let refused = [
        registry.promote(&forced(1), &stamp(4)).map(drop),
        registry
            .roll_back(&model(), &champion(), "", &stamp(4))
            .map(drop),
        registry
            .approve(&reference("fd001/1"), &champion(), "", &stamp(4))
            .map(drop),
    ];
    assert!(
        refused
            .iter()
            .all(|e| matches!(e, Err(RegistryError::Retired { version: 1, .. }))),
        "{refused:?}"
    );
    assert!(matches!(
        registry.annotate(&reference("fd001/1"), " ", &stamp(5)),
        Err(RegistryError::NoReason)
    ));
    registry
        .annotate(&reference("fd001/1"), "sensor 11 was swapped", &stamp(5))
        .unwrap();
    let shown = registry.show(&reference("fd001/1")).unwrap();
    let last: Vec<_> = shown
        .history
        .iter()
        .rev()
        .take(2)
        .map(|row| (row.action, row.reason.as_str()))
        .collect();
    assert_eq!(
        last,
        [
            (HistoryAction::Annotate, "sensor 11 was swapped"),
            (HistoryAction::Retire, "wrong sensor")
        ]
    );
    let retired: Vec<_> = registry.list(None).unwrap()[0]
        .versions
        .iter()
        .map(|version| version.retired)
        .collect();
    assert_eq!(retired, [true, false]);
    assert_intact(&registry, 6);
}

fn versions_are_copied_with_all_they_rest_on(store: Store) {
    let (from, to) = (registry(&Store::memory()), registry(&store));
    for (name, minute) in [("a", 1), ("b", 2)] {
        register(&from, name, 1.0, minute);
    }
    register(&to, "other", 1.0, 3);
    let copied = from.copy(&reference("fd001/2"), &to, &stamp(4)).unwrap();
    assert_eq!(
        (copied.from, copied.version.version, copied.is_new),
        (2, 2, true)
    );
    let source = from.resolve(&reference("fd001/2"), None).unwrap();
    let there = to.resolve(&reference("fd001/2"), None).unwrap();
    assert_eq!(
        ModelVersion {
            copied: None,
            ..there.clone()
        },
        source
    );
    assert_eq!(
        there.copied,
        Some(CopiedFrom {
            registry: "memory://".to_owned(),
            version: 2
        })
    );
    assert_eq!(
        to.evidence(&there).unwrap(),
        from.evidence(&source).unwrap()
    );
    to.check(&there).unwrap();
    assert!(
        !from
            .copy(&reference("fd001/2"), &to, &stamp(5))
            .unwrap()
            .is_new
    );
    // And back: what comes home is known there.
    assert_eq!(
        to.copy(&reference("fd001/2"), &from, &stamp(6))
            .unwrap()
            .version,
        source
    );
    assert_eq!(to.state(None).unwrap().current(&model(), &champion()), None);
    assert_intact(&to, 2);
}

fn racing_writers_build_one_chain(store: Store) {
    const WRITERS: usize = 16;
    let barrier = Barrier::new(WRITERS);
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (store, barrier) = (&store, &barrier);
            scope.spawn(move || {
                let (registry, new) = (registry(store), version(&format!("writer {writer}"), 1.0));
                barrier.wait();
                assert!(registry.register(&new, &stamp(0)).unwrap().is_new);
            });
        }
    });
    let registry = registry(&store);
    let list = registry.list(None).unwrap();
    let mut bundles: Vec<_> = list[0]
        .versions
        .iter()
        .map(|version| version.bundle)
        .collect();
    let mut expected: Vec<_> = (0..WRITERS)
        .map(|writer| Digest::of(format!("writer {writer}")))
        .collect();
    bundles.sort();
    expected.sort();
    assert_eq!(bundles, expected);
    assert_intact(&registry, WRITERS as u64);
}

fn racing_promotions_are_each_judged_against_the_champion_they_replace(store: Store) {
    const RACERS: u32 = 8;
    let first = registry(&store);
    for number in 0..=RACERS {
        register(&first, &format!("racer {number}"), 1.0, 0);
    }
    promote(&first, 1, 1).unwrap();
    let barrier = Barrier::new(RACERS as usize);
    thread::scope(|scope| {
        for number in 2..=RACERS + 1 {
            let (store, barrier) = (&store, &barrier);
            scope.spawn(move || {
                let registry = registry(store);
                let report = registry
                    .judge_version(&gates(), &ModelRef::version(model(), number), &champion())
                    .unwrap();
                barrier.wait();
                registry.promote(&gated(number, report), &stamp(2)).unwrap();
            });
        }
    });
    let moves = first.history(&model(), Some(&champion()), None).unwrap();
    let mut winners: Vec<_> = moves.iter().map(|row| row.version).collect();
    for (before, row) in moves.iter().zip(&moves[1..]) {
        let report = first.report(row.report.unwrap()).unwrap();
        assert_eq!(
            (row.from, report.champion.map(|champion| champion.version)),
            (Some(before.version), row.from)
        );
    }
    winners.sort();
    assert_eq!(winners, (1..=RACERS + 1).collect::<Vec<_>>());
    // Reports of lost rounds stay behind as blobs that no entry names.
    assert_eq!(first.verify().unwrap().findings, []);
}

mod accidents {
    use std::sync::Arc;

    use object_store::memory::InMemory;

    use super::super::samples::{Accident, Meddler};
    use super::*;

    /// Returns the registry over shared memory, as others see it.
    fn others(memory: &Arc<InMemory>) -> Registry {
        registry(&Store::over(memory.clone(), "memory".to_owned()))
    }

    fn meddled(memory: &Arc<InMemory>, accident: Accident) -> Registry {
        registry(&Meddler::over(memory.clone(), accident))
    }

    fn meanwhile(memory: &Arc<InMemory>, promotion: Promotion) -> Accident {
        let store = Store::over(memory.clone(), "memory".to_owned());
        Accident::Meanwhile(Box::pin(async move {
            super::super::Registry::new(store)
                .promote(&promotion, &stamp(8))
                .await
                .unwrap();
        }))
    }

    #[test]
    fn a_writer_killed_between_blobs_and_entry_leaves_nothing_that_hurts() {
        let memory = Arc::new(InMemory::new());
        let killed = meddled(&memory, Accident::Killed)
            .register(&version("a", 1.0), &stamp(0))
            .unwrap_err();
        assert_eq!(killed.failure(), Failure::Unavailable);
        let registry = others(&memory);
        let report = registry.verify().unwrap();
        assert_eq!(
            (report.entries, report.orphans, report.is_intact()),
            (0, 4, true)
        );
        assert_eq!(register(&registry, "a", 1.0, 1).version, 1);
        assert_intact(&registry, 1);
    }

    /// Collects everything, as if a day had gone by while a writer wrote.
    fn collected_meanwhile(memory: &Arc<InMemory>) -> Accident {
        let registry =
            super::super::Registry::new(Store::over(memory.clone(), "memory".to_owned()));
        Accident::Meanwhile(Box::pin(async move {
            let found = registry
                .collectable(LEAST_GRACE, later().time)
                .await
                .unwrap();
            assert!(!found.blobs.is_empty());
            registry.collect_by(&found, &later()).await.unwrap();
        }))
    }

    #[test]
    fn a_writer_that_was_too_slow_brings_again_what_was_collected() {
        let memory = Arc::new(InMemory::new());
        let registry = others(&memory);
        let first = register(&meddled(&memory, collected_meanwhile(&memory)), "a", 1.0, 0);
        registry.check(&first).unwrap();
        let source = registry_of_memory();
        register(&source, "b", 0.9, 0);
        let slow = meddled(&memory, collected_meanwhile(&memory));
        let copied = source
            .copy(&reference("fd001/1"), &slow, &stamp(1))
            .unwrap()
            .version;
        registry.check(&copied).unwrap();
        let moved = promote(&meddled(&memory, collected_meanwhile(&memory)), 2, 2).unwrap();
        registry.report(moved.report.unwrap()).unwrap();
        assert_intact(&registry, 3);
    }

    #[test]
    fn a_write_whose_answer_was_lost_is_done_once() {
        let memory = Arc::new(InMemory::new());
        let registry = others(&memory);
        for (name, number) in [("a", 1), ("b", 2), ("c", 3)] {
            register(&registry, name, 1.0, 0);
            registry.promote(&forced(number), &stamp(1)).unwrap();
        }
        let moved = meddled(&memory, Accident::Unanswered)
            .roll_back(&model(), &champion(), "", &stamp(2))
            .unwrap();
        assert_eq!(
            (moved.to, moved.entry, current(&registry)),
            (2, Some(7), Some(2))
        );
        assert_intact(&registry, 7);
    }

    #[test]
    fn a_promotion_that_loses_the_race_is_judged_by_the_new_champion() {
        for (scale, wins) in [(0.4, true), (0.9, false)] {
            let memory = Arc::new(InMemory::new());
            let registry = others(&memory);
            for (name, scale) in [("first", 1.0), ("rival", 0.5), ("late", scale)] {
                register(&registry, name, scale, 0);
            }
            promote(&registry, 1, 1).unwrap();
            let rival = meanwhile(&memory, forced(2));
            let outcome = promote(&meddled(&memory, rival), 3, 9);
            match (wins, outcome) {
                (true, Ok(moved)) => assert_eq!((moved.from, moved.to), (Some(2), 3)),
                (false, Err(RegistryError::GateRefused { reason, .. })) => {
                    assert!(reason.contains("version 2"))
                }
                (_, other) => panic!("{other:?}"),
            }
            assert_eq!(current(&registry), Some(if wins { 3 } else { 2 }));
        }
    }

    #[test]
    fn a_rollback_that_loses_the_race_leaves_the_alias_alone() {
        let memory = Arc::new(InMemory::new());
        let registry = others(&memory);
        for (name, number) in [("a", 1), ("b", 2), ("c", 3)] {
            register(&registry, name, 1.0, 0);
            if number < 3 {
                registry.promote(&forced(number), &stamp(1)).unwrap();
            }
        }
        let rival = meanwhile(&memory, forced(3));
        let lost = meddled(&memory, rival)
            .roll_back(&model(), &champion(), "", &stamp(9))
            .unwrap_err();
        assert_eq!(lost.failure(), Failure::Conflict);
        assert_eq!(current(&registry), Some(3));
    }

    #[test]
    fn a_store_that_obeys_sometimes_gets_no_log() {
        let accidents: [fn() -> Accident; 7] = [
            || Accident::Overwrites,
            || Accident::OverwritesAbove(100),
            || Accident::OverwritesAbove(8 << 10),
            || Accident::OverwritesAbove(128 << 10),
            || Accident::OverwritesSometimes(5),
            || Accident::KeepsAndSaysWritten,
            || Accident::ChecksThenActs,
        ];
        for (number, accident) in accidents.into_iter().enumerate() {
            for _ in 0..20 {
                let memory = Arc::new(InMemory::new());
                let refused = meddled(&memory, accident()).register(&version("a", 1.0), &stamp(0));
                assert!(
                    matches!(refused, Err(RegistryError::Unsafe { .. })),
                    "{number}: {refused:?}"
                );
                assert!(
                    matches!(others(&memory).verify(), Err(RegistryError::Absent { .. })),
                    "{number}"
                );
            }
        }
    }

    #[test]
    fn an_entry_that_the_store_only_says_it_wrote_is_no_success() {
        let memory = Arc::new(InMemory::new());
        let registry = others(&memory);
        for name in ["a", "b"] {
            register(&registry, name, 1.0, 0);
        }
        let Accident::Meanwhile(rival) = meanwhile(&memory, forced(1)) else {
            panic!("it is what it is")
        };
        let refused = meddled(&memory, Accident::Deceives(rival))
            .promote(&forced(2), &stamp(9))
            .unwrap_err();
        assert!(matches!(refused, RegistryError::Unsafe { .. }), "{refused}");
        assert_eq!(current(&registry), Some(1));
        let refused =
            meddled(&memory, Accident::Deceives(Box::pin(async {}))).promote(&forced(2), &stamp(9));
        assert!(
            matches!(refused, Err(RegistryError::Unsafe { .. })),
            "{refused:?}"
        );
    }

    #[test]
    fn a_store_that_was_refused_is_not_tried_until_it_obeys() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Arc::new(InMemory::new());
        let at = |accident: Option<Accident>| {
            let store = match accident {
                Some(accident) => Meddler::over(memory.clone(), accident),
                None => Store::over(memory.clone(), "meddler".to_owned()),
            };
            registry(&store.with_state_dir(folder.path()))
        };
        let register =
            |registry: Registry| registry.register(&version("a", 1.0), &stamp(0)).map(drop);
        assert!(register(at(Some(Accident::OverwritesAbove(100)))).is_err());
        let refused = register(at(None)).unwrap_err();
        assert!(
            refused.to_string().contains("doctor --registry"),
            "{refused}"
        );
        assert!(at(Some(Accident::Overwrites)).examine().is_err());
        assert_eq!(at(None).examine().unwrap().rounds, 6);
        register(at(None)).unwrap();
    }

    #[test]
    fn predictions_that_were_not_scored_are_refused() {
        let store = Store::memory();
        let other = NewVersion {
            predictions: version("b", 1.1).predictions,
            ..version("a", 1.0)
        };
        assert!(matches!(
            registry(&store).register(&other, &stamp(0)),
            Err(RegistryError::OtherPredictions { .. })
        ));
        let mut twice = version("a", 1.0);
        twice.files.push(twice.files[0].clone());
        assert!(matches!(
            registry(&store).register(&twice, &stamp(0)),
            Err(RegistryError::SameFile { .. })
        ));
    }
}

#[test]
fn every_answer_can_be_awaited_on_another_thread() {
    fn sendable(_: impl Send) {}
    let (registry, promotion, new) = (
        super::Registry::new(Store::memory()),
        forced(1),
        version("a", 1.0),
    );
    let (stamp, reference) = (stamp(0), reference("fd001/1"));
    sendable(registry.register(&new, &stamp));
    sendable(registry.promote(&promotion, &stamp));
    sendable(registry.roll_back(&promotion.model, &promotion.alias, "", &stamp));
    sendable(registry.judge_version(&[], &reference, &promotion.alias));
    sendable(registry.show(&reference));
    sendable(registry.verify());
    let nothing = wait(registry.collectable(LEAST_GRACE, later().time)).unwrap();
    sendable(registry.collect(&nothing, false, &stamp));
    sendable(registry.sweep(&[]));
    sendable(registry.diff(&reference, &registry, &reference));
    sendable(registry.export_oci(&reference, std::path::Path::new("x"), None));
}
