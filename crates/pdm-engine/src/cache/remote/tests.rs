//! Tests of the shared cache.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::cache::StageKey;
use crate::cache::{Cache, CacheEntry};
use pdm_core::content::Digest;
use pdm_core::events::{Interrupt, Interrupted};

fn key(rounds: u64) -> StageKey {
    let inputs = BTreeMap::from([("train".to_owned(), Digest::of("rows"))]);
    StageKey {
        stage: "train".into(),
        semantic_version: 1,
        parameters: json!({ "rounds": rounds }),
        inputs,
    }
}

/// A store, and a machine that put one result there.
struct Shared {
    _laptop: TempDir,
    objects: Arc<InMemory>,
    entry: CacheEntry,
}

impl Shared {
    fn new() -> Self {
        let laptop = tempfile::tempdir().unwrap();
        let pending = Cache::open(laptop.path())
            .unwrap()
            .begin(&key(300), &Interrupt::default(), || ())
            .unwrap();
        fs::create_dir(pending.dir().join("folds")).unwrap();
        fs::write(pending.dir().join("folds/0.csv"), "unit,rul\n").unwrap();
        fs::write(pending.dir().join("weights"), "weights").unwrap();
        let entry = pending
            .with_peak(Some(1 << 20))
            .commit(json!({ "text": "gbdt" }))
            .unwrap();
        let shared = Self {
            _laptop: laptop,
            objects: Arc::default(),
            entry,
        };
        assert!(shared.remote(false).share(&shared.entry).unwrap());
        shared
    }

    fn remote(&self, read_only: bool) -> RemoteCache {
        let objects: Arc<dyn ObjectStore> = self.objects.clone();
        RemoteCache::over(
            objects,
            "memory://".into(),
            read_only,
            &Interrupt::default(),
        )
        .unwrap()
    }

    fn fetch(&self) -> (TempDir, Result<Option<Fetched>, RemoteError>) {
        let folder = tempfile::tempdir().unwrap();
        let fetched = self.remote(true).fetch(&key(300), None, folder.path());
        (folder, fetched)
    }

    fn refusal(&self) -> String {
        match self.fetch().1 {
            Err(error @ RemoteError::Refused { .. }) => error.to_string(),
            other => panic!("not refused: {other:?}"),
        }
    }

    fn run<T>(&self, answer: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(answer)
    }

    fn paths(&self) -> Vec<String> {
        use futures_util::TryStreamExt;
        let mut paths: Vec<_> = self
            .run(
                self.objects
                    .list(None)
                    .map_ok(|meta| meta.location.to_string())
                    .try_collect(),
            )
            .unwrap();
        paths.sort();
        paths
    }

    fn path(&self, part: &str) -> object_store::path::Path {
        self.paths()
            .into_iter()
            .find(|path| path.contains(part))
            .unwrap()
            .into()
    }

    fn read(&self, part: &str) -> String {
        let path = self.path(part);
        let bytes = self.run(async {
            self.objects
                .get(&path)
                .await
                .unwrap()
                .bytes()
                .await
                .unwrap()
        });
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    /// Changes an object, which no client does.
    fn poison(&self, part: &str, bytes: &str) {
        let path = self.path(part);
        self.run(self.objects.put(&path, bytes.to_owned().into()))
            .unwrap();
    }
}

#[test]
fn what_one_machine_shares_another_fetches() {
    let shared = Shared::new();
    let (folder, fetched) = shared.fetch();
    let fetched = fetched.unwrap().unwrap();
    assert_eq!((fetched.files, fetched.bytes), (2, 16));
    assert_eq!(fetched.summary, json!({ "text": "gbdt" }));
    assert_eq!(fetched.cost, shared.entry.cost());
    assert_eq!(
        fs::read_to_string(folder.path().join("folds/0.csv")).unwrap(),
        "unit,rul\n"
    );
    let other = shared
        .remote(true)
        .fetch(&key(500), None, folder.path())
        .unwrap();
    assert_eq!(other, None);

    // The entry made of it is the one it was made from.
    let ci = tempfile::tempdir().unwrap();
    let pending = Cache::open(ci.path())
        .unwrap()
        .begin(&key(300), &Interrupt::default(), || ())
        .unwrap();
    let fetched = shared
        .remote(true)
        .fetch(&key(300), None, &pending.dir())
        .unwrap()
        .unwrap();
    let entry = pending
        .with_cost(fetched.cost)
        .commit(fetched.summary)
        .unwrap();
    assert_eq!(
        (entry.digest(), entry.cost()),
        (shared.entry.digest(), shared.entry.cost())
    );
}

#[test]
fn objects_are_created_once_and_a_reader_creates_none() {
    let shared = Shared::new();
    let before = shared.paths();
    assert_eq!(before.len(), 3, "{before:?}");
    assert!(
        !shared.remote(false).share(&shared.entry).unwrap(),
        "there already"
    );
    shared.poison("blobs/", "poisoned");
    shared.remote(false).share(&shared.entry).unwrap();
    assert_eq!(
        shared.read("blobs/"),
        "poisoned",
        "an existing object is not overwritten"
    );
    let empty = Shared {
        objects: Arc::default(),
        ..Shared::new()
    };
    assert!(!empty.remote(true).share(&empty.entry).unwrap());
    assert_eq!(empty.paths(), Vec::<String>::new());
}

#[test]
fn what_was_poisoned_or_cut_is_refused() {
    let weights = format!("blobs/sha256/{}", Digest::of("weights"));
    for (bytes, expected) in [
        ("weighty", "holds bytes of SHA-256"),
        ("weight", "has 6 bytes instead of 7"),
    ] {
        let shared = Shared::new();
        shared.poison(&weights, bytes);
        let refusal = shared.refusal();
        assert!(
            refusal.starts_with(&format!("`{weights}` {expected}")),
            "{refusal}"
        );
    }
    let shared = Shared::new();
    shared
        .run(shared.objects.delete(&weights.clone().into()))
        .unwrap();
    assert_eq!(shared.refusal(), format!("`{weights}` is missing"));
}

#[test]
fn an_entry_with_other_contents_is_refused() {
    let refused = |from: &str, to: &str| {
        let shared = Shared::new();
        let text = shared.read("entries/");
        assert!(text.contains(from), "{text}");
        shared.poison("entries/", &text.replace(from, to));
        shared.refusal().split_once("json` ").unwrap().1.to_owned()
    };
    assert_eq!(
        refused("\"rounds\": 300", "\"rounds\": 500"),
        "belongs to another key"
    );
    assert_eq!(
        refused("\"format\": 1", "\"format\": 2"),
        "has format 2, not 1"
    );
    for outside in [
        "../weights",
        "/etc/weights",
        "a/../../weights",
        ".",
        "",
        "..\\\\weights",
    ] {
        let refused = refused("\"path\": \"weights\"", &format!("\"path\": \"{outside}\""));
        assert!(refused.contains("is outside"), "{outside}: {refused}");
    }
    assert_eq!(
        refused("\"path\": \"weights\"", "\"path\": \"folds/0.csv\""),
        "names `folds/0.csv` twice"
    );
    let other = Digest::of("other").to_string();
    let shared = Shared::new();
    let text = shared
        .read("entries/")
        .replace(&Digest::of("weights").to_string(), &other);
    shared.poison("entries/", &text);
    assert_eq!(
        shared.refusal(),
        format!("`blobs/sha256/{other}` is missing")
    );
    shared.poison("entries/", &text[..text.len() / 2]);
    assert!(shared.refusal().contains("is not valid"));
    shared.poison("entries/", "");
    assert!(shared.refusal().contains("is not valid"));
}

#[test]
fn a_lock_is_a_second_word_and_wins() {
    let shared = Shared::new();
    let folder = tempfile::tempdir().unwrap();
    let mut locked: BTreeMap<_, _> = shared
        .entry
        .outputs()
        .iter()
        .map(|output| (output.path.clone(), output.sha256))
        .collect();
    assert!(
        shared
            .remote(true)
            .fetch(&key(300), Some(&locked), folder.path())
            .unwrap()
            .is_some()
    );
    locked.insert("weights".into(), Digest::of("what was reviewed"));
    let refused = shared
        .remote(true)
        .fetch(&key(300), Some(&locked), folder.path())
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .ends_with("has another `weights` than the lock"),
        "{refused}"
    );
}

