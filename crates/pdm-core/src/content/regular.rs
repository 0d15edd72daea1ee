//! Reads files that somebody else may have put there: regular ones only, and no more of them than is sensible.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Most bytes of a note, a list or another small file of the program's own; the largest have some megabytes.
pub const MOST_OF_A_NOTE: u64 = 256 << 20;

/// Opens a file to read it. A pipe, a socket, a device or a folder is refused: reading one may wait for ever, or never end.
///
/// # Errors
/// It is not there, is no regular file, or may not be read.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let kind = fs::metadata(path)?.file_type();
    if kind.is_file() {
        return File::open(path);
    }
    let what = if kind.is_dir() {
        "it is a folder, not a file"
    } else {
        "it is a pipe, a socket or a device, not a file"
    };
    Err(io::Error::new(ErrorKind::InvalidInput, what))
}

/// Reads a regular file of at most so many bytes.
///
/// # Errors
/// As [`open_regular`]; [`ErrorKind::FileTooLarge`] where it has more.
pub fn read_at_most(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_regular(path)?
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(
            ErrorKind::FileTooLarge,
            format!("it has more than {most} bytes"),
        ));
    }
    Ok(bytes)
}

/// Reads a small file of the program's own, which is text.
///
/// # Errors
/// As [`read_at_most`]; [`ErrorKind::InvalidData`] where it is not UTF-8.
pub fn read_note(path: &Path) -> io::Result<String> {
    String::from_utf8(read_at_most(path, MOST_OF_A_NOTE)?)
        .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_or_too_large_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read_at_most(&path, 5).unwrap(), b"12345");
        assert_eq!(
            read_at_most(&path, 4).unwrap_err().kind(),
            ErrorKind::FileTooLarge
        );
        assert_eq!(read_note(&path).unwrap(), "12345");
        assert_eq!(
            open_regular(folder.path()).unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
        assert_eq!(
            open_regular(&folder.path().join("none"))
                .unwrap_err()
                .kind(),
            ErrorKind::NotFound
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap();
        assert!(made.success());
        assert!(
            read_at_most(&pipe, 5)
                .unwrap_err()
                .to_string()
                .contains("a pipe")
        );
    }
}
