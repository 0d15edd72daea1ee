//! Copies a run to a server in the background.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::mlflow::{Latency, Syncer, mirror};
use super::{ActiveRun, Catalog, MlflowClient, RunId, SyncReport, TrackingError};
use pdm_core::events::Reporter;

/// Copies a run to a server in a background thread while it runs.
///
/// The run never waits for the network: the thread follows the journal on the disk. A failing server causes one warning,
/// and what is missing at the end is left to [`super::sync`].
pub struct BestEffort {
    run: RunId,
    reporter: Reporter,
    last_pass: Sender<Option<Catalog>>,
    result: Receiver<Result<SyncReport, TrackingError>>,
    health: Health,
    begun: Instant,
}

const MAX_INTERVAL: Duration = Duration::from_secs(60);
/// How often the health of the server is checked at the end of a run.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// A run waits at its end for a slow or failing server for this fraction (1/100) of its duration.
const SHARE: u32 = 100;

/// The state of the server, shared between the threads.
#[derive(Clone)]
struct Health {
    latency: Latency,
    slow: Duration,
    failed: Arc<Mutex<bool>>,
}

impl Health {
    fn is_healthy(&self) -> bool {
        !*self.failed.lock().unwrap_or_else(PoisonError::into_inner)
            && self.latency.delay() <= self.slow
    }

    fn note(&self, failed: bool) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = failed;
    }
}

impl BestEffort {
    /// Starts to copy a run; `client` should have [`super::RetryPolicy::BACKGROUND`], and the run must not listen to
    /// `reporter`, or the thread would keep it from ending.
    pub fn follow(run: &ActiveRun, client: MlflowClient, reporter: &Reporter) -> Self {
        let (last_pass, asked) = channel();
        let (answer, result) = channel();
        let health = Health {
            latency: client.latency().clone(),
            slow: client.slow(),
            failed: Arc::default(),
        };
        let syncer = Syncer::new(run.folder().clone(), client);
        let follower = Follower {
            syncer,
            health: health.clone(),
            reporter: reporter.clone(),
            warned: false,
        };
        let started = thread::Builder::new()
            .name("tracking".to_owned())
            .spawn(move || follower.run(&asked, &answer));
        if let Err(error) = started {
            reporter.warn(format!(
                "cannot copy the run to the server while it runs: {error}"
            ));
        }
        Self {
            run: run.id(),
            reporter: reporter.clone(),
            last_pass,
            result,
            health,
            begun: Instant::now(),
        }
    }

    /// Sends the rest after the run has ended, then updates the server's models to match `catalog`; takes `wait` at
    /// most, or a hundredth of the run's duration if the server is slow or failing. Warns if the copy is not complete.
    ///
    /// Returns the report of a complete copy.
    pub fn finish(self, wait: Duration, catalog: Option<Catalog>) -> Option<SyncReport> {
        // If the thread has ended, receiving its answer fails below.
        let _ = self.last_pass.send(catalog);
        let report = match self.last_answer(wait) {
            Ok(Ok(report)) => Ok(report),
            Ok(Err(error)) => Err(error.in_one_line()),
            Err(RecvTimeoutError::Timeout) => Err("the server was too slow".to_owned()),
            Err(RecvTimeoutError::Disconnected) => Err("the copy ended early".to_owned()),
        };
        match report {
            Ok(report) if report.complete => {
                for problem in &report.problems {
                    self.reporter.warn(problem.as_str());
                }
                Some(report)
            }
            Ok(report) if report.deleted => {
                self.reporter.warn(format!(
                    "run {} was deleted on the server and is not copied again",
                    self.run
                ));
                None
            }
            Ok(_) => self.later("the run had not ended"),
            Err(why) => self.later(&why),
        }
    }

    /// Updates a server's models to match `catalog`, for `wait` at most. A failure is a warning.
    pub fn mirror_models(
        client: MlflowClient,
        catalog: Catalog,
        wait: Duration,
        reporter: &Reporter,
    ) {
        let (answer, result) = channel();
        let background_reporter = reporter.clone();
        let work = move || {
            mirror_models(&client, &catalog, &background_reporter);
            // The receiver may have given up waiting.
            let _ = answer.send(());
        };
        let started = thread::Builder::new()
            .name("tracking".to_owned())
            .spawn(work);
        let done = started.is_ok() && result.recv_timeout(wait) != Err(RecvTimeoutError::Timeout);
        if !done {
            reporter.warn("the tracking server is too slow: its models were not updated; run `pdm-ml track sync` later");
        }
    }

    fn last_answer(
        &self,
        wait: Duration,
    ) -> Result<Result<SyncReport, TrackingError>, RecvTimeoutError> {
        let asked = Instant::now();
        let share = self.begun.elapsed() / SHARE;
        loop {
            let most = if self.health.is_healthy() {
                wait
            } else {
                wait.min(share)
            };
            let left = most.saturating_sub(asked.elapsed());
            match self.result.recv_timeout(left.min(POLL_INTERVAL)) {
                Err(RecvTimeoutError::Timeout) if !left.is_zero() => {}
                answer => return answer,
            }
        }
    }

    fn later(&self, why: &str) -> Option<SyncReport> {
        let run = self.run;
        self.reporter.warn(format!(
            "run {run} is not complete on the server ({why}); run `pdm-ml track sync` later"
        ));
        None
    }
}

/// The state of the background thread.
struct Follower {
    syncer: Syncer,
    health: Health,
    reporter: Reporter,
    warned: bool,
}

impl Follower {
    /// Copies at intervals, and a last time on request; ends at once if the other side is gone.
    fn run(
        mut self,
        asked: &Receiver<Option<Catalog>>,
        answer: &Sender<Result<SyncReport, TrackingError>>,
    ) {
        let pace = self.syncer.client().pace();
        // The first pass shows whether the server works.
        let mut pause = pace;
        let mut next = Duration::ZERO;
        loop {
            match asked.recv_timeout(next) {
                Ok(catalog) => {
                    let passed = self.pass();
                    if let (Ok(_), Some(catalog)) = (&passed, catalog) {
                        mirror_models(self.syncer.client(), &catalog, &self.reporter);
                    }
                    // The receiver may have given up waiting.
                    let _ = answer.send(passed);
                    return;
                }
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            match self.pass() {
                Ok(_) => pause = pace,
                Err(error) => {
                    pause = (pause * 2).min(MAX_INTERVAL);
                    self.warn(&error);
                }
            }
            next = pause;
        }
    }

    fn pass(&mut self) -> Result<SyncReport, TrackingError> {
        let passed = self.syncer.pass();
        self.health.note(passed.is_err());
        passed
    }

    fn warn(&mut self, error: &TrackingError) {
        if !std::mem::replace(&mut self.warned, true) {
            self.reporter.warn(format!(
                "tracking: {}; the run continues and its journal is kept",
                error.in_one_line()
            ));
        }
    }
}

fn mirror_models(client: &MlflowClient, catalog: &Catalog, reporter: &Reporter) {
    match mirror(client, catalog) {
        Ok(report) => {
            for problem in &report.problems {
                reporter.warn(problem.as_str());
            }
        }
        Err(error) => {
            let why = error.in_one_line();
            reporter.warn(format!(
                "the server's models were not updated ({why}); run `pdm-ml track sync` later"
            ));
        }
    }
}
