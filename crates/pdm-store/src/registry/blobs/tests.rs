//! Tests of uploads and downloads.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::TempDir;

use super::*;
use crate::registry::blocking::{Registry, wait};
use crate::registry::keys::ObjectKey;
use crate::registry::manifest::NewFile;
use crate::registry::samples::bucket_at;
use crate::registry::store::Store;
use crate::registry::{OpenOptions, Stamp, Swept};
use pdm_core::content::Digest;
use pdm_core::events::{Event, Interrupt, Observer};

/// Two whole parts and a bit.
const LENGTH: usize = (2 << 23) + 12_345;

struct UploadFixture {
    folder: TempDir,
    file: NewFile,
}

impl UploadFixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("bundle")).unwrap();
        let bytes: Vec<u8> = (0..LENGTH as u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        fs::write(folder.path().join("bundle/weights"), bytes).unwrap();
        let file = NewFile::read_folder(&folder.path().join("bundle"))
            .unwrap()
            .remove(0);
        Self { folder, file }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Memory and a folder.
    fn stores(&self) -> [Store; 2] {
        [
            Store::memory(),
            Store::open("store", self.folder.path()).unwrap(),
        ]
    }

    /// A bucket's store that can go on with what was interrupted.
    fn bucket(&self, name: &str, reporter: Reporter) -> Store {
        let state_dir = Some(self.path("state_dir"));
        let own = self.folder.path().file_name().unwrap().to_str().unwrap();
        let own = own.trim_start_matches('.');
        bucket_at(
            &format!("{own}/{name}"),
            OpenOptions {
                state_dir,
                reporter,
                ..self.folder.path().into()
            },
        )
    }

    fn download(&self, store: &Store, into: &str) -> Result<(), RegistryError> {
        wait(download(
            store,
            self.file.sha256(),
            self.file.bytes(),
            &self.path(into),
        ))
    }

    fn kept(&self, end: &str) -> Vec<std::path::PathBuf> {
        let files = fs::read_dir(self.path("state_dir"))
            .into_iter()
            .flatten()
            .flatten()
            .map(|file| file.path());
        files
            .filter(|path| path.to_str().unwrap().ends_with(end))
            .collect()
    }
}

/// Counts parts, and stops after some.
struct StopAfter(u64, AtomicU64, Interrupt);

impl Observer for StopAfter {
    fn on(&self, event: &Event) {
        if matches!(event, Event::Progress { .. })
            && self.1.fetch_add(1, Ordering::Relaxed) + 1 == self.0
        {
            self.2.cell().store(2, Ordering::Relaxed);
        }
    }
}

fn stopping_after(parts: u64) -> (Reporter, Arc<StopAfter>) {
    let interrupt = Interrupt::default();
    let counter = Arc::new(StopAfter(parts, AtomicU64::new(0), interrupt.clone()));
    (Reporter::new(interrupt).with(counter.clone()), counter)
}

fn same(a: &Path, b: &Path) -> bool {
    Digest::of_file(a).unwrap() == Digest::of_file(b).unwrap()
}

fn long_blobs_arrive_whole(fixture: &UploadFixture, stores: impl IntoIterator<Item = Store>) {
    for store in stores {
        for _ in 0..2 {
            wait(upload(&store, &fixture.file)).unwrap();
        }
        assert_eq!(
            wait(store.length(ObjectKey::Blob(fixture.file.sha256()))).unwrap(),
            Some(LENGTH as u64)
        );
        assert_eq!(
            wait(verify(&store, fixture.file.sha256(), fixture.file.bytes())).unwrap(),
            LENGTH as u64
        );
        fixture.download(&store, "fetched/weights").unwrap();
        assert!(same(
            &fixture.path("fetched/weights"),
            &fixture.path("bundle/weights")
        ));
        assert_eq!(fs::read_dir(fixture.path("fetched")).unwrap().count(), 1);
        fs::remove_dir_all(fixture.path("fetched")).unwrap();
        assert_eq!(
            (fixture.kept(".json").len(), fixture.kept(".part").len()),
            (0, 0)
        );
    }
}

