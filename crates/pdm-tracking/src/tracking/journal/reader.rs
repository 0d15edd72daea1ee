//! Reads journals.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Opening, Stamped};
use crate::tracking::TrackingError;
use pdm_core::content::open_regular;

/// Reads a journal line by line; can follow one that is being written.
pub(in crate::tracking) struct JournalReader {
    path: PathBuf,
    file: BufReader<File>,
    /// Where the next line begins, in bytes.
    offset: u64,
    /// Lines read so far, the opening included.
    lines: u64,
    buffer: Vec<u8>,
}

impl JournalReader {
    /// Opens a journal and reads its first line.
    pub(in crate::tracking) fn open(path: &Path) -> Result<(Opening, Self), TrackingError> {
        let file = open_regular(path).map_err(TrackingError::file("open", path))?;
        let file = BufReader::new(file);
        let mut reader = Self {
            path: path.to_owned(),
            file,
            offset: 0,
            lines: 0,
            buffer: Vec::new(),
        };
        if reader.next_bytes()?.is_none() {
            return Err(not_a_journal(path));
        }
        let opening = decode_opening(path, &reader.buffer)?;
        Ok((opening, reader))
    }

    /// Returns the next complete line; `Some(None)` for one that cannot be parsed.
    pub(in crate::tracking) fn next_line(
        &mut self,
    ) -> Result<Option<Option<Stamped>>, TrackingError> {
        Ok(self
            .next_bytes()?
            .map(|bytes| serde_json::from_slice(bytes).ok()))
    }

    /// Returns the next complete line if its text is `wanted`; `Some(None)` for one that is not, or that cannot be parsed.
    pub(in crate::tracking) fn next_line_where(
        &mut self,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Option<Option<Stamped>>, TrackingError> {
        let Some(bytes) = self.next_bytes()? else {
            return Ok(None);
        };
        let text = str::from_utf8(bytes).ok().filter(|text| wanted(text));
        Ok(Some(text.and_then(|text| serde_json::from_str(text).ok())))
    }

    /// Returns how many lines were read, the opening included.
    pub(in crate::tracking) fn lines(&self) -> u64 {
        self.lines
    }

    /// Returns the position, for [`Self::rewind`].
    pub(in crate::tracking) fn position(&self) -> (u64, u64) {
        (self.offset, self.lines)
    }

    /// Continues from an earlier position.
    pub(in crate::tracking) fn rewind(
        &mut self,
        (offset, lines): (u64, u64),
    ) -> Result<(), TrackingError> {
        self.file
            .seek(SeekFrom::Start(offset))
            .map_err(TrackingError::file("read", &self.path))?;
        (self.offset, self.lines) = (offset, lines);
        Ok(())
    }

    fn next_bytes(&mut self) -> Result<Option<&[u8]>, TrackingError> {
        self.buffer.clear();
        let read = self
            .file
            .read_until(b'\n', &mut self.buffer)
            .map_err(TrackingError::file("read", &self.path))?;
        if self.buffer.last() != Some(&b'\n') {
            // The rest of the line may come later.
            self.rewind(self.position())?;
            return Ok(None);
        }
        self.offset += read as u64;
        self.lines += 1;
        Ok(Some(&self.buffer))
    }
}

/// Reads the format before the fields that may differ between formats.
pub(super) fn decode_opening(path: &Path, bytes: &[u8]) -> Result<Opening, TrackingError> {
    #[derive(Deserialize)]
    struct Version {
        format: u64,
    }
    let Version { format } = serde_json::from_slice(bytes).map_err(|_| not_a_journal(path))?;
    if format > Opening::FORMAT {
        return Err(TrackingError::LaterFormat {
            path: path.to_owned(),
            found: format,
            known: Opening::FORMAT,
        });
    }
    serde_json::from_slice(bytes).map_err(|_| not_a_journal(path))
}

pub(super) fn not_a_journal(path: &Path) -> TrackingError {
    TrackingError::NotAJournal {
        path: path.to_owned(),
    }
}
