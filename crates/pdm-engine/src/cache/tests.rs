//! Tests of the cache.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use pdm_core::content::Digest;
use pdm_core::events::{Interrupt, Interrupted};

fn key(rounds: u64) -> StageKey {
    let inputs = BTreeMap::from([("train_FD001.txt".to_owned(), Digest::of("rows"))]);
    let parameters = json!({"model": {"kind": "gbdt", "rounds": rounds}, "split": {"folds": 5}});
    StageKey {
        stage: "train".to_owned(),
        semantic_version: 1,
        parameters,
        inputs,
    }
}

fn cache() -> (TempDir, Cache) {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path().join("cache")).unwrap();
    (folder, cache)
}

fn begin(cache: &Cache, key: &StageKey) -> Pending {
    cache.begin(key, &Interrupt::default(), || ()).unwrap()
}

fn make(cache: &Cache, key: &StageKey) -> CacheEntry {
    let pending = begin(cache, key);
    fs::create_dir(pending.dir().join("folds")).unwrap();
    fs::write(pending.dir().join("folds/0.csv"), "unit,rul\n1,112\n").unwrap();
    fs::write(pending.dir().join("weights.safetensors"), "weights").unwrap();
    pending.commit(json!({"rmse": 8.5})).unwrap()
}

fn reason(status: Status) -> String {
    match status {
        Status::Damaged { reason } => reason,
        other => panic!("expected damage, found {other:?}"),
    }
}

fn folders(path: &Path) -> usize {
    fs::read_dir(path).map_or(0, Iterator::count)
}

#[test]
fn what_is_committed_is_found_again_by_the_same_key_only() {
    let (_folder, cache) = cache();
    assert_eq!(cache.lookup(&key(300)), Status::Absent);
    let made = make(&cache, &key(300));
    let found = cache.lookup(&key(300)).into_entry().unwrap();
    assert_eq!(found, made);
    assert_eq!(found.summary(), &json!({"rmse": 8.5}));
    assert_eq!(
        fs::read_to_string(found.path("weights.safetensors")).unwrap(),
        "weights"
    );
    let names: Vec<_> = found
        .outputs()
        .iter()
        .map(|output| output.path.as_str())
        .collect();
    assert_eq!(names, ["folds/0.csv", "weights.safetensors"]);
    assert_eq!(found.outputs()[1].sha256, Digest::of("weights"));
    assert_eq!(cache.lookup(&key(500)), Status::Absent);
}

#[test]
fn a_dropped_attempt_leaves_nothing() {
    let (_folder, cache) = cache();
    let pending = begin(&cache, &key(1));
    fs::write(pending.dir().join("half"), "ha").unwrap();
    drop(pending);
    assert_eq!(cache.lookup(&key(1)), Status::Absent);
    assert_eq!(folders(&cache.root().join("work")), 0);
}

#[test]
fn every_kind_of_damage_is_named_and_repaired_by_the_next_commit() {
    let (_folder, cache) = cache();
    let entry = make(&cache, &key(1));
    let weights = entry.path("weights.safetensors");

    fs::write(&weights, "weighty").unwrap();
    File::options()
        .write(true)
        .open(&weights)
        .unwrap()
        .set_modified(SystemTime::UNIX_EPOCH)
        .unwrap();
    assert!(reason(cache.lookup(&key(1))).starts_with("output `weights.safetensors` has SHA-256 "));

    fs::write(&weights, "weight").unwrap();
    assert_eq!(
        reason(cache.lookup(&key(1))),
        "output `weights.safetensors` has 6 bytes instead of 7"
    );

    fs::remove_file(&weights).unwrap();
    assert!(
        reason(cache.lookup(&key(1))).starts_with("output `weights.safetensors` cannot be read")
    );

    let json = weights.parent().unwrap().with_file_name("entry.json");
    fs::write(&json, "{\"format\": 1").unwrap();
    assert!(reason(cache.lookup(&key(1))).starts_with("entry.json is not valid"));
    fs::write(&json, [0xff, 0x00, 0xfe]).unwrap();
    assert!(reason(cache.lookup(&key(1))).starts_with("entry.json is not valid"));
    fs::remove_file(&json).unwrap();
    assert!(reason(cache.lookup(&key(1))).starts_with("entry.json cannot be read"));

    make(&cache, &key(1));
    assert!(matches!(cache.lookup(&key(1)), Status::Hit(_)));
}

#[test]
fn a_touched_file_with_the_same_bytes_is_still_good() {
    let (_folder, cache) = cache();
    let entry = make(&cache, &key(1));
    let file = File::options()
        .write(true)
        .open(entry.path("weights.safetensors"))
        .unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1))
        .unwrap();
    assert!(matches!(cache.lookup(&key(1)), Status::Hit(_)));
}

#[test]
fn an_entry_that_names_files_outside_itself_is_damaged() {
    let (_folder, cache) = cache();
    let entry = make(&cache, &key(1));
    let json = entry.dir().with_file_name("entry.json");
    let text = fs::read_to_string(&json)
        .unwrap()
        .replace("folds/0.csv", "../entry.json");
    fs::write(&json, text).unwrap();
    assert_eq!(
        reason(cache.lookup(&key(1))),
        "output `../entry.json` is outside its folder"
    );
}

#[cfg(unix)]
#[test]
fn a_stage_may_not_leave_links() {
    let (_folder, cache) = cache();
    let pending = begin(&cache, &key(1));
    std::os::unix::fs::symlink("/etc/passwd", pending.dir().join("link")).unwrap();
    assert!(matches!(
        pending.commit(Value::Null),
        Err(CacheError::NotAFile(_))
    ));
    assert_eq!(cache.lookup(&key(1)), Status::Absent);
}

