use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::batch::Batch;
use super::tracker::RemoteTracker;
use super::{MlflowClient, SyncState};
use crate::tracking::journal::{JournalReader, Line, Opening};
use crate::tracking::local::{RunFolder, RunLock, Standing, standing};
use crate::tracking::{RunId, RunStatus, RunStore, TrackingError};

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SyncReport {
    /// The run.
    pub run: RunId,
    /// The server's name for the experiment.
    pub experiment_id: String,
    /// The server's name for the run.
    pub mlflow_run_id: String,
    /// Page that shows the run.
    pub page: String,
    /// Where the run stands.
    pub status: RunStatus,
    /// Lines of the journal this replay sent.
    pub sent_lines: u64,
    /// Whether the run has ended and the server has all of it.
    pub complete: bool,
    /// Whether somebody deleted the run on the server; it is then left alone.
    pub deleted: bool,
    /// What the server would not take.
    pub problems: Vec<String>,
}

/// Copies a run to an MLflow server. May be repeated at will, also after it was cut short: the server then has the run
/// once, with every entry once.
///
/// # Errors
/// [`TrackingError::Unreachable`] and [`TrackingError::Refused`] where the server fails; [`TrackingError::Busy`] while
/// another process copies the same run; those of [`RunStore::load`] for the journal.
pub fn sync(store: &RunStore, run: RunId, client: &MlflowClient) -> Result<SyncReport, TrackingError> {
    Syncer::new(store.folder(run), client.clone()).pass()
}

/// Copies a journal to a server, in as many passes as wanted while it grows.
pub(in crate::tracking) struct Syncer {
    folder: RunFolder,
    client: MlflowClient,
    open: Option<Open>,
}

/// The two ends of a copy.
struct Open {
    reader: JournalReader,
    remote: RemoteTracker,
    /// Position in the journal up to which the server has it.
    arrived: (u64, u64),
}

impl Syncer {
    pub(in crate::tracking) fn new(folder: RunFolder, client: MlflowClient) -> Self {
        Self { folder, client, open: None }
    }

    /// Returns the time between two passes.
    pub(in crate::tracking) fn pace(&self) -> Duration {
        self.client.patience().pace
    }

    /// Sends what the server lacks of the journal as it stands now.
    pub(in crate::tracking) fn pass(&mut self) -> Result<SyncReport, TrackingError> {
        // Where the lock cannot be written, as on a read-only disk, the server's own search has to do.
        let lock = RunLock::try_take(&self.folder.sync_lock());
        if matches!(lock, Ok(None)) {
            return Err(TrackingError::Busy { run: self.folder.id });
        }
        // The status comes before the lines: a run seen to have ended has all its lines.
        let now = standing(&self.folder)?;
        let mut open = match self.open.take() {
            Some(open) => open,
            None => Open::new(&self.folder, &self.client)?,
        };
        let before = open.arrived.1;
        let copied = if open.remote.run().is_deleted() { Ok(()) } else { open.copy(&self.folder, &now) };
        // A copy that failed half-way has still come to something worth a hint.
        let report = self.report(&open, &now, before, copied.is_ok());
        self.open = Some(open);
        copied.map(|()| report)
    }

    fn report(&self, open: &Open, now: &Standing, before: u64, copied: bool) -> SyncReport {
        let lines = open.arrived.1;
        let info = &open.remote.run().info;
        let deleted = open.remote.run().is_deleted();
        let ended = now.status != RunStatus::Running && info.status == now.status.word();
        let complete = copied && !deleted && ended;
        let (experiment_id, run_id) = (info.experiment_id.clone(), info.run_id.clone());
        let page = self.client.base().page(&experiment_id, &run_id);
        let state = SyncState { experiment_id: experiment_id.clone(), run_id: run_id.clone(), lines, complete };
        if SyncState::read(&self.folder, &self.client).as_ref() != Some(&state) {
            state.write(&self.folder, &self.client);
        }
        SyncReport {
            run: self.folder.id,
            experiment_id,
            mlflow_run_id: run_id,
            page,
            status: now.status,
            sent_lines: lines.saturating_sub(before),
            complete,
            deleted,
            problems: open.remote.problems.clone(),
        }
    }
}

