//! Fetches results that other machines computed and shares those of this one. A failure of the shared cache is only a warning.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Context, Job};
use crate::cache::{Cache, CacheEntry, CacheError, Claim, Pending};
use crate::cache::{RemoteCache, RemoteError, StageKey};
use pdm_core::content::Digest;
use pdm_core::events::{Reporter, size};

/// The shared cache of a run, until it fails for the first time.
#[derive(Default)]
pub(super) struct SharedCache {
    cache: Option<RemoteCache>,
    given_up: AtomicBool,
}

impl SharedCache {
    /// Opens the shared cache that a pipeline names. One that cannot be opened is a warning, and is not used.
    pub(super) fn open(context: &Context, job: &Job) -> Self {
        let interrupt = context.reporter.interrupt();
        let opened =
            RemoteCache::open(&job.spec.cache, &context.root, &context.variable, interrupt);
        let given_up = AtomicBool::default();
        match opened {
            Ok(cache) => Self { cache, given_up },
            Err(error) => {
                let url = &job.spec.cache.url;
                context.reporter.warn(format!(
                    "the shared cache {url} is not used: {}",
                    error.in_one_line()
                ));
                Self::default()
            }
        }
    }

    fn cache(&self) -> Option<&RemoteCache> {
        if self.given_up.load(Ordering::Relaxed) {
            return None;
        }
        self.cache.as_ref()
    }

    /// Warns of an error, and gives the shared cache up where the store does not answer.
    fn warn(
        &self,
        cache: &RemoteCache,
        what: &str,
        error: RemoteError,
        reporter: &Reporter,
    ) -> Result<(), CacheError> {
        let location = cache.location();
        if let RemoteError::Interrupted(interrupted) = error {
            return Err(interrupted.into());
        }
        let why = error.in_one_line();
        if error.is_unreachable() {
            // Several steps may fail at the same time.
            if !self.given_up.swap(true, Ordering::Relaxed) {
                reporter.warn(format!(
                    "the shared cache {location} failed; this run continues without it: {why}"
                ));
            }
        } else {
            reporter.warn(format!("{what}; shared cache {location}: {why}"));
        }
        Ok(())
    }

    /// Fetches the result of a key that is not in the `cache`, where another machine shared it; returns from where. The result
    /// must have the outputs in `locked`.
    pub(super) fn fetch(
        &self,
        cache: &Cache,
        key: &StageKey,
        locked: Option<&BTreeMap<String, Digest>>,
        reporter: &Reporter,
    ) -> Result<Option<String>, CacheError> {
        let Some(remote) = self.cache() else {
            return Ok(None);
        };
        if cache.lookup(key).into_entry().is_some() {
            return Ok(None);
        }
        let stage = &key.stage;
        let waiting = || {
            reporter.warn(format!(
                "another process is working on `{stage}`; waiting for it"
            ))
        };
        let Claim::Work(pending) = cache.claim(key, reporter.interrupt(), waiting)? else {
            return Ok(None);
        };
        match download(remote, locked, *pending) {
            Ok(from) => Ok(from),
            Err(FetchFailure::Remote(error)) => {
                let what =
                    format!("the shared result of `{stage}` is not used; it is computed here");
                self.warn(remote, &what, error, reporter)?;
                Ok(None)
            }
            Err(FetchFailure::Local(error)) => Err(error),
        }
    }

    /// Shares a result with other machines.
    pub(super) fn share(&self, entry: &CacheEntry, reporter: &Reporter) -> Result<(), CacheError> {
        let Some(remote) = self.cache() else {
            return Ok(());
        };
        match remote.share(entry) {
            Ok(_) => Ok(()),
            Err(error) => {
                let what = format!("the result of `{}` is not shared", entry.key().stage);
                self.warn(remote, &what, error, reporter)
            }
        }
    }
}

fn download(
    remote: &RemoteCache,
    locked: Option<&BTreeMap<String, Digest>>,
    pending: Pending,
) -> Result<Option<String>, FetchFailure> {
    let Some(fetched) = remote
        .fetch(pending.key(), locked, &pending.dir())
        .map_err(FetchFailure::Remote)?
    else {
        return Ok(None);
    };
    pending
        .with_cost(fetched.cost)
        .commit(fetched.summary)
        .map_err(FetchFailure::Local)?;
    Ok(Some(format!(
        "fetched from {}: {} files, {}",
        remote.location(),
        fetched.files,
        size(fetched.bytes)
    )))
}

/// Which cache failed.
enum FetchFailure {
    /// The shared one; the stage can be computed.
    Remote(RemoteError),
    /// The local one, which the run cannot do without.
    Local(CacheError),
}
