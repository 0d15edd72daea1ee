//! Results of stages that other machines computed, and sharing those of this one. Trouble there is a warning, no more.

use std::cell::Cell;

use super::{Context, EngineError, Job, Line, Reuse};
use crate::events::{Reporter, size};
use crate::pipeline::cache::{Claim, Entry, Pending};
use crate::pipeline::{RemoteCache, RemoteError, Stage};

/// The shared cache of a run, until it fails for the first time.
#[derive(Default)]
pub(super) struct Remote {
    cache: Option<RemoteCache>,
    given_up: Cell<bool>,
}

impl Remote {
    /// Opens the shared cache a pipeline names. One that cannot be opened is told and left alone.
    pub(super) fn open(context: &Context, job: &Job) -> Self {
        let interrupt = context.reporter.interrupt();
        let opened = RemoteCache::open(&job.spec.cache, &context.root, &context.variable, interrupt);
        let given_up = Cell::default();
        match opened {
            Ok(cache) => Self { cache, given_up },
            Err(error) => {
                let url = &job.spec.cache.url;
                context.reporter.warn(format!("the shared cache {url} is not used: {}", error.in_one_line()));
                Self::default()
            }
        }
    }

    fn cache(&self) -> Option<&RemoteCache> {
        self.cache.as_ref().filter(|_| !self.given_up.get())
    }

    /// Tells of trouble, and asks no more where the store does not answer.
    fn trouble(
        &self,
        cache: &RemoteCache,
        what: &str,
        error: RemoteError,
        reporter: &Reporter,
    ) -> Result<(), EngineError> {
        let location = cache.location();
        if let RemoteError::Interrupted(interrupted) = error {
            return Err(interrupted.into());
        }
        let told = error.in_one_line();
        if error.is_unreachable() {
            self.given_up.set(true);
            reporter.warn(format!("the shared cache {location} fails, and this run goes on without it: {told}"));
        } else {
            reporter.warn(format!("{what}, shared cache {location}: {told}"));
        }
        Ok(())
    }
}

impl Line<'_> {
    /// Fetches the result of a stage that is not here, where another machine shared it; returns from where.
    pub(super) fn fetch(&self, stage: Stage, reuse: Reuse) -> Result<Option<String>, EngineError> {
        let Some(remote) = self.remote.cache().filter(|_| reuse.cached && is_shared(stage)) else { return Ok(None) };
        let Some(key) = self.key(stage)? else { return Ok(None) };
        if self.cache.lookup(&key).into_entry().is_some() {
            return Ok(None);
        }
        let reporter = &self.context.reporter;
        let waiting = || reporter.warn(format!("another process is working on `{stage}`; waiting for it"));
        let Claim::Work(pending) = self.cache.claim(&key, reporter.interrupt(), waiting)? else { return Ok(None) };
        match self.download(remote, stage, *pending) {
            Ok(from) => Ok(from),
            Err(Trouble::Remote(error)) => {
                let what = format!("a result of `{stage}` is refused and computed here instead");
                self.remote.trouble(remote, &what, error, reporter).map(|()| None)
            }
            Err(Trouble::Here(error)) => Err(*error),
        }
    }

    fn download(&self, remote: &RemoteCache, stage: Stage, pending: Pending) -> Result<Option<String>, Trouble> {
        let locked = self.lock.outputs(stage, pending.key().digest());
        let Some(fetched) = remote.fetch(pending.key(), locked, &pending.dir()).map_err(Trouble::Remote)? else {
            return Ok(None);
        };
        let pending = pending.with_cost(fetched.cost);
        pending.commit(fetched.summary).map_err(|error| Trouble::Here(Box::new(error.into())))?;
        let (files, bytes) = (fetched.files, size(fetched.bytes));
        Ok(Some(format!("fetched from {}: {files} files, {bytes}", remote.location())))
    }

    /// Shares what a stage made here with other machines.
    pub(super) fn share(&self, stage: Stage, entry: &Entry) -> Result<(), EngineError> {
        let Some(remote) = self.remote.cache().filter(|_| is_shared(stage)) else { return Ok(()) };
        match remote.share(entry) {
            Ok(_) => Ok(()),
            Err(error) => {
                let what = format!("the result of `{stage}` is not shared");
                self.remote.trouble(remote, &what, error, &self.context.reporter)
            }
        }
    }
}

/// What went wrong on the way here.
enum Trouble {
    /// There; the stage can be computed.
    Remote(RemoteError),
    /// Here; so would everything else.
    Here(Box<EngineError>),
}

/// What the registry of this machine decides is no other machine's business.
fn is_shared(stage: Stage) -> bool {
    stage < Stage::Gate
}
