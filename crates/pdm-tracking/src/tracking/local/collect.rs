//! Removes old runs: lists which can be removed and why the others stay, and removes each only while it is not in use.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{ListedRun, RunFilter, RunStore, Unreadable};
use crate::tracking::{RunId, RunStatus, TrackingError};
use pdm_core::content::FileLock;

/// Prefix of the folder of a run that is being removed.
const REMOVING: &str = ".removing-";

/// Which runs can be removed. A run must meet all conditions.
#[derive(Debug, Clone, Default)]
pub struct RunPolicy {
    /// This number of newest runs stays.
    pub keep: usize,
    /// Only runs that ended longer ago than this.
    pub older_than: Option<SignedDuration>,
    /// Only runs with these statuses; if empty, all that have ended.
    pub status: Vec<RunStatus>,
}

/// A run that can be removed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RemovableRun {
    /// The run.
    #[serde(flatten)]
    pub run: ListedRun,
    /// Bytes of its folder.
    pub bytes: u64,
}

/// A run that meets the policy but stays.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeptRun {
    /// Id of the run.
    pub id: RunId,
    /// Shortest unique prefix of the id.
    pub short: String,
    /// Why it stays.
    pub why: String,
}

/// The runs of a store under a policy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunsToRemove {
    /// Runs that can be removed, newest first.
    pub found: Vec<RemovableRun>,
    /// Bytes of their folders.
    pub bytes: u64,
    /// Runs the policy would remove, and why they stay.
    pub kept: Vec<KeptRun>,
    /// Number of runs that are too new, or have another status.
    pub stay: usize,
    /// Runs whose journal cannot be read; they stay.
    pub unreadable: Vec<Unreadable>,
}

/// Result of removing a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunRemoval {
    /// It was removed.
    Removed,
    /// Another process writes it, or copies it to a server; it stays.
    InUse,
    /// Another process removed it.
    Gone,
}

impl RunStore {
    /// Finds the runs that can be removed now; `forbids` returns why one must stay. Nothing is written.
    ///
    /// # Errors
    /// [`TrackingError::File`] if the folder cannot be read.
    pub fn removable(
        &self,
        policy: &RunPolicy,
        now: Timestamp,
        forbids: impl Fn(&ListedRun) -> Option<String>,
    ) -> Result<RunsToRemove, TrackingError> {
        let listing = self.listed(&RunFilter::default())?;
        let mut found = Vec::new();
        let mut kept = Vec::new();
        let mut stay = 0;
        for (newer, run) in listing.runs.into_iter().enumerate() {
            if newer < policy.keep || !policy.names(&run, now) {
                stay += 1;
                continue;
            }
            let why = match run.summary.status {
                RunStatus::Running => Some("it is running".to_owned()),
                RunStatus::Finished | RunStatus::Failed | RunStatus::Killed => forbids(&run),
            };
            match why {
                Some(why) => kept.push(KeptRun {
                    id: run.summary.id,
                    short: run.summary.short,
                    why,
                }),
                None => {
                    let bytes = bytes_below(self.folder(run.summary.id).path());
                    found.push(RemovableRun { run, bytes });
                }
            }
        }
        let bytes = found.iter().map(|run| run.bytes).sum();
        Ok(RunsToRemove {
            found,
            bytes,
            kept,
            stay,
            unreadable: listing.unreadable,
        })
    }

    /// Removes a run, unless it is in use. Its folder is renamed first, so that a removal that is killed leaves no
    /// incomplete run; the next removal deletes the rest.
    ///
    /// # Errors
    /// [`TrackingError::File`] if the folder cannot be removed.
    pub fn remove(&self, run: RunId) -> Result<RunRemoval, TrackingError> {
        let folder = self.folder(run);
        if !folder.journal().is_file() {
            return Ok(RunRemoval::Gone);
        }
        let lock =
            |path: &Path| FileLock::try_take(path).map_err(TrackingError::file("lock", path));
        let (Some(_run), Some(_copy)) = (lock(&folder.lock())?, lock(&folder.sync_lock())?) else {
            return Ok(RunRemoval::InUse);
        };
        let renamed = self.dir().join(format!("{REMOVING}{run}"));
        match fs::rename(folder.path(), &renamed) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(RunRemoval::Gone),
            moved => moved.map_err(TrackingError::file("remove", folder.path()))?,
        }
        fs::remove_dir_all(&renamed).map_err(TrackingError::file("remove", &renamed))?;
        Ok(RunRemoval::Removed)
    }

    /// Completes removals that were killed.
    ///
    /// # Errors
    /// [`TrackingError::File`] if something cannot be removed.
    pub fn finish_removals(&self) -> Result<(), TrackingError> {
        let entries = match fs::read_dir(self.dir()) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(TrackingError::file("read", self.dir())(error)),
        };
        for entry in entries {
            let entry = entry.map_err(TrackingError::file("read", self.dir()))?;
            if entry.file_name().to_string_lossy().starts_with(REMOVING) {
                fs::remove_dir_all(entry.path())
                    .map_err(TrackingError::file("remove", &entry.path()))?;
            }
        }
        Ok(())
    }
}

