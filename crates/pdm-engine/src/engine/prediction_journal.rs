//! The journal of predictions: what which model predicted, to be scored later against what happened.
//!
//! One JSON object a line, in the order they were made; lines are only added. A prediction of the same unit, cycle, model and
//! input is the same prediction, and is written once.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use pdm_core::codes::Code;
use pdm_core::content::{Digest, check_finite, lock_within};
use pdm_core::domain::{Cycle, FlagKind, UnitId};

/// Newest format of a line.
const FORMAT: u32 = 1;

/// How long to wait for another command that writes the same journal, which usually takes some milliseconds.
const WAIT: Duration = Duration::from_secs(10);

/// The beginning of every line.
const BEGINNING: &[u8] = b"{\"format\":";

/// A line is some hundred bytes and the name of a unit; a file whose first line is longer is not a journal.
const LONGEST_LINE: u64 = 1 << 20;

/// One prediction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Format of the line.
    pub format: u32,
    /// When it was made.
    pub time: Timestamp,
    /// The unit.
    pub unit: UnitId,
    /// The last cycle the model has seen.
    pub cycle: Cycle,
    /// Predicted remaining useful life, in cycles.
    pub rul: f64,
    /// Lower end of the interval, in cycles.
    pub lower: Option<f64>,
    /// Upper end of the interval, in cycles.
    pub upper: Option<f64>,
    /// Share of units whose truth such intervals should hold.
    pub coverage: f64,
    /// The cap on the truth that the interval is about, in cycles; none where it is about the whole life.
    pub truth_cap: Option<f64>,
    /// How the history differs from those the model learnt from.
    pub flags: Vec<FlagKind>,
    /// The registered version, such as `turbofan/3`; none for a bundle in a folder.
    pub model: Option<String>,
    /// Digest of the bundle.
    pub bundle: Digest,
    /// SHA-256 of the input's bytes.
    pub input: Digest,
}

impl JournalEntry {
    /// The format of lines that are written now.
    pub const FORMAT: u32 = FORMAT;

    fn key(&self) -> (UnitId, Cycle, Digest, Digest) {
        (self.unit.clone(), self.cycle, self.bundle, self.input)
    }
}

/// Why the journal cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PredictionJournalError {
    /// The file, its folder or its lock cannot be used.
    #[error("cannot {action} the journal of predictions `{}`", path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The journal.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The path leads to a folder or a device.
    #[error("the journal of predictions `{}` is not a file", .0.display())]
    NotAFile(PathBuf),
    /// The file begins with something else.
    #[error("`{}` exists but is not a journal of predictions; nothing was written to it", .0.display())]
    Foreign(PathBuf),
    /// A line is not a prediction.
    #[error("line {line} of `{}` is not a prediction: {source}", path.display())]
    Line {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why not.
        source: serde_json::Error,
    },
    /// A prediction has a number that cannot be written.
    #[error("a prediction cannot be written to the journal `{}`", path.display())]
    Entry {
        /// The journal.
        path: PathBuf,
        /// Which number it is.
        source: serde_json::Error,
    },
    /// Another command holds the journal.
    #[error("another command has been writing the journal of predictions `{}` for {} s", .0.display(), WAIT.as_secs())]
    Busy(PathBuf),
}

impl PredictionJournalError {
    /// Returns which kind of error this is.
    pub fn code(&self) -> Code {
        match self {
            Self::File { .. }
            | Self::NotAFile(_)
            | Self::Foreign(_)
            | Self::Line { .. }
            | Self::Entry { .. }
            | Self::Busy(_) => Code::PredictionJournal,
        }
    }
}