#[test]
fn long_blobs_arrive_whole_in_memory_and_in_a_folder() {
    let fixture = UploadFixture::new();
    long_blobs_arrive_whole(&fixture, fixture.stores());
}

#[test]
#[ignore = "needs an S3 server; scripts/test starts one"]
fn long_blobs_arrive_whole_in_a_bucket() {
    let fixture = UploadFixture::new();
    long_blobs_arrive_whole(&fixture, [fixture.bucket("a", Reporter::silent())]);
}

fn other_bytes_get_no_name(fixture: &UploadFixture, stores: impl IntoIterator<Item = Store>) {
    for store in stores {
        // Changed after its digest was taken.
        let mut bytes = fs::read(fixture.path("bundle/weights")).unwrap();
        bytes[LENGTH - 1] ^= 1;
        fs::write(fixture.path("bundle/weights"), &bytes).unwrap();
        assert!(matches!(
            wait(upload(&store, &fixture.file)),
            Err(RegistryError::Changed { .. })
        ));
        assert_eq!(
            wait(store.length(ObjectKey::Blob(fixture.file.sha256()))).unwrap(),
            None
        );
        assert_eq!(fixture.kept(".json").len(), 0);
        // Changed in the store.
        wait(store.create(ObjectKey::Blob(fixture.file.sha256()), bytes.clone())).unwrap();
        for read in [
            fixture.download(&store, "fetched"),
            wait(verify(&store, fixture.file.sha256(), LENGTH as u64)).map(drop),
        ] {
            assert!(
                matches!(read, Err(RegistryError::Integrity { .. })),
                "{read:?}"
            );
        }
        assert!(!fixture.path("fetched").exists());
        bytes[LENGTH - 1] ^= 1;
        fs::write(fixture.path("bundle/weights"), bytes).unwrap();
    }
}

#[test]
fn other_bytes_never_get_a_name_in_memory_or_in_a_folder() {
    let fixture = UploadFixture::new();
    other_bytes_get_no_name(&fixture, fixture.stores());
}

#[test]
#[ignore = "needs an S3 server; scripts/test starts one"]
fn other_bytes_never_get_a_name_in_a_bucket() {
    let fixture = UploadFixture::new();
    other_bytes_get_no_name(&fixture, [fixture.bucket("a", Reporter::silent())]);
}

/// The error that object_store makes of each status: a named variant if the status has one, otherwise a text.
#[test]
fn an_upload_outlives_who_may_not_go_on_with_it_now() {
    let refused = |status: &str| object_store::Error::Generic {
        store: "S3",
        source: format!("Server returned non-2xx status code: {status}").into(),
    };
    let path = || ("blobs/x".to_owned(), "403 Forbidden".into());
    let (denied, gone) = (path(), path());
    let hopeless = [
        (
            object_store::Error::PermissionDenied {
                path: denied.0,
                source: denied.1,
            },
            false,
        ),
        (
            object_store::Error::NotFound {
                path: gone.0,
                source: gone.1,
            },
            true,
        ),
        (refused("400 Bad Request: <Code>ExpiredToken</Code>"), false),
        (
            refused("400 Bad Request: <Code>RequestTimeout</Code>"),
            false,
        ),
        (refused("400 Bad Request: <Code>InvalidPart</Code>"), true),
        (refused("503 Service Unavailable"), false),
    ];
    for (error, expected) in hopeless {
        assert_eq!(upload::UploadError::Store(error).is_permanent(), expected);
    }
}

