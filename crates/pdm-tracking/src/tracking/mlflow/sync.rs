use serde::Serialize;

use super::place::ArtifactDestination;
use super::tree::Tree;
use super::{MlflowClient, SyncState};
use crate::tracking::journal::{JournalLine, JournalReader, Opening};
use crate::tracking::local::{RunFolder, RunLock, RunState, standing};
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
pub fn sync(
    store: &RunStore,
    run: RunId,
    client: &MlflowClient,
) -> Result<SyncReport, TrackingError> {
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
    tree: Tree,
    place: ArtifactDestination,
    /// Files the journal names, in its order.
    files: Vec<String>,
    /// How many of them the server has.
    sent_files: usize,
}

/// How many of a run's files the server has.
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

    /// Sends what the server lacks of the journal as it stands now.
    pub(in crate::tracking) fn pass(&mut self) -> Result<SyncReport, TrackingError> {
        // Where the lock cannot be written, as on a read-only disk, the server's own search has to do.
        let lock = RunLock::try_take(&self.folder.sync_lock());
        if matches!(lock, Ok(None)) {
            return Err(TrackingError::Busy {
                run: self.folder.id,
            });
        }
        // The status comes before the lines: a run seen to have ended has all its lines.
        let now = standing(&self.folder)?;
        let mut open = match self.open.take() {
            Some(open) => open,
            None => Open::new(&self.folder, &self.client)?,
        };
        let before = open.reader.lines();
        let copied = if open.tree.is_deleted() {
            Ok(())
        } else {
            open.copy(&self.folder, &now)
        };
        // A copy that failed half-way has still come to something worth a hint.
        let report = self.report(&open, &now, before, copied.is_ok());
        // After a failure only the server knows what it has.
        self.open = copied.is_ok().then_some(open);
        copied.map(|()| report)
    }

    fn report(&self, open: &Open, now: &RunState, before: u64, copied: bool) -> SyncReport {
        let (lines, info) = (open.tree.lines(), &open.tree.root.remote.run().info);
        let deleted = open.tree.is_deleted();
        let ended = now.status != RunStatus::Running && info.status == now.status.word();
        let complete = copied && !deleted && ended;
        let (experiment_id, run_id) = (info.experiment_id.clone(), info.run_id.clone());
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

impl Open {
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
        let (place, sent_files) = (ArtifactDestination::of(run, client), run.number(FILES_TAG));
        Ok(Self {
            reader,
            tree,
            place,
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

    /// Sends all that is not a file: numbers do not wait for a large or failing upload.
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

    /// Sends the files. What arrived before one that failed is noted as well as may be.
    fn copy_files(&mut self, folder: &RunFolder) -> Result<(), TrackingError> {
        if self.sent_files >= self.files.len() {
            return Ok(());
        }
        let mut sent = Ok(());
        while sent.is_ok()
            && let Some(name) = self.files.get(self.sent_files)
        {
            sent = match folder.artifact(name) {
                Ok(file) => self.place.upload(name, &file, &mut self.tree.root.remote),
                Err(error) => {
                    self.tree.root.remote.report(error.in_one_line());
                    Ok(())
                }
            };
            self.sent_files += usize::from(sent.is_ok());
        }
        self.tree.tag(FILES_TAG, &self.sent_files.to_string());
        let noted = self.flush();
        sent.and(noted)
    }

    fn flush(&mut self) -> Result<(), TrackingError> {
        self.tree.flush(self.reader.lines())
    }

    /// Sends the journal itself, and last the status: a status that is there proves that all is.
    fn end(&mut self, folder: &RunFolder, now: &RunState) -> Result<(), TrackingError> {
        let (word, ended) = (
            now.status.word(),
            now.ended.map(|ended| ended.as_millisecond()),
        );
        if self.tree.lines() == self.reader.lines()
            && self.tree.root.remote.run().info.status == word
        {
            return Ok(());
        }
        self.tree.settle(word, ended)?;
        self.flush()?;
        self.place.upload(
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
