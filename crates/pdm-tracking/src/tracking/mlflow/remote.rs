use std::thread;

use super::batch::EntryBatch;
use super::client::{Idempotency, MlflowClient};
use super::wire::{LogBatch, LogInputs, Nothing, RemoteRun, RunAnswer, UpdateRun};
use super::{inputs, names};
use crate::tracking::TrackingError;
use pdm_core::events::InputData;

/// How many lines of the journal the server has; it is the server's to remember, so that a restored backup is right.
pub(super) const LINES_TAG: &str = "pdm_ml.synced_lines";
/// So many entries refused mean that something else is wrong.
const MOST_REFUSED: usize = 20;

/// One run on the server, and what may be done to it.
pub(super) struct OpenRun {
    client: MlflowClient,
    run: RemoteRun,
    /// Lines of the journal whose entries for this run the server has.
    lines: u64,
    /// What the server would not take, for the report.
    pub(super) problems: Vec<String>,
}

impl OpenRun {
    pub(super) fn new(client: &MlflowClient, run: RemoteRun) -> Self {
        let lines = run.number(LINES_TAG);
        Self {
            client: client.clone(),
            run,
            lines,
            problems: Vec::new(),
        }
    }

    pub(super) fn run(&self) -> &RemoteRun {
        &self.run
    }

    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    pub(super) fn report(&mut self, problem: String) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// Sends a batch, then notes on the server that all lines up to `lines` are there.
    pub(super) fn send(&mut self, mut batch: EntryBatch, lines: u64) -> Result<(), TrackingError> {
        // MLflow writes tags last: a note that is there proves that the rest is.
        batch.tag(LINES_TAG, &lines.to_string());
        self.send_or_divide(batch)?;
        self.lines = lines;
        Ok(())
    }

    /// Names the data the run rests on; telling it again changes nothing.
    pub(super) fn tell_inputs(&mut self, data: &[InputData]) -> Result<(), TrackingError> {
        if data.is_empty() {
            return Ok(());
        }
        let request = LogInputs {
            run_id: &self.run.info.run_id,
            datasets: data.iter().map(inputs::dataset).collect(),
        };
        match self
            .client
            .post::<Nothing>("runs/log-inputs", &request, Idempotency::Harmless)
        {
            Ok(Nothing {}) => Ok(()),
            Err(
                error @ TrackingError::Refused {
                    status: 400 | 404, ..
                },
            ) => {
                self.report(format!("the data sets: {}", error.in_one_line()));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Says how the run ended.
    pub(super) fn end(&mut self, status: &str, end_time: Option<i64>) -> Result<(), TrackingError> {
        let update = UpdateRun {
            run_id: &self.run.info.run_id,
            status,
            end_time,
        };
        let _: serde_json::Value =
            self.client
                .post("runs/update", &update, Idempotency::Harmless)?;
        status.clone_into(&mut self.run.info.status);
        Ok(())
    }

    /// Sends a batch; of one that is refused every entry that can be taken.
    fn send_or_divide(&mut self, batch: EntryBatch) -> Result<(), TrackingError> {
        match self.send_once(&batch) {
            Ok(()) => Ok(()),
            Err(TrackingError::Refused { status: 400, .. }) if batch.len() > 1 => {
                let (first, second) = batch.halves();
                self.send_or_divide(first)?;
                self.send_or_divide(second)
            }
            Err(TrackingError::Refused {
                status: 400,
                message,
                ..
            }) if self.problems.len() < MOST_REFUSED => {
                self.report(format!("{} is refused: {message}", batch.name()));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Sends a batch, and again only where it has not arrived: a server that keeps its runs in files would have every
    /// number twice.
    fn send_once(&self, batch: &EntryBatch) -> Result<(), TrackingError> {
        let EntryBatch {
            metrics,
            params,
            tags,
            ..
        } = batch;
        let request = LogBatch {
            run_id: &self.run.info.run_id,
            metrics,
            params,
            tags,
        };
        let mut tried = 0;
        loop {
            tried += 1;
            let Err(error) =
                self.client
                    .post::<Nothing>("runs/log-batch", &request, Idempotency::Never)
            else {
                return Ok(());
            };
            let wait = self
                .client
                .patience()
                .wait(tried, error.retry_after())
                .filter(|_| error.is_transient());
            thread::sleep(wait.ok_or(error)?);
            if self.has_arrived(batch)? {
                return Ok(());
            }
        }
    }

    fn has_arrived(&self, batch: &EntryBatch) -> Result<bool, TrackingError> {
        let Some(note) = batch.tags.iter().find(|tag| tag.key == LINES_TAG) else {
            return Ok(false);
        };
        let answer: RunAnswer = self
            .client
            .get("runs/get", &[("run_id", &self.run.info.run_id)])?;
        let there = answer.run.number(LINES_TAG);
        Ok(there > self.lines && note.value == names::value(&there.to_string()))
    }
}