#[test]
#[ignore = "needs an S3 server; scripts/test starts one"]
fn an_interrupted_transfer_sends_and_fetches_only_what_is_missing() {
    let fixture = UploadFixture::new();
    let store = fixture.bucket("b", stopping_after(2).0);
    assert!(matches!(
        wait(upload(&store, &fixture.file)),
        Err(RegistryError::Interrupted(_))
    ));
    assert_eq!(
        wait(store.length(ObjectKey::Blob(fixture.file.sha256()))).unwrap(),
        None
    );
    let kept = fixture.kept(".upload.json").remove(0);
    let before: serde_json::Value = serde_json::from_slice(&fs::read(&kept).unwrap()).unwrap();
    assert_eq!(before["parts"].as_object().unwrap().len(), 2, "{before:#}");
    // The next run goes on with the same upload, and is stopped before it puts all together.
    let store = fixture.bucket("b", stopping_after(3).0);
    assert!(matches!(
        wait(upload(&store, &fixture.file)),
        Err(RegistryError::Interrupted(_))
    ));
    let after: serde_json::Value = serde_json::from_slice(&fs::read(&kept).unwrap()).unwrap();
    assert_eq!(
        (&after["upload"], after["parts"].as_object().unwrap().len()),
        (&before["upload"], 3)
    );
    for part in before["parts"].as_object().unwrap() {
        assert_eq!(&after["parts"][part.0], part.1);
    }
    let store = fixture.bucket("b", Reporter::silent());
    wait(upload(&store, &fixture.file)).unwrap();
    assert!(!kept.exists());

    let stopped = fixture.bucket("b", stopping_after(1).0);
    assert!(matches!(
        fixture.download(&stopped, "fetched"),
        Err(RegistryError::Interrupted(_))
    ));
    let part = fixture.kept(".part").remove(0);
    assert_eq!(fs::metadata(&part).unwrap().len(), 1 << 23);
    let (reporter, fetched) = stopping_after(99);
    let store = fixture.bucket("b", reporter);
    fixture.download(&store, "fetched").unwrap();
    assert_eq!(fetched.1.load(Ordering::Relaxed), 2);
    assert!(same(&fixture.path("fetched"), &fixture.path("bundle/weights")) && !part.exists());
}

#[test]
#[ignore = "needs an S3 server; scripts/test starts one"]
fn what_an_earlier_run_left_damaged_or_gone_is_moved_again() {
    let fixture = UploadFixture::new();
    let store = fixture.bucket("c", stopping_after(1).0);
    wait(upload(&store, &fixture.file)).unwrap_err();
    let kept = fixture.kept(".upload.json").remove(0);
    let mut record: serde_json::Value = serde_json::from_slice(&fs::read(&kept).unwrap()).unwrap();
    record["upload"] = "gone".into();
    fs::write(&kept, record.to_string()).unwrap();
    let store = fixture.bucket("c", Reporter::silent());
    wait(upload(&store, &fixture.file)).unwrap();
    wait(verify(&store, fixture.file.sha256(), LENGTH as u64)).unwrap();

    fs::write(
        fixture
            .path("state_dir")
            .join(format!("{}.part", fixture.file.sha256())),
        vec![0; 1 << 23],
    )
    .unwrap();
    fixture.download(&store, "fetched").unwrap();
    assert!(same(
        &fixture.path("fetched"),
        &fixture.path("bundle/weights")
    ));
}

