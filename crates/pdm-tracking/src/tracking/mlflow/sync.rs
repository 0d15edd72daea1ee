//! Replays a journal to a server.

use serde::Serialize;

use super::destination::ArtifactDestination;
use super::tree::Tree;
use super::{MlflowClient, SyncState};
use crate::tracking::journal::{JournalLine, JournalReader, Opening};
use crate::tracking::local::{RunFolder, RunState, read_state};
use crate::tracking::{RunId, RunStatus, RunStore, TrackingError};
use pdm_core::content::FileLock;

/// Result of a replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SyncReport {
    /// The run.
    pub run: RunId,
    /// The server's id of the experiment.
    pub experiment_id: String,
    /// The server's id of the run.
    pub mlflow_run_id: String,
    /// Page that shows the run.
    pub page: String,
    /// Status of the run.
    pub status: RunStatus,
    /// Lines of the journal this replay sent.
    pub sent_lines: u64,
    /// Whether the run has ended and the server has all of it.
    pub complete: bool,
    /// Whether the run was deleted on the server; it is then not copied again.
    pub deleted: bool,
    /// What the server refused.
    pub problems: Vec<String>,
}

/// Copies a run to an MLflow server. Can be repeated, also after an interruption: the server then has the run
/// once, with every entry once.
///
/// # Errors
/// [`TrackingError::Unreachable`] and [`TrackingError::Refused`] if the server fails; [`TrackingError::Busy`] while
/// another process copies the same run; those of [`RunStore::load`] for the journal.
pub fn sync(
    store: &RunStore,
    run: RunId,
    client: &MlflowClient,
) -> Result<SyncReport, TrackingError> {
    Syncer::new(store.folder(run), client.clone()).pass()
}

/// Copies a growing journal to a server in any number of passes.
pub(in crate::tracking) struct Syncer {
    folder: RunFolder,
    client: MlflowClient,
    open: Option<OpenCopy>,
}

/// Source and destination of a copy.
struct OpenCopy {
    reader: JournalReader,
    tree: Tree,
    destination: ArtifactDestination,
    /// Files named in the journal, in order.
    files: Vec<String>,
    /// Number of these files that the server has.
    sent_files: usize,
}

/// Tag with the number of files that the server has.
const FILES_TAG: &str = "pdm_ml.synced_files";

impl Syncer {
    pub(in crate::tracking) fn new(folder: RunFolder, client: MlflowClient) -> Self {
        Self {
            folder,
            client,
            open: None,
        }
    }

    pub(in crate::tracking) fn client(&self) -> &MlflowClient {
        &self.client
    }

    /// Sends the lines that the server lacks.
    pub(in crate::tracking) fn pass(&mut self) -> Result<SyncReport, TrackingError> {
        // If the lock cannot be written, as on a read-only disk, the search on the server has to suffice.
        let lock = FileLock::try_take(&self.folder.sync_lock());
        if matches!(lock, Ok(None)) {
            return Err(TrackingError::Busy {
                run: self.folder.id,
            });
        }
        // The status is read before the lines: if the run has ended, all lines are there.
        let now = read_state(&self.folder)?;
        let mut open = match self.open.take() {
            Some(open) => open,
            None => OpenCopy::new(&self.folder, &self.client)?,
        };
        let before = open.reader.lines();
        let copied = if open.tree.is_deleted() {
            Ok(())
        } else {
            open.copy(&self.folder, &now)
        };
        // The hint is also useful after a copy that failed.
        let report = self.report(&open, &now, before, copied.is_ok());
        // After a failure, the state must be read from the server again.
        self.open = copied.is_ok().then_some(open);
        copied.map(|()| report)
    }