/// Adds predictions to a journal, and returns how many of them it did not have yet.
///
/// A process that dies meanwhile leaves complete lines and at most the beginning of one, which the next writer cuts off: it was
/// never reported as written. All lines are on the disk when this returns.
///
/// # Errors
/// The file cannot be read or written, is locked by another command for too long, or is not a journal.
pub fn append(path: &Path, entries: &[JournalEntry]) -> Result<usize, PredictionJournalError> {
    let failed = |action| {
        move |source| PredictionJournalError::File {
            action,
            path: path.to_owned(),
            source,
        }
    };
    if let Some(folder) = path.parent()
        && !folder.as_os_str().is_empty()
    {
        std::fs::create_dir_all(folder).map_err(failed("make the folder of"))?;
    }
    // Checked before it is opened: opening a pipe would wait for its other end.
    if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(PredictionJournalError::NotAFile(path.to_owned()));
    }
    let open = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path);
    let mut file = open.map_err(failed("open"))?;
    lock(&file, path)?;
    refuse_foreign(&mut file, path)?;
    end_last_line(&mut file, path)?;
    let known = known(&mut file, path, entries)?;
    let mut bytes = Vec::new();
    let mut written = HashSet::new();
    for entry in entries {
        let key = entry.key();
        if known.contains(&key) || !written.insert(key) {
            continue;
        }
        let unwritable = |source| PredictionJournalError::Entry {
            path: path.to_owned(),
            source,
        };
        check_finite(entry).map_err(unwritable)?;
        serde_json::to_writer(&mut bytes, entry).map_err(unwritable)?;
        bytes.push(b'\n');
    }
    if !bytes.is_empty() {
        file.write_all(&bytes).map_err(failed("write"))?;
        file.sync_data().map_err(failed("write"))?;
    }
    Ok(written.len())
}

/// Reads a journal, in the order it was written.
///
/// # Errors
/// The file cannot be read, or a line is not a prediction. An incomplete last line, which a killed process left, is skipped.
pub fn read_journal(path: &Path) -> Result<Vec<JournalEntry>, PredictionJournalError> {
    let failed = |source| PredictionJournalError::File {
        action: "read",
        path: path.to_owned(),
        source,
    };
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let mut entries = Vec::new();
    for (at, line) in text.split_inclusive('\n').enumerate() {
        match serde_json::from_str(line) {
            Ok(entry) => entries.push(entry),
            Err(_) if !line.ends_with('\n') => break,
            Err(source) => {
                return Err(PredictionJournalError::Line {
                    path: path.to_owned(),
                    line: at + 1,
                    source,
                });
            }
        }
    }
    Ok(entries)
}

fn lock(file: &File, path: &Path) -> Result<(), PredictionJournalError> {
    match lock_within(file, WAIT) {
        Ok(true) => Ok(()),
        Ok(false) => Err(PredictionJournalError::Busy(path.to_owned())),
        Err(source) => Err(PredictionJournalError::File {
            action: "lock",
            path: path.to_owned(),
            source,
        }),
    }
}

/// Refuses a file that is not a journal: its first line is neither a prediction nor the beginning of one.
fn refuse_foreign(file: &mut File, path: &Path) -> Result<(), PredictionJournalError> {
    let failed = |source| PredictionJournalError::File {
        action: "read",
        path: path.to_owned(),
        source,
    };
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    let mut first = Vec::new();
    BufReader::new(&mut *file)
        .take(LONGEST_LINE)
        .read_until(b'\n', &mut first)
        .map_err(failed)?;
    let is_complete = serde_json::from_slice::<JournalEntry>(&first).is_ok();
    let begins_one =
        !first.ends_with(b"\n") && (first.starts_with(BEGINNING) || BEGINNING.starts_with(&first));
    if is_complete || begins_one {
        return Ok(());
    }
    Err(PredictionJournalError::Foreign(path.to_owned()))
}

/// Adds the line end that an editor left out, or cuts off a last line that a killed process left incomplete.
fn end_last_line(file: &mut File, path: &Path) -> Result<(), PredictionJournalError> {
    let failed = |source| PredictionJournalError::File {
        action: "read",
        path: path.to_owned(),
        source,
    };
    let length = file.metadata().map_err(failed)?.len();
    let mut last = Vec::new();
    let mut begins = 0;
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    let mut reader = BufReader::new(&mut *file);
    while begins < length {
        last.clear();
        reader.read_until(b'\n', &mut last).map_err(failed)?;
        if last.ends_with(b"\n") {
            begins += last.len() as u64;
        } else {
            break;
        }
    }
    if begins == length {
        return Ok(());
    }
    let is_complete = serde_json::from_slice::<JournalEntry>(&last).is_ok();
    let ended = if is_complete {
        file.write_all(b"\n")
    } else {
        file.set_len(begins)
    };
    ended.map_err(failed)
}

type SeenPredictions = HashSet<(UnitId, Cycle, Digest, Digest)>;

