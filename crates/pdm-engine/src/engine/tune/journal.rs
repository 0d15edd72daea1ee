//! The journal of a search: what its trials have found out so far.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::TuneError;
use pdm_core::content::{Digest, try_lock};
use pdm_core::scoring::UnitLoss;
use pdm_models::tune::Trial;

/// The format this release writes and reads.
const FORMAT: u32 = 1;

/// One line of a journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TuneJournalLine {
    /// The search that the journal belongs to; always the first line.
    Study {
        format: u32,
        digest: Digest,
        pipeline: String,
    },
    /// A trial that ended.
    Trial(Trial),
    /// The size of a trial's model, in bytes.
    Size { trial: usize, bytes: u64 },
    /// A trial scored again, on new folds.
    Again(Again),
}

/// A trial scored again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Again {
    /// The trial.
    pub(super) trial: usize,
    /// Which new folds, from 0.
    pub(super) repeat: usize,
    /// What each unit adds to the metric, by fold.
    pub(super) folds: Vec<Vec<UnitLoss>>,
}

/// The results of a search so far, one JSON object a line; lines are only added.
///
/// A process can die at any byte: an incomplete line is ignored, and its trial is run again. The file is locked while it is
/// open.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// The file ends in the middle of a line.
    torn: bool,
}

impl TuneJournalLine {
    /// Returns the number of the trial that ended.
    pub(super) fn trial(&self) -> Option<usize> {
        let Self::Trial(trial) = self else {
            return None;
        };
        Some(trial.number)
    }
}

impl Journal {
    /// Opens the journal of a search and returns its lines; `fresh` deletes them first.
    pub(super) fn open(
        folder: &Path,
        digest: Digest,
        pipeline: &str,
        fresh: bool,
    ) -> Result<(Self, Vec<TuneJournalLine>), TuneError> {
        fs::create_dir_all(folder).map_err(TuneError::file("create", folder))?;
        let path = folder.join(format!("{digest}.ndjson"));
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path);
        let mut file = file.map_err(TuneError::file("open", &path))?;
        if !try_lock(&file).map_err(TuneError::file("lock", &path))? {
            return Err(TuneError::Busy(path));
        }
        if fresh {
            file.set_len(0).map_err(TuneError::file("empty", &path))?;
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)
            .map_err(TuneError::file("read", &path))?;
        if !bytes.contains(&b'\n') {
            // Not even the first line is complete.
            bytes.clear();
            file.set_len(0).map_err(TuneError::file("empty", &path))?;
        }
        let torn = bytes.last().is_some_and(|last| *last != b'\n');
        let mut journal = Self { path, file, torn };
        let opening = TuneJournalLine::Study {
            format: FORMAT,
            digest,
            pipeline: pipeline.to_owned(),
        };
        let lines = journal.complete_lines(&bytes, &opening)?;
        Ok((journal, lines))
    }

    /// Returns the path of the journal.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a line; it is on the disk when the call returns.
    pub(super) fn append(&mut self, line: &TuneJournalLine) -> Result<(), TuneError> {
        let mut bytes = if self.torn {
            b"\n".to_vec()
        } else {
            Vec::new()
        };
        serde_json::to_writer(&mut bytes, line)
            .expect("numbers, names and values have a JSON form");
        bytes.push(b'\n');
        // Even a failed write may have left a part of the line behind.
        self.torn = true;
        let written = self
            .file
            .write_all(&bytes)
            .and_then(|()| self.file.sync_data());
        written.map_err(TuneError::file("write", &self.path))?;
        self.torn = false;
        Ok(())
    }

    fn complete_lines(
        &mut self,
        bytes: &[u8],
        opening: &TuneJournalLine,
    ) -> Result<Vec<TuneJournalLine>, TuneError> {
        let mut lines = bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        let Some(first) = lines.next() else {
            self.append(opening)?;
            return Ok(Vec::new());
        };
        // The pipeline's name is only for people who read the file.
        let foreign = || TuneError::NotAJournal(self.path.clone());
        let TuneJournalLine::Study { digest: own, .. } = opening else {
            return Err(foreign());
        };
        let Ok(TuneJournalLine::Study { format, digest, .. }) = serde_json::from_slice(first)
        else {
            return Err(foreign());
        };
        if format != FORMAT || digest != *own {
            return Err(foreign());
        }
        Ok(lines
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pdm_models::tune::{SearchPoint, TrialEnding};

    fn size(trial: usize) -> TuneJournalLine {
        TuneJournalLine::Size { trial, bytes: 10 }
    }

    fn open(folder: &Path, fresh: bool) -> (Journal, Vec<TuneJournalLine>) {
        Journal::open(folder, Digest::of("study"), "demo", fresh).unwrap()
    }

    fn file(folder: &Path) -> PathBuf {
        folder.join(format!("{}.ndjson", Digest::of("study")))
    }

    #[test]
    fn what_is_appended_is_read_back_and_fresh_deletes_it() {
        let folder = tempfile::tempdir().unwrap();
        let units = vec![vec![UnitLoss {
            unit: 7.into(),
            sum: 0.1 + 0.2,
            weight: 8.0,
        }]];
        let trial = Trial {
            number: 0,
            values: SearchPoint::new(),
            folds: units.clone(),
            ending: TrialEnding::Pruned,
        };
        let lines = [
            TuneJournalLine::Trial(trial),
            size(0),
            TuneJournalLine::Again(Again {
                trial: 0,
                repeat: 1,
                folds: units,
            }),
        ];
        let (mut journal, read) = open(folder.path(), false);
        assert_eq!(read, []);
        for line in &lines {
            journal.append(line).unwrap();
        }
        drop(journal);
        assert_eq!(open(folder.path(), false).1, lines);
        assert_eq!(open(folder.path(), true).1, []);
        assert_eq!(open(folder.path(), false).1, []);
    }

    #[test]
    fn an_incomplete_line_is_ignored_and_the_next_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = open(folder.path(), false);
        for trial in 0..2 {
            journal.append(&size(trial)).unwrap();
        }
        drop(journal);
        let bytes = fs::read(file(folder.path())).unwrap();
        // A line that lacks only its line end is complete.
        for cut in 2..20 {
            fs::write(file(folder.path()), &bytes[..bytes.len() - cut]).unwrap();
            let (mut journal, lines) = open(folder.path(), false);
            assert_eq!(lines, [size(0)], "{cut} bytes less");
            journal.append(&size(2)).unwrap();
            drop(journal);
            assert_eq!(open(folder.path(), false).1, [size(0), size(2)]);
        }
    }

    #[test]
    fn a_journal_that_was_just_begun_begins_again() {
        let folder = tempfile::tempdir().unwrap();
        drop(open(folder.path(), false));
        let bytes = fs::read(file(folder.path())).unwrap();
        for length in [0, 1, bytes.len() - 1] {
            fs::write(file(folder.path()), &bytes[..length]).unwrap();
            assert_eq!(open(folder.path(), false).1, []);
            assert_eq!(fs::read(file(folder.path())).unwrap(), bytes);
        }
    }

    #[test]
    fn two_processes_do_not_write_one_journal_and_another_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (_held, _) = open(folder.path(), false);
        let second = Journal::open(folder.path(), Digest::of("study"), "demo", false);
        assert!(matches!(second, Err(TuneError::Busy(_))));
        drop(_held);
        fs::write(file(folder.path()), "{\"study\":{\"format\":2}}\n").unwrap();
        let other = Journal::open(folder.path(), Digest::of("study"), "demo", false);
        assert!(matches!(other, Err(TuneError::NotAJournal(_))));
    }
}
