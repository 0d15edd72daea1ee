//! Which entries of a cache are garbage, and taking them away.

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
    /// How long nobody must have used an entry.
    pub older_than: Duration,
    /// How many entries of each stage and pipeline stay, those used last, however old they are.
    pub keep_last: usize,
    /// How large the cache may stay, in bytes; to get there, younger entries go, too, and last of all even those that
    /// the last run of a pipeline rests on.
    pub max_bytes: Option<u64>,
}

/// What became of an entry that was to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Removal {
    /// It is gone.
    Removed,
    /// Another process works on its key right now, so it stays.
    InUse,
    /// Somebody else removed it before.
    Absent,
}

/// Returns the entries that may go, in the order in which they would. `stored` begins with the one used last.
pub fn collectable(stored: &[Stored], policy: &RetentionPolicy, now: Timestamp) -> Vec<Stored> {
    let old =
        |entry: &Stored| now.duration_since(entry.last_used).unsigned_abs() >= policy.older_than;
    let kept_anyway = |at: usize| {
        let alike = |entry: &&Stored| {
            (&entry.stage, &entry.pipeline) == (&stored[at].stage, &stored[at].pipeline)
        };
        stored[at].is_reachable() || stored[..at].iter().filter(alike).count() < policy.keep_last
    };
    let (mut gone, mut kept) = (Vec::new(), Vec::new());
    for (at, entry) in stored.iter().enumerate().rev() {
        let garbage = !kept_anyway(at) && old(entry) && entry.last_used <= now;
        if garbage {
            gone.push(entry.clone())
        } else {
            kept.push((kept_anyway(at), entry))
        }
    }
    let Some(most) = policy.max_bytes else {
        return gone;
    };
    // Stable: within both groups the one used longest ago comes first.
    kept.sort_by_key(|(kept_anyway, entry)| (*kept_anyway, entry.is_reachable()));
    let mut bytes: u64 = kept.iter().map(|(_, entry)| entry.bytes).sum();
    for (_, entry) in kept {
        if bytes <= most {
            break;
        }
        bytes -= entry.bytes;
        gone.push(entry.clone());
    }
    gone
}

impl Cache {
    /// Removes an entry, unless a process is working on its key. Readers see all of it or nothing.
    ///
    /// # Errors
    /// The file system refuses.
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
        let Some(_nobody_works_on_it) = StageLock::try_take(&self.lock_path(entry.key))? else {
            return Ok(Removal::InUse);
        };
        // Under this name it is swept by the next `open`, should this process die in between.
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
    fn a_cache_that_is_too_large_loses_first_what_nobody_rests_on() {
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