/// Returns the predictions from these inputs that the journal has already.
fn known(
    file: &mut File,
    path: &Path,
    entries: &[JournalEntry],
) -> Result<SeenPredictions, PredictionJournalError> {
    let failed = |source| PredictionJournalError::File {
        action: "read",
        path: path.to_owned(),
        source,
    };
    let inputs: HashSet<String> = entries
        .iter()
        .map(|entry| entry.input.to_string())
        .collect();
    let mut known = HashSet::new();
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    for (at, line) in BufReader::new(&mut *file).lines().enumerate() {
        let line = line.map_err(failed)?;
        // A journal of years is searched quickly: only lines of the same input are parsed.
        if !inputs.iter().any(|input| line.contains(input)) {
            continue;
        }
        let entry: JournalEntry =
            serde_json::from_str(&line).map_err(|source| PredictionJournalError::Line {
                path: path.to_owned(),
                line: at + 1,
                source,
            })?;
        known.insert(entry.key());
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn entry(unit: u32, cycle: u32, input: &str) -> JournalEntry {
        JournalEntry {
            format: FORMAT,
            time: "2026-11-30T02:00:00Z".parse().unwrap(),
            unit: UnitId::from(unit),
            cycle: Cycle(cycle),
            rul: 60.25,
            lower: Some(48.0),
            upper: None,
            coverage: 0.9,
            truth_cap: Some(125.0),
            flags: vec![FlagKind::Age],
            model: Some("turbofan/3".to_owned()),
            bundle: Digest::of("bundle"),
            input: Digest::of(input),
        }
    }

    #[test]
    fn predictions_are_written_once_and_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/predictions.ndjson");
        let first = [entry(1, 31, "a"), entry(2, 40, "a")];
        assert_eq!(append(&path, &first).unwrap(), 2);
        assert_eq!(append(&path, &first).unwrap(), 0);
        assert_eq!(
            append(
                &path,
                &[entry(1, 31, "b"), entry(1, 31, "b"), entry(1, 32, "a")]
            )
            .unwrap(),
            2
        );
        let all = [first.as_slice(), &[entry(1, 31, "b"), entry(1, 32, "a")]].concat();
        assert_eq!(read_journal(&path).unwrap(), all);
    }

    #[test]
    fn a_line_that_a_killed_process_left_is_cut_off_wherever_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("predictions.ndjson");
        append(&path, &[entry(1, 31, "a"), entry(2, 40, "a")]).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for cut in first..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            // Without its line end, the last line is still complete.
            let missing = usize::from(cut + 1 < whole.len());
            assert_eq!(read_journal(&path).unwrap().len(), 2 - missing, "{cut}");
            assert_eq!(
                append(&path, &[entry(1, 31, "a"), entry(2, 40, "a")]).unwrap(),
                missing,
                "{cut}"
            );
            assert_eq!(std::fs::read(&path).unwrap(), whole, "{cut}");
        }
    }

    #[test]
    fn a_file_that_is_not_a_journal_is_not_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("predictions.ndjson");
        for notes in [
            "unit,cycle\n1,31\nlast line",
            "a line",
            "{\"format\":1}\n",
            "\n",
            "\u{feff}",
        ] {
            std::fs::write(&path, notes).unwrap();
            let error = append(&path, &[entry(1, 31, "a")]).unwrap_err();
            assert!(
                matches!(error, PredictionJournalError::Foreign(_)),
                "{notes}: {error}"
            );
            assert_eq!(std::fs::read_to_string(&path).unwrap(), notes);
        }
        std::fs::remove_file(&path).unwrap();
        append(&path, &[entry(1, 31, "b")]).unwrap();
        let damaged = std::fs::read_to_string(&path).unwrap()
            + &format!("{{\"input\":\"{}\"}}\n", Digest::of("a"));
        std::fs::write(&path, damaged).unwrap();
        let error = append(&path, &[entry(1, 31, "a")]).unwrap_err();
        assert!(
            matches!(error, PredictionJournalError::Line { line: 2, .. }),
            "{error}"
        );
        let error = append(folder.path(), &[entry(1, 31, "a")]).unwrap_err();
        assert!(
            matches!(error, PredictionJournalError::NotAFile(_)),
            "{error}"
        );
        let nan = JournalEntry {
            rul: f64::NAN,
            ..entry(1, 32, "b")
        };
        assert!(matches!(
            append(&path, &[nan]),
            Err(PredictionJournalError::Entry { .. })
        ));
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
    }

    #[test]
    fn concurrent_writers_lose_nothing_and_duplicate_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("predictions.ndjson");
        thread::scope(|scope| {
            for writer in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    for cycle in 0..20 {
                        append(
                            path,
                            &[entry(writer, cycle, "own"), entry(9, cycle, "shared")],
                        )
                        .unwrap();
                    }
                });
            }
        });
        assert_eq!(read_journal(&path).unwrap().len(), 4 * 20 + 20);
    }
}