#[test]
#[ignore = "needs an S3 server; scripts/test starts one"]
fn an_abandoned_upload_is_ended_in_the_bucket_too() {
    let fixture = UploadFixture::new();
    let store = fixture.bucket("d", stopping_after(2).0);
    wait(upload(&store, &fixture.file)).unwrap_err();
    let kept = fixture.kept(".upload.json").remove(0);
    let record: serde_json::Value = serde_json::from_slice(&fs::read(&kept).unwrap()).unwrap();
    let age = |days: u64| {
        let then = std::time::SystemTime::now() - std::time::Duration::from_secs(days * 86_400);
        fs::File::options()
            .write(true)
            .open(&kept)
            .unwrap()
            .set_modified(then)
            .unwrap();
    };
    let leftovers = |store: &Store| {
        let registry = Registry::new(store.clone()).unwrap();
        let now = jiff::Timestamp::now();
        (
            registry
                .leftovers(jiff::SignedDuration::from_hours(48), now)
                .unwrap(),
            registry,
        )
    };
    let store = fixture.bucket("d", Reporter::silent());
    assert_eq!(leftovers(&store).0, []);
    age(3);
    let other = fixture.bucket("e", Reporter::silent());
    assert_eq!(
        leftovers(&other).0,
        [],
        "uploads to other registries are left alone"
    );
    let (found, registry) = leftovers(&store);
    let held = fs::File::options()
        .write(true)
        .open(kept.with_file_name("uploads.lock"))
        .unwrap();
    held.lock().unwrap();
    assert_eq!(
        registry.sweep(&found).unwrap().kept,
        [(kept.clone(), "in use by another process".to_owned())]
    );
    drop(held);
    assert_eq!(
        registry.sweep(&found).unwrap(),
        Swept {
            removed: found,
            kept: vec![]
        }
    );
    assert!(!kept.exists());
    let (parts, at) = store.parts(ObjectKey::Blob(fixture.file.sha256())).unwrap();
    let upload = record["upload"].as_str().unwrap().to_owned();
    wait(parts.put_part(&at, &upload, 0, "x".into())).unwrap_err();
}

#[test]
#[ignore = "needs an S3 server; scripts/test starts one"]
fn an_upload_begun_long_ago_is_restarted() {
    let fixture = UploadFixture::new();
    let store = fixture.bucket("f", stopping_after(2).0);
    let at = |hours: i64| {
        let time = jiff::Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(hours);
        store.relying(
            &Arc::default(),
            &Stamp {
                time,
                actor: "ada".to_owned(),
            },
        )
    };
    let upload_of = |store: &Store| {
        wait(upload(store, &fixture.file)).unwrap_err();
        let record: serde_json::Value =
            serde_json::from_slice(&fs::read(&fixture.kept(".upload.json")[0]).unwrap()).unwrap();
        record["upload"].as_str().unwrap().to_owned()
    };
    // Interrupted once stopped, whatever is sent.
    let uploads = [0, 23, 24, 25].map(|hours| upload_of(&at(hours)));
    assert_eq!(uploads[0], uploads[1]);
    assert_ne!(uploads[1], uploads[2]);
    assert_eq!(uploads[2], uploads[3]);
}

#[test]
fn a_blob_cut_short_is_damaged_wherever_it_was_cut() {
    let fixture = UploadFixture::new();
    let store = Store::open("store", fixture.folder.path()).unwrap();
    wait(upload(&store, &fixture.file)).unwrap();
    let path = fixture
        .path("store")
        .join(ObjectKey::Blob(fixture.file.sha256()).to_string());
    for length in [LENGTH as u64 - 1, 1 << 23, 5, 0] {
        fs::OpenOptions::new()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(length)
            .unwrap();
        for read in [
            fixture.download(&store, "fetched"),
            wait(verify(&store, fixture.file.sha256(), LENGTH as u64)).map(drop),
        ] {
            assert!(
                matches!(read, Err(RegistryError::Integrity { .. })),
                "{length}: {read:?}"
            );
        }
    }
    assert!(matches!(
        wait(upload(&store, &fixture.file)),
        Err(RegistryError::Integrity { .. })
    ));
    fs::remove_file(&path).unwrap();
    assert!(matches!(
        fixture.download(&store, "fetched"),
        Err(RegistryError::Integrity { .. })
    ));
}

#[test]
fn parts_grow_so_that_no_blob_has_too_many() {
    for bytes in [1, PART, 80 << 30, (80 << 30) + 1, 5 << 40] {
        let length = part_length(bytes);
        assert!(
            length >= PART
                && length.is_multiple_of(1 << 20)
                && bytes.div_ceil(length) <= MOST_PARTS,
            "{bytes}"
        );
    }
}