    fn report(&self, open: &OpenCopy, now: &RunState, before: u64, copied: bool) -> SyncReport {
        let lines = open.tree.lines();
        let info = &open.tree.root.remote.run().info;
        let deleted = open.tree.is_deleted();
        let ended = now.status != RunStatus::Running && info.status == now.status.word();
        let complete = copied && !deleted && ended;
        let experiment_id = info.experiment_id.clone();
        let run_id = info.run_id.clone();
        let page = self.client.base().page(&experiment_id, &run_id);
        let state = SyncState {
            experiment_id: experiment_id.clone(),
            run_id: run_id.clone(),
            lines,
            complete,
        };
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
            problems: open.tree.problems(),
        }
    }
}

impl OpenCopy {
    fn new(folder: &RunFolder, client: &MlflowClient) -> Result<Self, TrackingError> {
        let (opening, mut reader): (Opening, _) = JournalReader::open(&folder.journal())?;
        let hint = SyncState::read(folder, client).map(|state| state.run_id);
        let tree = Tree::open(client, opening, hint.as_deref())?;
        let mut files = Vec::new();
        while reader.lines() < tree.lines()
            && let Some(line) = reader.next_line()?
        {
            files.extend(line.and_then(|stamped| file_of(&stamped.line)));
        }
        let run = tree.root.remote.run();
        let destination = ArtifactDestination::of(run, client);
        let sent_files = run.number(FILES_TAG);
        Ok(Self {
            reader,
            tree,
            destination,
            files,
            sent_files: usize::try_from(sent_files).unwrap_or(usize::MAX),
        })
    }

    fn copy(&mut self, folder: &RunFolder, now: &RunState) -> Result<(), TrackingError> {
        self.copy_entries()?;
        self.copy_files(folder)?;
        match now.status {
            RunStatus::Running => Ok(()),
            RunStatus::Finished | RunStatus::Failed | RunStatus::Killed => self.end(folder, now),
        }
    }

    /// Sends everything but files, so that metrics do not wait for large or failing uploads.
    fn copy_entries(&mut self) -> Result<(), TrackingError> {
        while let Some(line) = self.reader.next_line()? {
            let Some(stamped) = line else { continue };
            self.files.extend(file_of(&stamped.line));
            self.tree.take(self.reader.lines(), stamped)?;
            if self.tree.is_full() {
                self.flush()?;
            }
        }
        if self.tree.has_news() {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Sends the files, and records the number of those sent even if one fails.
    fn copy_files(&mut self, folder: &RunFolder) -> Result<(), TrackingError> {
        if self.sent_files >= self.files.len() {
            return Ok(());
        }
        let mut sent = Ok(());
        while sent.is_ok()
            && let Some(name) = self.files.get(self.sent_files)
        {
            sent = match folder.artifact(name) {
                Ok(file) => self
                    .destination
                    .upload(name, &file, &mut self.tree.root.remote),
                Err(error) => {
                    self.tree.root.remote.report(error.in_one_line());
                    Ok(())
                }
            };
            self.sent_files += usize::from(sent.is_ok());
        }
        self.tree.tag(FILES_TAG, &self.sent_files.to_string());
        let recorded = self.flush();
        sent.and(recorded)
    }

    fn flush(&mut self) -> Result<(), TrackingError> {
        self.tree.flush(self.reader.lines())
    }

    /// Sends the journal itself, and the status last: if the status is there, so is everything else.
    fn end(&mut self, folder: &RunFolder, now: &RunState) -> Result<(), TrackingError> {
        let word = now.status.word();
        let ended = now.ended.map(|ended| ended.as_millisecond());
        if self.tree.lines() == self.reader.lines()
            && self.tree.root.remote.run().info.status == word
        {
            return Ok(());
        }
        self.tree.settle(word, ended)?;
        self.flush()?;
        self.destination.upload(
            "pdm-ml/journal.ndjson",
            &folder.journal(),
            &mut self.tree.root.remote,
        )?;
        self.tree.root.remote.end(word, ended)
    }
}

fn file_of(line: &JournalLine) -> Option<String> {
    let JournalLine::Artifact { name, .. } = line else {
        return None;
    };
    Some(name.clone())
}
