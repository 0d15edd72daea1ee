//! Digests of files that were hashed before, valid as long as the file system reports no change.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use pdm_core::content::{Digest, MOST_OF_A_NOTE, atomic_write, read_at_most};

/// Layout of the file; one with another layout is ignored.
const FORMAT: u32 = 1;
/// A file that changed this shortly before it was hashed may have changed again within the same tick of the clock. The coarsest
/// clock of a common file system, that of FAT, ticks every 2 s.
const RACY: Duration = Duration::from_secs(2);

/// The metadata of a file; any change of its bytes changes this, unless the clock is set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct FileStat {
    bytes: u64,
    modified_ns: u64,
    /// Time of the last change of bytes or attributes, which programs cannot set; zero where the system keeps none.
    changed_ns: u64,
    inode: u64,
    device: u64,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct KnownDigest {
    seen: FileStat,
    /// When the file was about to be hashed, in nanoseconds since 1970.
    hashed_ns: u64,
    sha256: Digest,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct DigestCacheFile {
    format: u32,
    files: BTreeMap<String, KnownDigest>,
}

/// A file with digests of files and their metadata. Threads may share it.
///
/// Where that file is damaged or cannot be read or written, all files are hashed again.
#[derive(Debug)]
pub struct DigestCache {
    path: PathBuf,
    state: Mutex<DigestCacheState>,
}

#[derive(Debug, Default)]
struct DigestCacheState {
    files: BTreeMap<String, KnownDigest>,
    /// Those that are not saved yet.
    unsaved: BTreeMap<String, KnownDigest>,
}

impl DigestCache {
    /// Reads the digests in the file at `path`, which need not exist.
    pub fn open(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let files = read(&path);
        Self {
            path,
            state: Mutex::new(DigestCacheState {
                files,
                ..DigestCacheState::default()
            }),
        }
    }

    /// Returns a cache without its digests: every file is hashed again.
    #[must_use]
    pub fn hashing_all(self) -> Self {
        self.lock().files.clear();
        self
    }

    /// Returns the digest of a file, and its size in bytes.
    ///
    /// # Errors
    /// The file cannot be opened or read.
    pub fn digest(&self, path: &Path) -> io::Result<(Digest, u64)> {
        let seen = FileStat::of(&fs::metadata(path)?);
        let name = path.to_string_lossy();
        if let Some(known) = self.lock().files.get(name.as_ref())
            && known.is_valid_for(&seen)
        {
            return Ok((known.sha256, seen.bytes));
        }
        let hashed_ns = nanoseconds(SystemTime::now());
        let sha256 = Digest::of_file(path)?;
        // A file that changed meanwhile is hashed again next time.
        if FileStat::of(&fs::metadata(path)?) == seen {
            let known = KnownDigest {
                seen,
                hashed_ns,
                sha256,
            };
            let mut state = self.lock();
            state.files.insert(name.to_string(), known);
            state.unsaved.insert(name.into_owned(), known);
        }
        Ok((sha256, seen.bytes))
    }

    /// Saves the new digests, and keeps those that other processes have saved meanwhile; deleted files are dropped.
    pub fn save(&self) {
        let unsaved = std::mem::take(&mut self.lock().unsaved);
        if unsaved.is_empty() {
            return;
        }
        let mut files = read(&self.path);
        files.extend(unsaved);
        files.retain(|path, _| Path::new(path).is_file());
        if let Ok(bytes) = serde_json::to_vec_pretty(&DigestCacheFile {
            format: FORMAT,
            files,
        }) {
            // On a read-only disk, all files are hashed every time.
            let _unwritten = atomic_write(&self.path, &bytes);
        }
    }

    /// Deletes all digests, after a file was found to have other bytes than its digest says.
    pub fn forget(path: &Path) {
        let _absent = fs::remove_file(path);
    }

    fn lock(&self) -> MutexGuard<'_, DigestCacheState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path) -> BTreeMap<String, KnownDigest> {
    let Ok(bytes) = read_at_most(path, MOST_OF_A_NOTE) else {
        return BTreeMap::new();
    };
    match serde_json::from_slice::<DigestCacheFile>(&bytes) {
        Ok(contents) if contents.format == FORMAT => contents.files,
        Ok(_) | Err(_) => BTreeMap::new(),
    }
}

impl KnownDigest {
    fn is_valid_for(&self, seen: &FileStat) -> bool {
        let settled = self
            .seen
            .modified_ns
            .max(self.seen.changed_ns)
            .saturating_add(RACY.as_nanos() as u64);
        self.seen == *seen && settled < self.hashed_ns
    }
}

impl FileStat {
    fn of(found: &Metadata) -> Self {
        let modified_ns = found.modified().map_or(0, nanoseconds);
        let [changed_ns, inode, device] = identity(found);
        Self {
            bytes: found.len(),
            modified_ns,
            changed_ns,
            inode,
            device,
        }
    }
}

#[cfg(unix)]
fn identity(found: &Metadata) -> [u64; 3] {
    use std::os::unix::fs::MetadataExt;
    let seconds = u64::try_from(found.ctime()).unwrap_or(0);
    let changed = seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(u64::try_from(found.ctime_nsec()).unwrap_or(0));
    [changed, found.ino(), found.dev()]
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> [u64; 3] {
    [0; 3]
}

fn nanoseconds(time: SystemTime) -> u64 {
    let since_1970 = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    struct CacheFolder {
        folder: tempfile::TempDir,
    }

    impl CacheFolder {
        fn new(bytes: &str) -> Self {
            let place = Self {
                folder: tempfile::tempdir().unwrap(),
            };
            fs::write(place.data(), bytes).unwrap();
            place
        }

        fn data(&self) -> PathBuf {
            self.folder.path().join("train.txt")
        }

        fn cache_file(&self) -> PathBuf {
            self.folder.path().join("inputs.json")
        }

        /// Hashes once and says that this was long after the last change.
        fn settled(bytes: &str) -> Self {
            let place = Self::new(bytes);
            place.look();
            let mut contents: DigestCacheFile =
                serde_json::from_slice(&fs::read(place.cache_file()).unwrap()).unwrap();
            contents
                .files
                .values_mut()
                .for_each(|known| known.hashed_ns += 3_000_000_000);
            fs::write(place.cache_file(), serde_json::to_vec(&contents).unwrap()).unwrap();
            place
        }

        fn look(&self) -> Digest {
            let cache = DigestCache::open(self.cache_file());
            let (digest, bytes) = cache.digest(&self.data()).unwrap();
            assert_eq!(bytes, fs::metadata(self.data()).unwrap().len());
            cache.save();
            digest
        }

        /// Puts a wrong digest into the file: a cache that returns it did not hash.
        fn plant(&self, digest: Digest) {
            let mut contents: DigestCacheFile =
                serde_json::from_slice(&fs::read(self.cache_file()).unwrap()).unwrap();
            contents
                .files
                .values_mut()
                .for_each(|known| known.sha256 = digest);
            fs::write(self.cache_file(), serde_json::to_vec(&contents).unwrap()).unwrap();
        }
    }

    #[test]
    fn a_file_nothing_happened_to_is_not_hashed_again() {
        let (place, planted) = (CacheFolder::settled("rows"), Digest::of("planted"));
        place.plant(planted);
        assert_eq!(place.look(), planted);
        let hashing_all = DigestCache::open(place.cache_file()).hashing_all();
        assert_eq!(
            hashing_all.digest(&place.data()).unwrap().0,
            Digest::of("rows")
        );
    }

    #[test]
    fn a_file_that_was_hashed_right_after_it_was_written_is_hashed_again() {
        let place = CacheFolder::new("rows");
        place.look();
        place.plant(Digest::of("planted"));
        assert_eq!(place.look(), Digest::of("rows"), "racily clean");
    }

    #[test]
    fn the_same_size_and_time_do_not_hide_a_change() {
        let place = CacheFolder::settled("rows");
        let before = fs::metadata(place.data()).unwrap().modified().unwrap();
        fs::write(place.data(), "swor").unwrap();
        File::options()
            .write(true)
            .open(place.data())
            .unwrap()
            .set_modified(before)
            .unwrap();
        assert_eq!(
            place.look(),
            Digest::of("swor"),
            "the inode's own time gives it away"
        );
        let place = CacheFolder::settled("rows");
        let other = place.folder.path().join("other");
        fs::write(&other, "swor").unwrap();
        fs::rename(&other, place.data()).unwrap();
        assert_eq!(
            place.look(),
            Digest::of("swor"),
            "another file took its place"
        );
    }

    #[test]
    fn a_damaged_file_is_ignored() {
        for damage in [
            &b""[..],
            b"{",
            b"{\"format\": 2, \"files\": {}}",
            b"[]",
            b"\xff\x00",
        ] {
            let place = CacheFolder::settled("rows");
            fs::write(place.cache_file(), damage).unwrap();
            assert_eq!(place.look(), Digest::of("rows"));
        }
        let place = CacheFolder::settled("rows");
        fs::remove_file(place.cache_file()).unwrap();
        fs::create_dir(place.cache_file()).unwrap();
        assert_eq!(place.look(), Digest::of("rows"), "neither read nor written");
    }

    #[test]
    fn what_is_gone_is_forgotten_and_a_missing_file_is_an_error() {
        let place = CacheFolder::settled("rows");
        fs::rename(place.data(), place.folder.path().join("elsewhere")).unwrap();
        assert!(
            DigestCache::open(place.cache_file())
                .digest(&place.data())
                .is_err()
        );
        let cache = DigestCache::open(place.cache_file());
        cache
            .digest(&place.folder.path().join("elsewhere"))
            .unwrap();
        cache.save();
        assert_eq!(read(&place.cache_file()).len(), 1);
    }
}
