use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use super::mlflow::Syncer;
use super::{ActiveRun, MlflowClient, RunId, SyncReport, TrackingError};
use crate::events::Reporter;

/// Copies a run to a server while it goes on, from a thread of its own.
///
/// The work never waits for the network: the thread follows the journal on the disk. A server that fails is warned of
/// once, and what it lacks at the end is left to [`super::sync`].
pub struct BestEffort {
    run: RunId,
    reporter: Reporter,
    last_pass: Sender<()>,
    result: Receiver<Result<SyncReport, TrackingError>>,
}

const SELDOMEST: Duration = Duration::from_secs(60);

impl BestEffort {
    /// Begins to copy a run; `client` should have [`super::Patience::BACKGROUND`], and `reporter` must not have the run
    /// among its listeners, or the thread would keep it from ending.
    pub fn follow(run: &ActiveRun, client: MlflowClient, reporter: &Reporter) -> Self {
        let (last_pass, asked) = channel();
        let (answer, result) = channel();
        let syncer = Syncer::new(run.folder().clone(), client);
        let voice = reporter.clone();
        let started =
            thread::Builder::new().name("tracking".to_owned()).spawn(move || follow(syncer, &asked, &answer, &voice));
        if let Err(error) = started {
            reporter.warn(format!("the run is not copied while it goes on: {error}"));
        }
        Self { run: run.id(), reporter: reporter.clone(), last_pass, result }
    }

    /// Sends the rest after the run has ended, for `wait` at most; otherwise says what to do later.
    ///
    /// Returns the report of a copy that is complete.
    pub fn finish(self, wait: Duration) -> Option<SyncReport> {
        // A thread that is gone shows as an answer that never comes.
        let _ = self.last_pass.send(());
        let report = match self.result.recv_timeout(wait) {
            Ok(Ok(report)) => Ok(report),
            Ok(Err(error)) => Err(error.in_one_line()),
            Err(RecvTimeoutError::Timeout) => {
                Err(format!("the server was too slow for the {} s given", wait.as_secs()))
            }
            Err(RecvTimeoutError::Disconnected) => Err("the copy ended early".to_owned()),
        };
        match report {
            Ok(report) if report.complete => {
                report.problems.iter().for_each(|problem| self.reporter.warn(problem.as_str()));
                Some(report)
            }
            Ok(report) if report.deleted => {
                self.reporter.warn(format!("run {} was deleted on the server and is left alone there", self.run));
                None
            }
            Ok(_) => self.later("the run had not ended"),
            Err(why) => self.later(&why),
        }
    }

    fn later(&self, why: &str) -> Option<SyncReport> {
        let run = self.run;
        self.reporter.warn(format!("run {run} is not complete on the server ({why}); run `pdm-ml track sync` later"));
        None
    }
}

/// Passes every now and then, and a last time when asked; ends at once when nobody is left to ask.
fn follow(
    mut syncer: Syncer,
    asked: &Receiver<()>,
    answer: &Sender<Result<SyncReport, TrackingError>>,
    reporter: &Reporter,
) {
    let pace = syncer.pace();
    let (mut pause, mut warned) = (pace, false);
    loop {
        let last = match asked.recv_timeout(pause) {
            Ok(()) => true,
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let passed = syncer.pass();
        if last {
            // The receiver may have given up waiting.
            let _ = answer.send(passed);
            return;
        }
        match passed {
            Ok(_) => pause = pace,
            Err(error) => {
                pause = (pause * 2).min(SELDOMEST);
                if !std::mem::replace(&mut warned, true) {
                    reporter
                        .warn(format!("tracking: {}; the run goes on and its journal is kept", error.in_one_line()));
                }
            }
        }
    }
}