impl Open {
    fn new(folder: &RunFolder, client: &MlflowClient) -> Result<Self, TrackingError> {
        let (opening, mut reader): (Opening, _) = JournalReader::open(&folder.journal())?;
        let hint = SyncState::read(folder, client).map(|state| state.run_id);
        let remote = RemoteTracker::open(client, &opening, hint.as_deref())?;
        while reader.lines() < remote.lines() && reader.next_line()?.is_some() {}
        let arrived = reader.position();
        Ok(Self { reader, remote, arrived })
    }

    fn copy(&mut self, folder: &RunFolder, now: &Standing) -> Result<(), TrackingError> {
        self.reader.rewind(self.arrived)?;
        let files = self.copy_entries()?;
        self.copy_files(&files, folder)?;
        match now.status {
            RunStatus::Running => Ok(()),
            _ => self.end(folder, now),
        }
    }

    /// Sends all that is not a file, and returns the files: numbers do not wait for a large or failing upload.
    fn copy_entries(&mut self) -> Result<Vec<String>, TrackingError> {
        let (mut batch, mut files) = (Batch::default(), Vec::new());
        let mut first_file = None;
        loop {
            let here = self.reader.position();
            let Some(line) = self.reader.next_line()? else { break };
            match line.map(|stamped| (stamped.at, stamped.line)) {
                Some((_, Line::Artifact { name, .. })) => {
                    first_file.get_or_insert(here);
                    files.push(name);
                }
                Some((at, line)) => self.take(&mut batch, at, line),
                None => {}
            }
            if batch.is_full() {
                self.flush(std::mem::take(&mut batch), first_file)?;
            }
        }
        if !batch.is_empty() {
            self.flush(batch, first_file)?;
        }
        Ok(files)
    }

    fn take(&mut self, batch: &mut Batch, at: Timestamp, line: Line) {
        match line {
            Line::Metric { key, step, value } => batch.metric(&key, step, value, at.as_millisecond()),
            Line::Tag { key, value } => batch.tag(&key, &value),
            Line::Param { key, value } => {
                if let Err(key) = batch.param(&key, &value) {
                    self.remote
                        .report(format!("parameter `{key}` is refused: it was logged before with another value"));
                }
            }
            // The server has no place for these; the journal that is uploaded at the end holds them.
            Line::StageStarted { .. } | Line::StageCached { .. } | Line::StageFinished { .. } => {}
            Line::Artifact { .. } | Line::Warning { .. } | Line::End { .. } => {}
        }
    }

    fn copy_files(&mut self, names: &[String], folder: &RunFolder) -> Result<(), TrackingError> {
        for name in names {
            match folder.artifact(name) {
                Ok(file) => self.remote.upload(name, &file)?,
                Err(error) => self.remote.report(error.in_one_line()),
            }
        }
        if names.is_empty() { Ok(()) } else { self.flush(Batch::default(), None) }
    }

    /// Sends a batch. The server has all lines read so far, or those before the first file that is still to come.
    fn flush(&mut self, batch: Batch, first_file: Option<(u64, u64)>) -> Result<(), TrackingError> {
        let arrived = first_file.unwrap_or(self.reader.position());
        self.remote.send(batch, arrived.1)?;
        self.arrived = arrived;
        Ok(())
    }

    /// Sends the journal itself, and last the status: a status that is there proves that all is.
    fn end(&mut self, folder: &RunFolder, now: &Standing) -> Result<(), TrackingError> {
        let word = now.status.word();
        if self.reader.position() == self.arrived && self.remote.run().info.status == word {
            return Ok(());
        }
        self.flush(Batch::default(), None)?;
        self.remote.upload("pdm-ml/journal.ndjson", &folder.journal())?;
        self.remote.end(word, now.ended.map(|ended| ended.as_millisecond()))
    }
}
