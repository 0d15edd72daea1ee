//! The folder of all runs.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::{ActiveRun, RunFolder, RunState, read_state};
use crate::tracking::journal::{JournalLine, JournalReader, JournalWriter, read_ends};
use crate::tracking::{Run, RunHeader, RunId, RunOutcome, RunStatus, TrackingError};
use pdm_core::content::FileLock;
use pdm_core::events::Reporter;

/// A folder of runs.
#[derive(Debug, Clone)]
pub struct RunStore {
    dir: PathBuf,
}

/// The runs of a store.
#[derive(Debug, Serialize)]
pub struct Listing {
    /// Runs, newest first.
    pub runs: Vec<RunSummary>,
    /// Runs whose journal cannot be read.
    pub unreadable: Vec<Unreadable>,
}

/// A run in a list; [`RunStore::load`] reads the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunSummary {
    /// Id of the run.
    pub id: RunId,
    /// Shortest unique prefix of the id.
    pub short: String,
    /// Its header.
    #[serde(flatten)]
    pub header: RunHeader,
    /// Its status.
    pub status: RunStatus,
    /// When it ended; for a killed run, the time of its last line.
    pub ended: Option<Timestamp>,
}

/// A run whose journal cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// Id of the run.
    pub id: RunId,
    /// What is wrong.
    pub why: String,
}

impl RunStore {
    /// Returns the store in `dir`; the folder is created by the first run.
    pub fn open(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Returns the folder of the store.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Starts a run. Failures of its journal are reported to `reporter`, to which the run must not listen.
    ///
    /// # Errors
    /// [`TrackingError::File`] if the run's folder, lock or first line cannot be written.
    pub fn start(
        &self,
        header: RunHeader,
        reporter: &Reporter,
    ) -> Result<ActiveRun, TrackingError> {
        ActiveRun::start(&self.dir, header, reporter)
    }

    /// Lists the runs with their status; works without write access.
    ///
    /// # Errors
    /// [`TrackingError::File`] if the folder cannot be read.
    pub fn list(&self) -> Result<Listing, TrackingError> {
        let ids = self.ids()?;
        let mut listing = Listing {
            runs: Vec::new(),
            unreadable: Vec::new(),
        };
        for id in ids.iter().rev() {
            match read_state(&self.folder(*id)) {
                Ok(state) => listing.runs.push(summary(*id, &ids, state)),
                Err(error) => listing.unreadable.push(Unreadable {
                    id: *id,
                    why: error.in_one_line(),
                }),
            }
        }
        Ok(listing)
    }

    /// Returns the one run whose id begins with `prefix`.
    ///
    /// # Errors
    /// [`TrackingError::NoSuchRun`], [`TrackingError::Ambiguous`], [`TrackingError::File`].
    pub fn find(&self, prefix: &str) -> Result<RunId, TrackingError> {
        let ids = self.ids()?;
        let matching: Vec<_> = ids
            .iter()
            .filter(|id| !prefix.is_empty() && id.starts_with(prefix))
            .collect();
        match matching[..] {
            [id] => Ok(*id),
            [] => Err(TrackingError::NoSuchRun {
                prefix: prefix.to_owned(),
                dir: self.dir.clone(),
            }),
            _ => Err(TrackingError::Ambiguous {
                prefix: prefix.to_owned(),
                candidates: matching.iter().map(|id| id.short_among(&ids)).collect(),
            }),
        }
    }

    /// Reads the one run whose id begins with `prefix`.
    ///
    /// # Errors
    /// As [`Self::find`]; [`TrackingError::NotAJournal`] and [`TrackingError::LaterFormat`] for journals of other programs.
    pub fn load(&self, prefix: &str) -> Result<Run, TrackingError> {
        let folder = self.folder(self.find(prefix)?);
        let RunState { status, ended, .. } = read_state(&folder)?;
        let (opening, reader) = JournalReader::open(&folder.journal())?;
        Run::read(opening, reader, (status, ended))
    }

    /// Returns the path of a run's artifact.
    ///
    /// # Errors
    /// [`TrackingError::ArtifactName`] for a name that is not a plain relative path.
    pub fn artifact(&self, run: RunId, name: &str) -> Result<PathBuf, TrackingError> {
        self.folder(run).artifact(name)
    }

    /// Marks runs without a process as killed in their journals. Journals of other programs are not changed.
    ///
    /// # Errors
    /// The first run that could not be marked; the others are marked anyway.
    pub fn reap(&self) -> Result<Vec<RunId>, TrackingError> {
        let mut reaped = Vec::new();
        let mut failure = None;
        for id in self.ids()? {
            match reap(&self.folder(id)) {
                Ok(true) => reaped.push(id),
                Ok(false)
                | Err(TrackingError::NotAJournal { .. } | TrackingError::LaterFormat { .. }) => {}
                Err(error) => drop(failure.get_or_insert(error)),
            }
        }
        failure.map_or(Ok(reaped), Err)
    }

    pub(in crate::tracking) fn folder(&self, id: RunId) -> RunFolder {
        RunFolder::new(&self.dir, id)
    }

    /// Returns the ids of all runs, oldest first. A folder without a journal is not a run.
    pub(super) fn ids(&self) -> Result<Vec<RunId>, TrackingError> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(TrackingError::file("read", &self.dir)(source)),
        };
        let names: Vec<_> = entries
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<io::Result<_>>()
            .map_err(TrackingError::file("read", &self.dir))?;
        let mut ids: Vec<RunId> = names
            .iter()
            .filter_map(|name| name.to_str()?.parse().ok())
            .collect();
        // Anything but a file is reported when it is read.
        ids.retain(|id| self.folder(*id).journal().exists());
        ids.sort_unstable();
        Ok(ids)
    }
}

pub(super) fn summary(
    id: RunId,
    ids: &[RunId],
    RunState {
        opening,
        status,
        ended,
    }: RunState,
) -> RunSummary {
    RunSummary {
        id,
        short: id.short_among(ids),
        header: opening.header,
        status,
        ended,
    }
}

/// Marks a run without a process as killed; returns whether it did.
fn reap(folder: &RunFolder) -> Result<bool, TrackingError> {
    let journal = folder.journal();
    if read_ends(&journal)?.outcome.is_some() {
        return Ok(false);
    }
    let lock =
        FileLock::try_take(&folder.lock()).map_err(TrackingError::file("lock", &folder.lock()))?;
    let Some(_lock) = lock else { return Ok(false) };
    // It may have ended, or been marked, before the lock was taken.
    let ends = read_ends(&journal)?;
    if ends.outcome.is_some() {
        return Ok(false);
    }
    JournalWriter::reopen(&journal)
        .and_then(|mut writer| {
            writer.append_at(
                ends.last,
                JournalLine::End {
                    status: RunOutcome::Killed,
                },
            )
        })
        .map_err(TrackingError::file("write", &journal))?;
    Ok(true)
}
