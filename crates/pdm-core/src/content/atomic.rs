//! Writes files atomically.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

/// Writes a file completely or not at all: first to a temporary file in the same folder, then renamed. Creates the folder.
///
/// # Errors
/// The folder cannot be created or written, or the disk is full; an existing file is kept.
pub fn atomic_write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    atomic_replace(path, |mut file| file.write_all(bytes))
}

/// Like [`atomic_write`], for bytes that `fill` writes.
///
/// # Errors
/// Those of [`atomic_write`], and those of `fill`.
pub fn atomic_replace<E: From<io::Error>>(
    path: &Path,
    fill: impl FnOnce(&File) -> Result<(), E>,
) -> Result<(), E> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let file = temporary_file(folder)?;
    fill(file.as_file())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(unix)]
fn temporary_file(folder: &Path) -> io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    // Temporary files are private by default; results get the permissions of the user's umask.
    tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(0o666))
        .tempfile_in(folder)
}

#[cfg(not(unix))]
fn temporary_file(folder: &Path) -> io::Result<NamedTempFile> {
    NamedTempFile::new_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_leaves_what_was_there_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/a.txt");
        atomic_write(&path, b"old").unwrap();
        let failed: io::Result<()> = atomic_replace(&path, |mut file| {
            file.write_all(b"half")?;
            Err(io::Error::other("full"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
