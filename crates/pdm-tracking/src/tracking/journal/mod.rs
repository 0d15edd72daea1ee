//! The file format of a run: one JSON object per line, appended and never changed.
//!
//! The first line opens the run and carries the format's version; the last ends it. A process can die at any byte, so a
//! last line without its newline is ignored, and a line that cannot be read is counted and skipped.

mod line;
mod reader;
mod tail;
mod writer;

pub use line::{RunHeader, RunOutcome};

pub(super) use line::{JournalLine, Opening, Stamped};
pub(super) use reader::JournalReader;
pub(super) use tail::{JournalEnds, read_ends};
pub(super) use writer::JournalWriter;