#[test]
fn only_one_of_many_computes() {
    let (_folder, cache) = cache();
    let (computed, waited) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let waiting = || _ = waited.fetch_add(1, Ordering::SeqCst);
                match cache
                    .claim(&key(1), &Interrupt::default(), waiting)
                    .unwrap()
                {
                    Claim::Ready(entry) => assert_eq!(entry.outputs().len(), 1),
                    Claim::Work(pending) => {
                        computed.fetch_add(1, Ordering::SeqCst);
                        fs::write(pending.dir().join("out"), "x").unwrap();
                        thread::sleep(Duration::from_millis(30));
                        pending.commit(Value::Null).unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(computed.load(Ordering::SeqCst), 1);
    assert!(waited.load(Ordering::SeqCst) <= 5);
}

#[test]
fn waiting_can_be_interrupted() {
    let (_folder, cache) = cache();
    let _held = begin(&cache, &key(1));
    let interrupt = Interrupt::default();
    let signal = || interrupt.cell().store(15, Ordering::Relaxed);
    let answer = cache.claim(&key(1), &interrupt, signal);
    assert!(matches!(
        answer,
        Err(CacheError::Interrupted(Interrupted::Signal { signal: 15 }))
    ));
}

#[test]
fn another_key_need_not_wait() {
    let (_folder, cache) = cache();
    let _held = begin(&cache, &key(1));
    begin(&cache, &key(2)).commit(Value::Null).unwrap();
}

#[test]
fn a_killed_process_leaves_only_what_the_next_open_removes() {
    let (_folder, cache) = cache();
    let alive = begin(&cache, &key(1));
    // A kill frees the lock and runs no destructor: the same as a folder whose lock is free.
    let dead = cache.root().join("work").join(key(2).digest().to_string());
    fs::create_dir_all(dead.join("outputs")).unwrap();
    let foreign = cache.root().join("work/notes");
    fs::create_dir_all(&foreign).unwrap();

    Cache::open(cache.root()).unwrap();
    assert!(!dead.exists() && alive.dir().exists() && foreign.exists());
    alive.commit(Value::Null).unwrap();
}

#[test]
fn partial_results_survive_until_commit() {
    let (_folder, cache) = cache();
    let first = begin(&cache, &key(1));
    fs::write(first.resume_dir().unwrap().join("epoch-3"), "state").unwrap();
    drop(first);
    let cache = Cache::open(cache.root()).unwrap();
    let second = begin(&cache, &key(1));
    let resumed = second.resume_dir().unwrap().to_owned();
    assert_eq!(
        fs::read_to_string(resumed.join("epoch-3")).unwrap(),
        "state"
    );
    second.commit(Value::Null).unwrap();
    assert!(!resumed.exists());
}

#[test]
fn partial_results_that_are_not_wanted_are_removed() {
    let (_folder, cache) = cache();
    let pending = begin(&cache, &key(1));
    pending.discard_partial().unwrap();
    fs::create_dir(pending.resume_dir().unwrap().join("fold-0")).unwrap();
    pending.discard_partial().unwrap();
    assert_eq!(folders(pending.resume_dir().unwrap()), 0);
}

#[test]
fn the_last_key_is_remembered_by_pipeline_and_stage() {
    let (_folder, cache) = cache();
    assert_eq!(cache.last_key("fd001", "train"), None);
    cache.record_key("fd001", &key(300)).unwrap();
    cache.record_key("../weird name", &key(1)).unwrap();
    cache.record_key("fd001", &key(500)).unwrap();
    assert_eq!(cache.last_key("fd001", "train"), Some(key(500)));
    assert_eq!(cache.last_key("../weird name", "train"), Some(key(1)));
    assert_eq!(cache.last_key("fd001", "evaluate"), None);
    assert_eq!(folders(&cache.root().join("last")), 2);
}

#[test]
fn changes_are_reported_with_their_place() {
    let mut new = key(500);
    new.semantic_version = 2;
    new.parameters["gate"] = json!([{"value": 16.0}]);
    new.inputs = BTreeMap::from([
        ("train_FD001.txt".to_owned(), Digest::of("other rows")),
        ("test_FD001.txt".to_owned(), Digest::of("t")),
    ]);
    let place = |path: &str| (path == "model.rounds").then(|| "pipelines/fd001.toml:21".to_owned());
    let texts: Vec<_> = explain(&key(300), &new)
        .iter()
        .map(|change| change.text(place))
        .collect();
    insta::assert_snapshot!(texts.join("\n"), @r#"
    the stage itself changed, version 1 → 2
    `gate` unset → [{"value":16.0}]
    `model.rounds` 300 → 500 (pipelines/fd001.toml:21)
    input `test_FD001.txt` is new
    input `train_FD001.txt` changed
    "#);
    assert_eq!(explain(&new, &new), []);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i32>().prop_map(Value::from),
        "[a-z]{0,3}".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-c]", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn keys_differ_exactly_when_there_is_something_to_explain(a in any_json(), b in any_json()) {
        let with = |parameters: Value| StageKey { parameters, ..key(1) };
        let (a, b) = (with(a), with(b));
        prop_assert_eq!(a.digest() == b.digest(), explain(&a, &b).is_empty());
        prop_assert_eq!(explain(&a, &a.clone()), vec![]);
    }
}
