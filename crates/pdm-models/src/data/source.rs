//! Reads and unpacks the bytes of a data file, with a size limit and the digest of the stored file.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::encoding::{Encoding, is_utf16};
use super::findings::{FindingLocation, FindingLog};
use super::packed::Packing;
use super::{DataError, Expectation};
use pdm_core::content::{Digest, HashingReader};

/// Size limit of a file that is read into memory, packed or unpacked.
const LARGEST: u64 = 1 << 30;
/// Number of bytes that are inspected before the rest of a file is read into memory.
const PREFIX: u64 = 64 << 10;

/// The expected kind of content of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// Text, in the encoding that the user gives.
    Text(Option<Encoding>),
    Binary,
}

/// A file as read; the digest is that of the file's bytes before unpacking.
pub(super) struct SourceFile {
    pub(super) sha256: Digest,
    pub(super) bytes: u64,
    /// The unpacked bytes; `None` if the file cannot be parsed, for a reason that is logged.
    pub(super) contents: Option<Vec<u8>>,
}

/// Reads a text file, unless it is binary or too large.
pub(super) fn read_text(
    path: &Path,
    encoding: Option<Encoding>,
    shown: &str,
    log: &mut FindingLog,
) -> Result<SourceFile, DataError> {
    read(path, shown, Expected::Text(encoding), log)
}

/// Reads a file of any kind, unless it is too large.
pub(super) fn read_binary(
    path: &Path,
    shown: &str,
    log: &mut FindingLog,
) -> Result<SourceFile, DataError> {
    read(path, shown, Expected::Binary, log)
}

fn read(
    path: &Path,
    shown: &str,
    expected: Expected,
    log: &mut FindingLog,
) -> Result<SourceFile, DataError> {
    let (mut file, size) = open(path)?;
    let failed = |error| DataError::io("read", path)(error);
    let mut contents = Vec::new();
    file.by_ref()
        .take(PREFIX)
        .read_to_end(&mut contents)
        .map_err(failed)?;
    let is_small = size <= LARGEST;
    if is_small && may_be(expected, &contents, shown, log) {
        file.take(LARGEST)
            .read_to_end(&mut contents)
            .map_err(failed)?;
        let sha256 = Digest::of(&contents);
        let bytes = contents.len() as u64;
        return Ok(SourceFile {
            sha256,
            bytes,
            contents: prepared(contents, shown, expected, log),
        });
    }
    if !is_small {
        let message = format!("has {size} bytes; the limit is {LARGEST}");
        log.error(Expectation::Complete, FindingLocation::file(shown), message);
    }
    let (sha256, bytes) = digest_of_all(&contents, file).map_err(failed)?;
    Ok(SourceFile {
        sha256,
        bytes,
        contents: None,
    })
}

/// Unpacks bytes if necessary, and returns them unless they are too many, or binary where text is expected.
pub(super) fn prepared(
    bytes: Vec<u8>,
    shown: &str,
    expected: Expected,
    log: &mut FindingLog,
) -> Option<Vec<u8>> {
    let bytes = match Packing::of(&bytes) {
        Some(packing) => unpack(packing, &bytes, shown, log)?,
        None => bytes,
    };
    if let Some(packing) = Packing::of(&bytes) {
        let message = format!("is packed by {} twice: unpack it once", packing.name());
        log.error(Expectation::Complete, FindingLocation::file(shown), message);
        return None;
    }
    may_be(expected, &bytes, shown, log).then_some(bytes)
}

fn unpack(packing: Packing, bytes: &[u8], shown: &str, log: &mut FindingLog) -> Option<Vec<u8>> {
    let location = FindingLocation::file(shown);
    match packing.unpacked(bytes, LARGEST) {
        Ok(Some(contents)) => Some(contents),
        Ok(None) => {
            log.error(
                Expectation::Complete,
                location,
                format!("unpacks to more than {LARGEST} bytes, the limit"),
            );
            None
        }
        Err(error) => {
            log.error(
                Expectation::Complete,
                location,
                format!("cannot be unpacked as {}: {error}", packing.name()),
            );
            None
        }
    }
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

/// Returns whether bytes are of the expected kind; packed ones are checked after unpacking.
fn may_be(expected: Expected, bytes: &[u8], shown: &str, log: &mut FindingLog) -> bool {
    match expected {
        Expected::Binary => true,
        Expected::Text(Some(Encoding::Utf16)) => true,
        Expected::Text(_) if Packing::of(bytes).is_some() || is_utf16(bytes) => true,
        Expected::Text(_) => refuse_binary(bytes, shown, log),
    }
}

/// Logs the first control character, which no table in text form contains.
fn refuse_binary(bytes: &[u8], shown: &str, log: &mut FindingLog) -> bool {
    let Some(offset) = bytes.iter().position(|byte| is_control(*byte)) else {
        return true;
    };
    let line = 1 + bytes[..offset]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count() as u64;
    let looks_like = known_kind(bytes)
        .map(|kind| format!(" (it looks like {kind})"))
        .unwrap_or_default();
    let message = format!(
        "is not text: byte 0x{:02x} at offset {offset}{looks_like}",
        bytes[offset]
    );
    log.error(
        Expectation::Complete,
        FindingLocation::file(shown).line(line),
        message,
    );
    false
}

/// Recognises common binary formats of tables by their first bytes.
fn known_kind(bytes: &[u8]) -> Option<&'static str> {
    const KINDS: [(&[u8], &str); 5] = [
        (
            b"PAR1",
            "Parquet; name it .parquet, or add --input-format parquet for standard input",
        ),
        (
            b"PK\x03\x04",
            "a zip archive or an Excel workbook; save the sheet as CSV",
        ),
        (
            b"\xd0\xcf\x11\xe0",
            "an old Excel workbook; save the sheet as CSV",
        ),
        (b"ARROW1", "an Arrow or Feather file; save it as Parquet"),
        (b"\xfd7zXZ", "xz; unpack it, or pack it with gzip"),
    ];
    KINDS
        .into_iter()
        .find(|(head, _)| bytes.starts_with(head))
        .map(|(_, kind)| kind)
}

fn is_control(byte: u8) -> bool {
    (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')) || byte == 0x7f
}
