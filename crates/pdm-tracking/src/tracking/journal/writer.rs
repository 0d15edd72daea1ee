//! Writes journals.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::{JournalLine, Opening, Stamped};
use crate::tracking::clock;
use pdm_core::domain::redact_json;

/// Appends complete lines to a journal; each is written to the kernel when the call returns.
pub(in crate::tracking) struct JournalWriter {
    file: File,
    /// Whether the file ends in an incomplete line, because a write failed.
    torn: bool,
}

impl JournalWriter {
    /// Creates a journal. It appears at `path` with its first line or not at all.
    pub(in crate::tracking) fn create(path: &Path, opening: &Opening) -> io::Result<Self> {
        let unnamed = path.with_extension("new");
        let file = OpenOptions::new()
            .create_new(true)
            .append(true)
            .open(&unnamed)?;
        let mut writer = Self { file, torn: false };
        writer.write(opening)?;
        fs::rename(&unnamed, path)?;
        Ok(writer)
    }

    /// Opens a journal whose process has ended.
    pub(in crate::tracking) fn reopen(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).append(true).open(path)?;
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        Ok(Self {
            file,
            torn: last != *b"\n",
        })
    }

    /// Writes to any file.
    #[cfg(test)]
    pub(in crate::tracking) fn over(file: File) -> Self {
        Self { file, torn: false }
    }

    pub(in crate::tracking) fn append(&mut self, line: JournalLine) -> io::Result<()> {
        self.append_at(clock::now(), line)
    }

    pub(in crate::tracking) fn append_at(
        &mut self,
        at: Timestamp,
        line: JournalLine,
    ) -> io::Result<()> {
        self.write(&Stamped { at, line })
    }

    /// Waits until everything is on the disk.
    pub(in crate::tracking) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn write(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut bytes = if self.torn {
            b"\n".to_vec()
        } else {
            Vec::new()
        };
        let text = serde_json::to_string(line)?;
        bytes.extend_from_slice(redact_json(&text).as_bytes());
        bytes.push(b'\n');
        // A failed write may leave a part of the line.
        self.torn = true;
        self.file.write_all(&bytes)?;
        self.torn = false;
        Ok(())
    }
}
