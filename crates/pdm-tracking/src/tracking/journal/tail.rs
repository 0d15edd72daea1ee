//! Reads the first and the last line of a journal.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use jiff::Timestamp;

use super::reader::{decode_opening, not_a_journal};
use super::{JournalLine, Opening, RunOutcome, Stamped};
use crate::tracking::TrackingError;
use pdm_core::content::open_regular;

/// The contents of the first and the last line of a journal.
pub(in crate::tracking) struct JournalEnds {
    pub(in crate::tracking) opening: Opening,
    /// How the run ended, if it has ended.
    pub(in crate::tracking) outcome: Option<RunOutcome>,
    /// When the last line was written.
    pub(in crate::tracking) last: Timestamp,
}

const TAIL_BYTES: u64 = 16 * 1024;
const LONGEST_OPENING: u64 = 1024 * 1024;

/// Reads the first and the last line without the lines between.
pub(in crate::tracking) fn read_ends(path: &Path) -> Result<JournalEnds, TrackingError> {
    let mut file = open_regular(path).map_err(TrackingError::file("open", path))?;
    let mut first = Vec::new();
    let mut last = Vec::new();
    BufReader::new(&mut file)
        .take(LONGEST_OPENING)
        .read_until(b'\n', &mut first)
        .and_then(|_| read_tail(&mut file, &mut last))
        .map_err(TrackingError::file("read", path))?;
    if first.last() != Some(&b'\n') {
        return Err(not_a_journal(path));
    }
    let opening = decode_opening(path, &first)?;
    let line = last_line(&last);
    let outcome = line.as_ref().and_then(|stamped| {
        let JournalLine::End { status } = stamped.line else {
            return None;
        };
        Some(status)
    });
    let last = line.map_or(opening.header.started, |stamped| stamped.at);
    Ok(JournalEnds {
        opening,
        outcome,
        last,
    })
}

fn read_tail(file: &mut File, into: &mut Vec<u8>) -> std::io::Result<usize> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    file.read_to_end(into)
}

fn last_line(tail: &[u8]) -> Option<Stamped> {
    let whole = &tail[..=tail.iter().rposition(|byte| *byte == b'\n')?];
    whole
        .split(|byte| *byte == b'\n')
        .rev()
        .find_map(|line| serde_json::from_slice(line).ok())
}