#[test]
fn a_damaged_result_is_not_shared() {
    let shared = Shared {
        objects: Arc::default(),
        ..Shared::new()
    };
    fs::write(shared.entry.path("weights"), "weighty").unwrap();
    assert!(matches!(
        shared.remote(false).share(&shared.entry),
        Err(RemoteError::File { .. })
    ));
    assert!(
        shared
            .paths()
            .iter()
            .all(|path| !path.starts_with("entries/"))
    );
}

#[test]
fn a_folder_serves_as_a_store() {
    let (root, shared) = (tempfile::tempdir().unwrap(), Shared::new());
    let options = CacheOptions {
        url: "a shared/cache".into(),
        read_only: false,
    };
    let remote = RemoteCache::open(&options, root.path(), &|_| None, &Interrupt::default())
        .unwrap()
        .unwrap();
    let into = tempfile::tempdir().unwrap();
    assert_eq!(remote.fetch(&key(300), None, into.path()).unwrap(), None);
    assert!(
        !root.path().join("a shared").exists(),
        "reading leaves no trace"
    );
    assert!(remote.share(&shared.entry).unwrap());
    assert_eq!(
        remote
            .fetch(&key(300), None, into.path())
            .unwrap()
            .unwrap()
            .files,
        2
    );
    assert_eq!(
        RemoteCache::open(
            &CacheOptions::default(),
            root.path(),
            &|_| None,
            &Interrupt::default()
        )
        .unwrap()
        .map(drop),
        None
    );
}

/// A listener that takes connections and never answers.
#[test]
fn a_store_that_hangs_is_waited_for_a_short_time_and_not_at_all_by_who_was_interrupted() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", server.local_addr().unwrap());
    let variable = move |name: &str| match name {
        "AWS_ENDPOINT_URL" => Some(endpoint.clone()),
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
        _ => None,
    };
    let options = CacheOptions {
        url: "s3://results".into(),
        read_only: false,
    };
    let (root, interrupt) = (tempfile::tempdir().unwrap(), Interrupt::default());
    let remote = RemoteCache::open(&options, root.path(), &variable, &interrupt)
        .unwrap()
        .unwrap();
    let started = Instant::now();
    let silent = remote.fetch(&key(1), None, root.path()).unwrap_err();
    assert!(
        silent.is_unreachable() && started.elapsed() < Duration::from_secs(8),
        "{silent} {:?}",
        started.elapsed()
    );
    interrupt
        .cell()
        .store(2, std::sync::atomic::Ordering::Relaxed);
    let started = Instant::now();
    let stopped = remote.fetch(&key(1), None, root.path()).unwrap_err();
    assert!(
        matches!(
            stopped,
            RemoteError::Interrupted(Interrupted::Signal { signal: 2 })
        ),
        "{stopped}"
    );
    assert!(started.elapsed() < Duration::from_secs(2));
}
