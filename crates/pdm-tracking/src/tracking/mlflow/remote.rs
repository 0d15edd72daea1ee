//! A run on the server.

use super::batch::EntryBatch;
use super::client::{Idempotency, MlflowClient};
use super::wire::{LogBatch, LogInputs, Nothing, RemoteRun, RunAnswer, UpdateRun};
use super::{inputs, names};
use crate::tracking::TrackingError;
use pdm_core::events::InputData;

/// Tag with the number of journal lines that the server has. It is stored on the server, so that it is right even after a
/// backup is restored there.
pub(super) const LINES_TAG: &str = "pdm_ml.synced_lines";
/// If more entries are refused, the cause is not the entries.
const MOST_REFUSED: usize = 20;

/// A run on the server.
pub(super) struct OpenRun {
    client: MlflowClient,
    run: RemoteRun,
    /// Number of journal lines whose entries for this run the server has.
    lines: u64,
    /// What the server refused, for the report.
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

    /// Sends a batch, and sets the tag with the number of lines.
    pub(super) fn send(&mut self, mut batch: EntryBatch, lines: u64) -> Result<(), TrackingError> {
        // MLflow writes tags last: if the tag is there, so are the other entries.
        batch.tag(LINES_TAG, &lines.to_string());
        self.send_or_divide(batch)?;
        self.lines = lines;
        Ok(())
    }

    /// Records the run's input data; repeating it changes nothing.
    pub(super) fn send_inputs(&mut self, data: &[InputData]) -> Result<(), TrackingError> {
        if data.is_empty() {
            return Ok(());
        }
        let request = LogInputs {
            run_id: &self.run.info.run_id,
            datasets: data.iter().map(inputs::dataset).collect(),
        };
        match self
            .client
            .post::<Nothing>("runs/log-inputs", &request, Idempotency::Idempotent)
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

    /// Sets the status of the ended run.
    pub(super) fn end(&mut self, status: &str, end_time: Option<i64>) -> Result<(), TrackingError> {
        let update = UpdateRun {
            run_id: &self.run.info.run_id,
            status,
            end_time,
        };
        let _: serde_json::Value =
            self.client
                .post("runs/update", &update, Idempotency::Idempotent)?;
        status.clone_into(&mut self.run.info.status);
        Ok(())
    }

    /// Sends a batch; if it is refused, sends all entries that the server accepts.
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

    /// Sends a batch, and repeats it only if it has not arrived: a server that stores runs in files would have every
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
                    .post::<Nothing>("runs/log-batch", &request, Idempotency::NotIdempotent)
            else {
                return Ok(());
            };
            self.client.wait_for_retry(tried, error)?;
            if self.has_arrived(batch)? {
                return Ok(());
            }
        }
    }

    fn has_arrived(&self, batch: &EntryBatch) -> Result<bool, TrackingError> {
        let Some(tag) = batch.tags.iter().find(|tag| tag.key == LINES_TAG) else {
            return Ok(false);
        };
        let answer: RunAnswer = self
            .client
            .get("runs/get", &[("run_id", &self.run.info.run_id)])?;
        let there = answer.run.number(LINES_TAG);
        Ok(there > self.lines && tag.value == names::value(&there.to_string()))
    }
}