impl RunPolicy {
    fn names(&self, run: &ListedRun, now: Timestamp) -> bool {
        let of_status = self.status.is_empty() || self.status.contains(&run.summary.status);
        let age = |age: SignedDuration| {
            let ended = run.summary.ended.unwrap_or(now);
            now.duration_since(ended) > age
        };
        of_status && self.older_than.is_none_or(age)
    }
}

/// Returns the bytes of all files below a folder; unreadable files count as empty. Links are not followed.
fn bytes_below(folder: &Path) -> u64 {
    let entries: io::Result<Vec<_>> = fs::read_dir(folder).and_then(Iterator::collect);
    let mut bytes = 0;
    for entry in entries.unwrap_or_default() {
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        if metadata.is_dir() {
            bytes += bytes_below(&entry.path());
        } else if metadata.is_file() {
            bytes += metadata.len();
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracking::{ActiveRun, RunHeader, RunOutcome};
    use pdm_core::events::{Interrupt, Reporter};

    fn started(store: &RunStore) -> ActiveRun {
        store
            .start(
                RunHeader::new("n", "p.toml", "e"),
                &Reporter::new(Interrupt::default()),
            )
            .unwrap()
    }

    fn removable(store: &RunStore, policy: &RunPolicy) -> RunsToRemove {
        store.removable(policy, Timestamp::now(), |_| None).unwrap()
    }

    #[test]
    fn the_newest_and_the_running_stay() {
        let folder = tempfile::tempdir().unwrap();
        let store = RunStore::open(folder.path());
        let runs: Vec<_> = (0..4).map(|_| started(&store)).collect();
        runs[..3]
            .iter()
            .for_each(|run| run.finish(RunOutcome::Finished).unwrap());
        let found = removable(
            &store,
            &RunPolicy {
                keep: 1,
                ..RunPolicy::default()
            },
        );
        let ids: Vec<_> = found.found.iter().map(|run| run.run.summary.id).collect();
        assert_eq!(
            ids,
            [runs[2].id(), runs[1].id(), runs[0].id()],
            "the running one is the newest"
        );
        assert_eq!((found.stay, found.kept.len()), (1, 0));

        let all = removable(&store, &RunPolicy::default());
        assert_eq!(
            all.kept
                .iter()
                .map(|run| (run.id, run.why.as_str()))
                .collect::<Vec<_>>(),
            [(runs[3].id(), "it is running")]
        );
        assert!(all.bytes > 0 && all.bytes == all.found.iter().map(|run| run.bytes).sum::<u64>());
    }

    #[test]
    fn only_old_ones_and_those_of_a_status() {
        let folder = tempfile::tempdir().unwrap();
        let store = RunStore::open(folder.path());
        let (failed, finished) = (started(&store), started(&store));
        failed.finish(RunOutcome::Failed).unwrap();
        finished.finish(RunOutcome::Finished).unwrap();
        let policy = RunPolicy {
            status: vec![RunStatus::Failed],
            ..RunPolicy::default()
        };
        assert_eq!(
            removable(&store, &policy).found[0].run.summary.id,
            failed.id()
        );
        let day = RunPolicy {
            older_than: Some(SignedDuration::from_hours(24)),
            ..RunPolicy::default()
        };
        assert!(removable(&store, &day).found.is_empty());
        let later = Timestamp::now() + SignedDuration::from_hours(25);
        assert_eq!(
            store.removable(&day, later, |_| None).unwrap().found.len(),
            2
        );
    }

    #[test]
    fn a_run_somebody_works_on_is_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        let store = RunStore::open(folder.path());
        let run = started(&store);
        assert_eq!(store.remove(run.id()).unwrap(), RunRemoval::InUse);
        run.finish(RunOutcome::Finished).unwrap();
        let id = run.id();
        drop(run);
        assert_eq!(store.remove(id).unwrap(), RunRemoval::Removed);
        assert_eq!(store.remove(id).unwrap(), RunRemoval::Gone);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_removal_that_was_killed_is_finished_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join(".removing-x/artifacts")).unwrap();
        RunStore::open(folder.path()).finish_removals().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
