//! A run that is being written.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use super::{RunFolder, artifact};
use crate::tracking::journal::{JournalLine, JournalWriter, Opening};
use crate::tracking::{RunHeader, RunId, RunOutcome, TrackingError};
use pdm_core::content::FileLock;
use pdm_core::events::{Event, Observer, Reporter};

/// A run that is being written. Add it to a [`Reporter`] as a listener.
///
/// If the journal cannot be written, there is one warning and the work continues; [`Self::finish`] returns the first error.
/// If it is dropped before it is finished, for example by a panic, the run ends as failed.
pub struct ActiveRun {
    folder: RunFolder,
    header: RunHeader,
    state: Mutex<ActiveRunState>,
    /// Receives warnings; this run does not listen to it.
    reporter: Reporter,
    _lock: FileLock,
}

struct ActiveRunState {
    journal: JournalWriter,
    failure: Option<TrackingError>,
    warned: bool,
    ended: bool,
}

impl ActiveRun {
    pub(super) fn start(
        store: &Path,
        header: RunHeader,
        reporter: &Reporter,
    ) -> Result<Self, TrackingError> {
        let folder = RunFolder::new(store, RunId::new());
        fs::create_dir_all(folder.path()).map_err(TrackingError::file("create", folder.path()))?;
        let lock = take_lock(&folder.lock())?;
        let opening = Opening::new(folder.id, header.clone());
        let path = folder.journal();
        let journal =
            JournalWriter::create(&path, &opening).map_err(TrackingError::file("write", &path))?;
        let state = Mutex::new(ActiveRunState {
            journal,
            failure: None,
            warned: false,
            ended: false,
        });
        Ok(Self {
            folder,
            header,
            state,
            reporter: reporter.clone(),
            _lock: lock,
        })
    }

    /// Returns the id of the run.
    pub fn id(&self) -> RunId {
        self.folder.id
    }

    /// Returns the header of the run.
    pub fn header(&self) -> &RunHeader {
        &self.header
    }

    /// Returns the run's folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Ends the run; later events are not recorded.
    ///
    /// # Errors
    /// The first error of the journal or an artifact since the start.
    pub fn finish(&self, outcome: RunOutcome) -> Result<(), TrackingError> {
        let mut state = self.state();
        if !state.ended {
            state.ended = true;
            let written = state
                .journal
                .append(JournalLine::End { status: outcome })
                .and_then(|()| state.journal.sync());
            if let Err(source) = written {
                state
                    .failure
                    .get_or_insert(TrackingError::file("write", &self.folder.journal())(source));
            }
        }
        state.failure.take().map_or(Ok(()), Err)
    }

    pub(in crate::tracking) fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// Continues the journal in another file.
    #[cfg(test)]
    pub(super) fn divert(&self, file: fs::File) {
        self.state().journal = JournalWriter::over(file);
    }

    fn state(&self) -> MutexGuard<'_, ActiveRunState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, line: JournalLine) {
        let mut state = self.state();
        if state.ended {
            return;
        }
        if let Err(source) = state.journal.append(line) {
            drop(state);
            self.report_failure(TrackingError::file("write", &self.folder.journal())(source));
        }
    }

    fn keep(&self, name: &str, path: &Path) {
        match artifact::keep(&self.folder, name, path) {
            Ok(kept) => self.record(JournalLine::Artifact {
                name: name.to_owned(),
                bytes: kept.bytes,
                digest: kept.digest,
            }),
            Err(error) => self.report_failure(error),
        }
    }

    /// Reports the first failure and keeps it for [`Self::finish`]. No lock is held while listeners are called.
    fn report_failure(&self, error: TrackingError) {
        let mut state = self.state();
        let first = !std::mem::replace(&mut state.warned, true);
        let message = first.then(|| {
            format!(
                "run {} is not recorded completely: {}",
                self.id(),
                error.in_one_line()
            )
        });
        state.failure.get_or_insert(error);
        drop(state);
        if let Some(message) = message {
            self.reporter.warn(message);
        }
    }
}

impl Observer for ActiveRun {
    fn on(&self, event: &Event) {
        match event {
            Event::Artifact { name, path } => self.keep(name, path),
            event => {
                if let Some(line) = JournalLine::of(event) {
                    self.record(line);
                }
            }
        }
    }
}

impl Drop for ActiveRun {
    fn drop(&mut self) {
        if !self.state().ended {
            // The failure was already reported as a warning.
            let _ = self.finish(RunOutcome::Failed);
        }
    }
}

fn take_lock(path: &Path) -> Result<FileLock, TrackingError> {
    // The folder is new and its name unique: no other process can hold this lock.
    FileLock::try_take(path)
        .and_then(|lock| lock.ok_or_else(|| io::ErrorKind::WouldBlock.into()))
        .map_err(TrackingError::file("lock", path))
}
