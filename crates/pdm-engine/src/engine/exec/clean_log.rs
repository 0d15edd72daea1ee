//! Copies what a program printed, without secrets: the copy is kept with the run, the log itself is left as it is.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use pdm_core::domain::redact;

/// Most bytes that are redacted together; a line is rarely longer, nor is a private key, which has many lines.
const PIECE: u64 = 1 << 20;

/// What a private key begins and ends with.
const KEY: [&str; 2] = ["-----BEGIN", "-----END"];

/// Copies a log line by line, each without the secrets in it. A line without any is copied byte for byte.
pub(in crate::engine) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut log = BufReader::new(File::open(from)?);
    let mut copy = BufWriter::new(File::create(to)?);
    let mut piece = Vec::new();
    while log.by_ref().take(PIECE).read_until(b'\n', &mut piece)? > 0 {
        if !is_within_a_key(&piece) {
            write(&mut copy, &piece)?;
            piece.clear();
        }
    }
    write(&mut copy, &piece)?;
    copy.flush()
}

fn is_within_a_key(piece: &[u8]) -> bool {
    let text = String::from_utf8_lossy(piece);
    let [begin, end] = KEY;
    text.contains(begin) && !text.contains(end) && (piece.len() as u64) < PIECE
}

fn write(copy: &mut impl Write, piece: &[u8]) -> io::Result<()> {
    let text = String::from_utf8_lossy(piece);
    let redacted = redact(&text);
    if redacted == text {
        copy.write_all(piece)
    } else {
        copy.write_all(redacted.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copied(log: &[u8]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a"), folder.path().join("b"));
        std::fs::write(&from, log).unwrap();
        copy(&from, &to).unwrap();
        std::fs::read(&to).unwrap()
    }

    #[test]
    fn secrets_are_hidden_and_everything_else_stays() {
        let log = b"fit 1\nPGPASSWORD=hunter2x psql\nfit \xff 2\n";
        assert_eq!(copied(log), b"fit 1\nPGPASSWORD=*** psql\nfit \xff 2\n");
        for log in [&b""[..], b"\n\n", b"no line end", b"a\r\xfe\0"] {
            assert_eq!(copied(log), log);
        }
    }

    #[test]
    fn a_key_of_many_lines_is_hidden_whole() {
        let log = "a\n-----BEGIN PRIVATE KEY-----\nMC4C\nAQAw\n-----END PRIVATE KEY-----\nb\n-----BEGIN PRIVATE KEY-----\nMC4C";
        assert_eq!(copied(log.as_bytes()), b"a\n***\nb\n***");
    }
}
