//! Results of stages that other machines computed, and sharing those of this one. Trouble there is a warning, no more.

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
    /// Opens the shared cache a pipeline names. One that cannot be opened is told and left alone.
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
        self.cache
            .as_ref()
            .filter(|_| !self.given_up.load(Ordering::Relaxed))
    }

    /// Tells of trouble, and asks no more where the store does not answer.
    fn trouble(
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
        let told = error.in_one_line();
        if error.is_unreachable() {
            // Stages side by side may find out at the same time.
            if !self.given_up.swap(true, Ordering::Relaxed) {
                reporter.warn(format!(
                    "the shared cache {location} fails, and this run goes on without it: {told}"
                ));
            }
        } else {
            reporter.warn(format!("{what}, shared cache {location}: {told}"));
        }
        Ok(())
    }

    /// Fetches the result of a key that is not in the `cache`, where another machine shared it; returns from where. `locked`
    /// are the outputs it must have.
    pub(super) fn fetch(
        &self,
        cache: &Cache,
        key: &StageKey,
        locked: Option<&BTreeMap<String, Digest>>,
        reporter: &Reporter,
    ) -> Result<Option<String>, CacheError> {
        let Some(remote) = self
            .cache()
            .filter(|_| cache.lookup(key).into_entry().is_none())
        else {
            return Ok(None);
        };
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
                let what = format!("a result of `{stage}` is refused and computed here instead");
                self.trouble(remote, &what, error, reporter).map(|()| None)
            }
            Err(FetchFailure::Here(error)) => Err(error),
        }
    }

    /// Shares what was made here with other machines.
    pub(super) fn share(&self, entry: &CacheEntry, reporter: &Reporter) -> Result<(), CacheError> {
        let Some(remote) = self.cache() else {
            return Ok(());
        };
        match remote.share(entry) {
            Ok(_) => Ok(()),
            Err(error) => {
                let what = format!("the result of `{}` is not shared", entry.key().stage);
                self.trouble(remote, &what, error, reporter)
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
        .map_err(FetchFailure::Here)?;
    let (files, bytes) = (fetched.files, size(fetched.bytes));
    Ok(Some(format!(
        "fetched from {}: {files} files, {bytes}",
        remote.location()
    )))
}

/// What went wrong on the way here.
enum FetchFailure {
    /// There; the stage can be computed.
    Remote(RemoteError),
    /// Here; so would everything else.
    Here(CacheError),
}
