use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::findings::{FindingLog, Place};
use super::{DataError, Expectation};
use crate::content::{Digest, HashingReader};

/// The largest file that is read into memory.
const LARGEST: u64 = 1 << 30;
/// How much of a file is looked at before the rest is read into memory.
const PREFIX: u64 = 64 << 10;

/// A file as it was read: the digest is that of the very bytes that are parsed.
pub(super) struct Source {
    pub(super) sha256: Digest,
    pub(super) bytes: u64,
    /// The bytes; `None` where the file is not worth parsing, which the log tells.
    pub(super) contents: Option<Vec<u8>>,
}

/// Reads a text file, unless it is binary or too large.
pub(super) fn read_text(path: &Path, shown: &str, log: &mut FindingLog) -> Result<Source, DataError> {
    read(path, shown, log, refuse_binary)
}

/// Reads a file of any kind, unless it is too large.
pub(super) fn read_binary(path: &Path, shown: &str, log: &mut FindingLog) -> Result<Source, DataError> {
    read(path, shown, log, |_, _, _| true)
}

fn read(
    path: &Path,
    shown: &str,
    log: &mut FindingLog,
    worth_parsing: fn(&[u8], &str, &mut FindingLog) -> bool,
) -> Result<Source, DataError> {
    let (mut file, size) = open(path)?;
    let failed = |error| DataError::io("read", path)(error);
    let mut contents = Vec::new();
    file.by_ref().take(PREFIX).read_to_end(&mut contents).map_err(failed)?;
    let parse = size <= LARGEST && worth_parsing(&contents, shown, log);
    if parse {
        file.take(LARGEST).read_to_end(&mut contents).map_err(failed)?;
        let (sha256, bytes) = (Digest::of(&contents), contents.len() as u64);
        let good = worth_parsing(&contents, shown, log);
        return Ok(Source { sha256, bytes, contents: good.then_some(contents) });
    }
    if size > LARGEST {
        let message = format!("has {size} bytes; at most {LARGEST} are read");
        log.error(Expectation::Complete, Place::file(shown), message);
    }
    let (sha256, bytes) = digest_of_all(&contents, file).map_err(failed)?;
    Ok(Source { sha256, bytes, contents: None })
}

fn open(path: &Path) -> Result<(File, u64), DataError> {
    let metadata = std::fs::metadata(path).map_err(DataError::io("read", path))?;
    if !metadata.is_file() {
        return Err(DataError::NotAFile(path.to_owned()));
    }
    let file = File::open(path).map_err(DataError::io("open", path))?;
    Ok((file, metadata.len()))
}

fn digest_of_all(prefix: &[u8], rest: File) -> io::Result<(Digest, u64)> {
    let mut reader = HashingReader::new(prefix.chain(rest));
    let bytes = io::copy(&mut reader, &mut io::sink())?;
    Ok((reader.digest(), bytes))
}

/// Notes the first control character, which no text of numbers contains.
fn refuse_binary(bytes: &[u8], shown: &str, log: &mut FindingLog) -> bool {
    let Some(offset) = bytes.iter().position(|byte| is_control(*byte)) else {
        return true;
    };
    let line = 1 + bytes[..offset].iter().filter(|byte| **byte == b'\n').count() as u64;
    let message = format!("is not text: byte 0x{:02x} at offset {offset}", bytes[offset]);
    log.error(Expectation::Complete, Place::file(shown).line(line), message);
    false
}

fn is_control(byte: u8) -> bool {
    (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')) || byte == 0x7f
}
