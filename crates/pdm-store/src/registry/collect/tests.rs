//! Tests of collecting.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::registry::blocking::{Registry, wait};
use crate::registry::keys::ObjectKey;
use crate::registry::samples::{model, stamp, version};
use crate::registry::{
    Failure, ModelRef, NewFile, NewVersion, OpenOptions, RegistryError, Stamp, Store,
};
use pdm_core::content::Digest;

const DAY: Duration = Duration::from_secs(86_400);

/// A registry on disk, whose files' ages can be set.
struct CollectFixture {
    folder: TempDir,
    registry: Registry,
}

impl CollectFixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state_dir = Some(folder.path().join("transfers"));
        let store = Store::open(
            "store",
            OpenOptions {
                state_dir,
                ..folder.path().into()
            },
        )
        .unwrap();
        Self {
            registry: Registry::new(store).unwrap(),
            folder,
        }
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    fn blob(&self, blob: Digest) -> PathBuf {
        self.path("store").join(ObjectKey::Blob(blob).to_string())
    }

    fn write(&self, name: &str, days_old: u32) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, name).unwrap();
        age(&path, days_old);
        path
    }

    fn leftovers(&self) -> Vec<Leftover> {
        self.registry
            .leftovers(LEAST_GRACE, Timestamp::now())
            .unwrap()
    }
}

fn age(path: &Path, days: u32) {
    File::open(path)
        .unwrap()
        .set_modified(SystemTime::now() - DAY * days)
        .unwrap();
}

fn is_old(path: &Path) -> bool {
    path.metadata().unwrap().modified().unwrap() < SystemTime::now() - DAY
}

/// Acts at this very time, by the clock of the disk.
fn now() -> Stamp {
    Stamp {
        time: Timestamp::now(),
        ..stamp(0)
    }
}

#[test]
fn a_blob_that_may_be_collected_is_written_again_before_it_is_relied_on() {
    let fixture = CollectFixture::new();
    let long = NewFile::of_bytes("long".parse().unwrap(), vec![7; 9 << 20]);
    std::fs::create_dir(fixture.path("bundle")).unwrap();
    std::fs::write(fixture.path("bundle/long"), vec![7; 9 << 20]).unwrap();
    let files = NewFile::read_folder(&fixture.path("bundle")).unwrap();
    let new = NewVersion {
        files: [files, version("a", 1.0).files].concat(),
        ..version("a", 1.0)
    };
    let registered = fixture.registry.register(&new, &now()).unwrap().version;
    assert!(registered.blobs().any(|blob| blob == long.sha256()));
    let blobs: Vec<_> = registered.blobs().map(|blob| fixture.blob(blob)).collect();
    let again = |name: &str| {
        blobs.iter().for_each(|path| age(path, 3));
        let other = NewVersion {
            model: name.parse().unwrap(),
            ..new.clone()
        };
        assert!(fixture.registry.register(&other, &now()).unwrap().is_new);
        blobs.iter().filter(|path| is_old(path)).count()
    };
    assert_eq!(
        again("in-use"),
        blobs.len(),
        "what a version in use rests on is relied on"
    );
    for name in [model().as_str(), "in-use"] {
        fixture
            .registry
            .retire(&ModelRef::version(name.parse().unwrap(), 1), "old", &now())
            .unwrap();
    }
    assert_eq!(
        again("late"),
        0,
        "nothing in use rests on it, and it is old"
    );
    // A young one is relied on: killed writers go on where they were.
    fixture
        .registry
        .retire(
            &ModelRef::version("late".parse().unwrap(), 1),
            "old",
            &now(),
        )
        .unwrap();
    let before: Vec<_> = blobs
        .iter()
        .map(|path| path.metadata().unwrap().modified().unwrap())
        .collect();
    fixture
        .registry
        .register(
            &NewVersion {
                model: "next".parse().unwrap(),
                ..new.clone()
            },
            &now(),
        )
        .unwrap();
    assert_eq!(
        blobs
            .iter()
            .map(|path| path.metadata().unwrap().modified().unwrap())
            .collect::<Vec<_>>(),
        before
    );
}

#[test]
fn orphans_go_when_they_are_old_and_a_look_before_the_removal_spares_what_is_young_again() {
    let fixture = CollectFixture::new();
    let kept = fixture
        .registry
        .register(&version("a", 1.0), &now())
        .unwrap()
        .version;
    let orphans =
        ["x", "y", "z"].map(|text| wait(fixture.registry.store().put_blob(text.into())).unwrap());
    orphans[..2]
        .iter()
        .for_each(|blob| age(&fixture.blob(*blob), 8));
    kept.blobs().for_each(|blob| age(&fixture.blob(blob), 8));
    let found = fixture
        .registry
        .collectable(SignedDuration::from_hours(7 * 24), now().time)
        .unwrap();
    assert_eq!(
        (
            found.blobs.len(),
            found.bytes,
            found.young,
            found.versions.len()
        ),
        (2, 2, 1, 0)
    );
    age(&fixture.blob(orphans[0]), 0);
    let removed = fixture.registry.collect(&found, false, &now()).unwrap();
    assert_eq!((removed.blobs, removed.entry), (1, None));
    assert_eq!(
        orphans.map(|blob| fixture.blob(blob).exists()),
        [true, false, true]
    );
    fixture.registry.check(&kept).unwrap();
}

