//! Finds and removes the entries of a cache that are no longer needed.

use std::fs;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::error::{At, remove_folder};
use super::lock::StageLock;
use super::{Cache, CacheError, Stored};

/// What may be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// How long an entry must have been unused.
    pub older_than: Duration,
    /// How many entries of each stage and pipeline are kept, those used last, whatever their age.
    pub keep_last: usize,
    /// Largest size of the cache, in bytes. To reach it, younger entries are removed, too, and in the end even those that the
    /// last run of a pipeline uses.
    pub max_bytes: Option<u64>,
}

/// What happened to an entry that was to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Removal {
    /// It was removed.
    Removed,
    /// It is kept, because another process works on its key.
    InUse,
    /// It was removed by another process before.
    Absent,
}

/// Returns the entries to remove, in order. `stored` begins with the one used last.
pub fn collectable(stored: &[Stored], policy: &RetentionPolicy, now: Timestamp) -> Vec<Stored> {
    let old =
        |entry: &Stored| now.duration_since(entry.last_used).unsigned_abs() >= policy.older_than;
    let is_kept = |at: usize| {
        let alike = |entry: &&Stored| {
            (&entry.stage, &entry.pipeline) == (&stored[at].stage, &stored[at].pipeline)
        };
        stored[at].is_reachable() || stored[..at].iter().filter(alike).count() < policy.keep_last
    };
    let mut removed = Vec::new();
    let mut kept = Vec::new();
    for (at, entry) in stored.iter().enumerate().rev() {
        if !is_kept(at) && old(entry) && entry.last_used <= now {
            removed.push(entry.clone());
        } else {
            kept.push((is_kept(at), entry));
        }
    }
    let Some(most) = policy.max_bytes else {
        return removed;
    };
    // The sort is stable: within both groups, the entry used longest ago comes first.
    kept.sort_by_key(|(is_kept, entry)| (*is_kept, entry.is_reachable()));
    let mut bytes: u64 = kept.iter().map(|(_, entry)| entry.bytes).sum();
    for (_, entry) in kept {
        if bytes <= most {
            break;
        }
        bytes -= entry.bytes;
        removed.push(entry.clone());
    }
    removed
}

impl Cache {
    /// Removes an entry, unless a process is working on its key. Readers see all of it or nothing.
    ///
    /// # Errors
    /// An error of the file system.
    pub fn remove(&self, entry: &Stored) -> Result<Removal, CacheError> {
        let folder = self
            .root()
            .join("entries")
            .join(&entry.stage)
            .join(entry.key.to_string());
        if !folder.exists() {
            return Ok(Removal::Absent);
        }
        let locks = self.root().join("locks");
        fs::create_dir_all(&locks).at("create", &locks)?;
        let Some(_lock) = StageLock::try_take(&self.lock_path(entry.key))? else {
            return Ok(Removal::InUse);
        };
        // Under this name the next `open` removes it, should this process die in between.
        let doomed = self.root().join("work").join(entry.key.to_string());
        remove_folder(&doomed)?;
        fs::create_dir_all(self.root().join("work")).at("create", &doomed)?;
        fs::rename(&folder, &doomed).at("remove", &folder)?;
        remove_folder(&doomed)?;
        Ok(Removal::Removed)
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use pdm_core::content::Digest;

    const DAY: u64 = 24 * 3600;

    fn now() -> Timestamp {
        "2026-11-28T12:00:00Z".parse().unwrap()
    }

    /// An entry of 100 bytes that was used some days ago.
    fn entry(name: &str, days: u64, reachable: bool) -> Stored {
        let used = now() - SignedDuration::from_secs((days * DAY) as i64);
        Stored {
            stage: "train".into(),
            key: Digest::of(name),
            bytes: 100,
            created: used,
            last_used: used,
            pipeline: Some("fd001".into()),
            reachable_from: if reachable {
                vec!["fd001".into()]
            } else {
                vec![]
            },
            cost: None,
        }
    }

    fn policy(days: u64, keep_last: usize, max_bytes: Option<u64>) -> RetentionPolicy {
        RetentionPolicy {
            older_than: Duration::from_secs(days * DAY),
            keep_last,
            max_bytes,
        }
    }

    fn gone(stored: &[Stored], policy: RetentionPolicy) -> Vec<u64> {
        let age = |entry: Stored| (now().duration_since(entry.last_used).as_secs() as u64) / DAY;
        collectable(stored, &policy, now())
            .into_iter()
            .map(age)
            .collect()
    }

    #[test]
    fn what_is_old_and_not_reachable_goes_the_oldest_first() {
        let stored = [
            entry("a", 1, true),
            entry("b", 5, false),
            entry("c", 40, true),
            entry("d", 50, false),
        ];
        assert_eq!(gone(&stored, policy(30, 0, None)), [50]);
        assert_eq!(gone(&stored, policy(0, 0, None)), [50, 5]);
        assert_eq!(
            gone(&stored, policy(0, 2, None)),
            [50],
            "the two used last stay"
        );
        assert_eq!(gone(&stored, policy(0, 4, None)), Vec::<u64>::new());
    }

    #[test]
    fn a_cache_that_is_too_large_loses_unused_entries_first() {
        let stored = [
            entry("a", 1, false),
            entry("b", 5, true),
            entry("c", 9, false),
            entry("d", 50, true),
        ];
        assert_eq!(gone(&stored, policy(30, 0, Some(400))), Vec::<u64>::new());
        assert_eq!(gone(&stored, policy(30, 0, Some(300))), [9]);
        assert_eq!(gone(&stored, policy(30, 0, Some(199))), [9, 1, 50]);
        assert_eq!(gone(&stored, policy(30, 0, Some(0))), [9, 1, 50, 5]);
        assert_eq!(
            gone(&stored, policy(30, 1, Some(200))),
            [9, 1],
            "what `keep_last` keeps goes before what is reachable"
        );
    }

    proptest! {
        #[test]
        fn nothing_reachable_goes_unless_the_size_asks_for_it(ages in prop::collection::vec((0_u64..90, any::<bool>()), 0..12),
                                                              days in 0_u64..60, keep in 0_usize..4) {
            let mut ages = ages;
            ages.sort();
            let stored: Vec<_> = ages.iter().enumerate().map(|(i, (age, r))| entry(&i.to_string(), *age, *r)).collect();
            let gone = collectable(&stored, &policy(days, keep, None), now());
            prop_assert!(gone.iter().all(|entry| !entry.is_reachable()));
            let all = collectable(&stored, &policy(days, keep, Some(0)), now());
            prop_assert_eq!(all.len(), stored.len(), "no bytes are no entries");
        }
    }
}
