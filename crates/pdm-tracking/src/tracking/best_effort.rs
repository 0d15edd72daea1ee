use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::mlflow::{Latency, Syncer, mirror};
use super::{ActiveRun, Catalog, MlflowClient, RunId, SyncReport, TrackingError};
use pdm_core::events::Reporter;

/// Copies a run to a server while it goes on, from a thread of its own.
///
/// The work never waits for the network: the thread follows the journal on the disk. A server that fails is warned of
/// once, and what it lacks at the end is left to [`super::sync`].
pub struct BestEffort {
    run: RunId,
    reporter: Reporter,
    last_pass: Sender<Option<Catalog>>,
    result: Receiver<Result<SyncReport, TrackingError>>,
    health: Health,
    begun: Instant,
}

const MAX_INTERVAL: Duration = Duration::from_secs(60);
/// How often the end of a run looks whether the server is still well.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// The part of its own time that the end of a run waits for a server that is slow or failing.
const SHARE: u32 = 100;

/// What the thread that works can see of the server.
#[derive(Clone)]
struct Health {
    pulse: Latency,
    slow: Duration,
    failed: Arc<Mutex<bool>>,
}

impl Health {
    fn is_well(&self) -> bool {
        !*self.failed.lock().unwrap_or_else(PoisonError::into_inner)
            && self.pulse.delay() <= self.slow
    }

    fn note(&self, failed: bool) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = failed;
    }
}

impl BestEffort {
    /// Begins to copy a run; `client` should have [`super::RetryPolicy::BACKGROUND`], and `reporter` must not have the run
    /// among its listeners, or the thread would keep it from ending.
    pub fn follow(run: &ActiveRun, client: MlflowClient, reporter: &Reporter) -> Self {
        let (last_pass, asked) = channel();
        let (answer, result) = channel();
        let health = Health {
            pulse: client.pulse().clone(),
            slow: client.slow(),
            failed: Arc::default(),
        };
        let syncer = Syncer::new(run.folder().clone(), client);
        let follower = Follower {
            syncer,
            health: health.clone(),
            voice: reporter.clone(),
            warned: false,
        };
        let started = thread::Builder::new()
            .name("tracking".to_owned())
            .spawn(move || follower.run(&asked, &answer));
        if let Err(error) = started {
            reporter.warn(format!("the run is not copied while it goes on: {error}"));
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

    /// Sends the rest after the run has ended, then brings the server's models in step with `catalog`; for `wait` at
    /// most, and for a hundredth of the run's time where the server is slow or failing. Otherwise says what to do later.
    ///
    /// Returns the report of a copy that is complete.
    pub fn finish(self, wait: Duration, catalog: Option<Catalog>) -> Option<SyncReport> {
        // A thread that is gone shows as an answer that never comes.
        let _ = self.last_pass.send(catalog);
        let report = match self.last_answer(wait) {
            Ok(Ok(report)) => Ok(report),
            Ok(Err(error)) => Err(error.in_one_line()),
            Err(RecvTimeoutError::Timeout) => Err("the server was too slow".to_owned()),
            Err(RecvTimeoutError::Disconnected) => Err("the copy ended early".to_owned()),
        };
        match report {
            Ok(report) if report.complete => {
                report
                    .problems
                    .iter()
                    .for_each(|problem| self.reporter.warn(problem.as_str()));
                Some(report)
            }
            Ok(report) if report.deleted => {
                self.reporter.warn(format!(
                    "run {} was deleted on the server and is left alone there",
                    self.run
                ));
                None
            }
            Ok(_) => self.later("the run had not ended"),
            Err(why) => self.later(&why),
        }
    }

    /// Brings a server's models in step with `catalog`, for `wait` at most. Trouble is a warning.
    pub fn tell(client: MlflowClient, catalog: Catalog, wait: Duration, reporter: &Reporter) {
        let (answer, result) = channel();
        let voice = reporter.clone();
        let told = move || {
            tell(&client, &catalog, &voice);
            // The receiver may have given up waiting.
            let _ = answer.send(());
        };
        let started = thread::Builder::new()
            .name("tracking".to_owned())
            .spawn(told);
        let done = started.is_ok() && result.recv_timeout(wait) != Err(RecvTimeoutError::Timeout);
        if !done {
            reporter.warn("the tracking server was too slow to be told of its models; run `pdm-ml track sync` later");
        }
    }

    fn last_answer(
        &self,
        wait: Duration,
    ) -> Result<Result<SyncReport, TrackingError>, RecvTimeoutError> {
        let (asked, share) = (Instant::now(), self.begun.elapsed() / SHARE);
        loop {
            let most = if self.health.is_well() {
                wait
            } else {
                wait.min(share)
            };
            let left = most.saturating_sub(asked.elapsed());
            match self.result.recv_timeout(left.min(LOOK_AGAIN)) {
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

/// The thread's own side.
struct Follower {
    syncer: Syncer,
    health: Health,
    voice: Reporter,
    warned: bool,
}

impl Follower {
    /// Passes every now and then, and a last time when asked; ends at once when nobody is left to ask.
    fn run(
        mut self,
        asked: &Receiver<Option<Catalog>>,
        answer: &Sender<Result<SyncReport, TrackingError>>,
    ) {
        let pace = self.syncer.client().pace();
        // The first pass shows how the server is.
        let (mut pause, mut next) = (pace, Duration::ZERO);
        loop {
            match asked.recv_timeout(next) {
                Ok(catalog) => {
                    let passed = self.pass();
                    if let (Ok(_), Some(catalog)) = (&passed, catalog) {
                        tell(self.syncer.client(), &catalog, &self.voice);
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
            self.voice.warn(format!(
                "tracking: {}; the run goes on and its journal is kept",
                error.in_one_line()
            ));
        }
    }
}

fn tell(client: &MlflowClient, catalog: &Catalog, voice: &Reporter) {
    match mirror(client, catalog) {
        Ok(report) => report
            .problems
            .iter()
            .for_each(|problem| voice.warn(problem.as_str())),
        Err(error) => {
            let why = error.in_one_line();
            voice.warn(format!(
                "the server's models are not in step ({why}); run `pdm-ml track sync` later"
            ));
        }
    }
}