#[test]
fn a_snapshot_that_reaches_beyond_the_log_or_is_damaged_asks_for_force() {
    let fixture = CollectFixture::new();
    let note = |_| {
        _ = fixture
            .registry
            .annotate(&ModelRef::version(model(), 1), "note", &now())
            .unwrap()
    };
    fixture
        .registry
        .register(&version("a", 1.0), &now())
        .unwrap();
    (2..=126).for_each(note);
    let lost = fixture
        .registry
        .register(&version("b", 0.9), &now())
        .unwrap()
        .version;
    (128..=130).for_each(note);
    std::fs::read_dir(fixture.path("store/blobs/sha256"))
        .unwrap()
        .for_each(|blob| age(&blob.unwrap().path(), 8));
    for entry in 127..=130 {
        std::fs::remove_file(
            fixture
                .path("store")
                .join(ObjectKey::Log(entry).to_string()),
        )
        .unwrap();
    }
    let found = || {
        let registry = Registry::open("store", fixture.folder.path()).unwrap();
        registry.collectable(LEAST_GRACE, now().time).unwrap()
    };
    let refused = |found: &Collectable| fixture.registry.collect(found, false, &now()).unwrap_err();
    let first = refused(&found());
    assert_eq!(first.failure(), Failure::Integrity);
    let key = ObjectKey::Snapshot(128);
    let beyond = format!("`{key}` holds entries up to 128, but the log ends at entry 126");
    assert!(first.to_string().contains(&beyond), "{first}");
    assert!(first.hint().unwrap().contains("--force"));
    assert!(lost.blobs().all(|blob| fixture.blob(blob).exists()));
    std::fs::write(fixture.path("store").join(key.to_string()), "cut").unwrap();
    let damaged = refused(&found());
    assert!(damaged.to_string().contains("is damaged"), "{damaged}");
    // Who knows that nothing is missing takes the snapshot away.
    std::fs::remove_file(fixture.path("store").join(key.to_string())).unwrap();
    assert_eq!(found().doubt, None);
}

#[test]
fn a_short_grace_and_a_wrong_clock_remove_nothing() {
    let fixture = CollectFixture::new();
    fixture
        .registry
        .register(&version("a", 1.0), &now())
        .unwrap();
    let orphan = wait(fixture.registry.store().put_blob("x".into())).unwrap();
    age(&fixture.blob(orphan), 8);
    let short = SignedDuration::from_hours(47);
    assert!(matches!(
        fixture.registry.collectable(short, now().time),
        Err(RegistryError::Grace { .. })
    ));
    assert!(matches!(
        fixture.registry.leftovers(short, now().time),
        Err(RegistryError::Grace { .. })
    ));
    let found = fixture
        .registry
        .collectable(LEAST_GRACE, now().time)
        .unwrap();
    let off = SignedDuration::from_hours(2);
    for time in [now().time + off, now().time - off] {
        let refused = fixture
            .registry
            .collect(&found, false, &Stamp { time, ..now() })
            .unwrap_err();
        assert!(matches!(refused, RegistryError::Clock { .. }), "{refused}");
    }
    assert!(fixture.blob(orphan).exists());
}

#[test]
fn a_slow_clock_retires_nothing_earlier() {
    let fixture = CollectFixture::new();
    let version = fixture
        .registry
        .register(&version("a", 1.0), &now())
        .unwrap()
        .version;
    version.blobs().for_each(|blob| age(&fixture.blob(blob), 8));
    let slow = Stamp {
        time: now().time - LEAST_GRACE * 4,
        ..now()
    };
    fixture
        .registry
        .retire(&ModelRef::version(model(), 1), "old", &slow)
        .unwrap();
    let found = || {
        fixture
            .registry
            .collectable(LEAST_GRACE, now().time)
            .unwrap()
    };
    assert_eq!((found().blobs, found().versions), (vec![], vec![]));
    age(
        &fixture.path("store").join(ObjectKey::Log(2).to_string()),
        3,
    );
    assert_eq!(found().versions, [version.id()]);
}

#[test]
fn leftovers_of_killed_jobs_are_removed_when_they_are_old_and_unused() {
    let fixture = CollectFixture::new();
    fixture
        .registry
        .register(&version("a", 1.0), &now())
        .unwrap();
    let digest = Digest::of("x");
    let log = format!("store/{}#1", ObjectKey::Log(9));
    let old = [
        format!("transfers/{digest}.part"),
        format!("transfers/{digest}.upload.new"),
        log,
    ];
    let old = old.map(|name| fixture.write(&name, 3));
    let blob = fixture.write(&format!("store/{}#2", ObjectKey::Blob(digest)), 3);
    let inside = fixture.write("transfers/.tmpAbC/blob", 3);
    let folder = inside.parent().unwrap().to_owned();
    age(&folder, 3);
    let held = fixture.write(&format!("transfers/{}.part", Digest::of("y")), 3);
    let lock = File::options().write(true).open(&held).unwrap();
    lock.lock().unwrap();
    age(&held, 3);
    let young = fixture.write(&format!("transfers/{}.part", Digest::of("z")), 1);
    // A folder is as young as the youngest file in it.
    let busy = fixture.write("transfers/.tmpXyZ/blob", 1);
    age(busy.parent().unwrap(), 3);
    let foreign = fixture.write("transfers/notes.txt", 9);

    let found = fixture.leftovers();
    let mut expected: Vec<_> = old.iter().chain([&blob, &folder, &held]).cloned().collect();
    expected.sort();
    assert_eq!(
        found
            .iter()
            .map(|leftover| leftover.path.clone())
            .collect::<Vec<_>>(),
        expected
    );
    let swept = fixture.registry.sweep(&found).unwrap();
    assert_eq!(
        swept.kept,
        [(held.clone(), "in use by another process".to_owned())]
    );
    assert_eq!(swept.removed.len(), expected.len() - 1);
    assert!(
        [&held, &young, &busy, &foreign]
            .iter()
            .all(|path| path.exists())
    );
    assert!(
        old.iter()
            .chain([&blob, &folder])
            .all(|path| !path.exists())
    );
    assert!(fixture.registry.verify().unwrap().is_intact());
}
