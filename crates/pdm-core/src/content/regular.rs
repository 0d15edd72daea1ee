//! Reads files that others may have written: only regular files, and with a size limit.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Size limit of a note, a list or another small file of the program; the largest have a few megabytes.
pub const MOST_OF_A_NOTE: u64 = 256 << 20;

/// Opens a file for reading. A pipe, a socket, a device or a folder is refused, since reading it could block forever.
///
/// # Errors
/// It does not exist, is not a regular file, or cannot be read.
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

/// Reads a regular file of at most `most` bytes.
///
/// # Errors
/// Those of [`open_regular`]; [`ErrorKind::FileTooLarge`] if it has more bytes.
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

/// Reads a small text file of the program.
///
/// # Errors
/// Those of [`read_at_most`]; [`ErrorKind::InvalidData`] if it is not UTF-8.
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
