//! A registry in a shared folder: new files get the permissions of the store's folder, whatever the umask of their writer.
//! Otherwise one writer with umask 077 locks all others out of the log.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use object_store::PutPayload;

use super::store::Created;

/// Creates a file if there is none, completely or not at all: it is written next to its path, and then linked to it.
pub(super) fn create(root: &Path, path: &Path, bytes: &PutPayload) -> io::Result<Created> {
    let folder = path.parent().unwrap_or(root);
    make_folders(root, folder)?;
    let (file, staged) = stage(path)?;
    let linked = fill(root, &file, bytes).and_then(|()| fs::hard_link(&staged, path));
    let _staged = fs::remove_file(&staged);
    match linked {
        Ok(()) => {
            sync_folder(folder)?;
            Ok(Created::Written)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Created::Exists),
        Err(error) => Err(error),
    }
}

/// Makes a folder in the store's folder, with its parents.
pub(super) fn make_folders(root: &Path, folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    make_root(root)?;
    let inside = folder.strip_prefix(root).unwrap_or(Path::new(""));
    let mut path = root.to_owned();
    for part in inside.components() {
        path.push(part);
        match fs::create_dir(&path) {
            Ok(()) => copy_permissions(root, &path)?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Makes the store's folder. In a folder shared by a group it is shared, too; otherwise the umask applies.
fn make_root(root: &Path) -> io::Result<()> {
    if root.is_dir() {
        return Ok(());
    }
    let parent = root.parent().unwrap_or(root);
    fs::create_dir_all(parent)?;
    match fs::create_dir(root) {
        Ok(()) if is_shared(parent) => copy_permissions(parent, root),
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Opens a new file next to a path, with a name that `registry gc` recognizes as the leftover of a killed writer.
fn stage(path: &Path) -> io::Result<(File, PathBuf)> {
    for number in 1_u64.. {
        let mut name = path.as_os_str().to_owned();
        name.push(format!("#{number}"));
        let staged = PathBuf::from(name);
        match File::options().write(true).create_new(true).open(&staged) {
            Ok(file) => return Ok((file, staged)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

fn fill(root: &Path, mut file: &File, bytes: &PutPayload) -> io::Result<()> {
    for part in bytes {
        file.write_all(part)?;
    }
    set_file_permissions(root, file)?;
    file.sync_all()
}

#[cfg(unix)]
mod permissions {
    use std::fs::{self, File, Metadata, Permissions};
    use std::io;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, fchown};
    use std::path::Path;

    /// Write permission of the group.
    const GROUP_WRITES: u32 = 0o020;
    /// Whether only owners may remove what is in a folder, as in `/tmp`.
    const STICKY: u32 = 0o1000;

    /// Gives a file in the store the permissions of the store's folder.
    pub(super) fn set_file_permissions(root: &Path, file: &File) -> io::Result<()> {
        let folder = fs::metadata(root)?;
        let own = file.metadata()?;
        if own.gid() != folder.gid() {
            // Only members of a group can give a file to it.
            let _not_a_member = fchown(file, None, Some(folder.gid()));
        }
        allow(&own, folder.mode() & 0o666, |mode| {
            file.set_permissions(mode)
        })
    }

    /// Gives a new file or folder the permissions of its parent folder.
    pub(in super::super) fn copy_permissions(root: &Path, path: &Path) -> io::Result<()> {
        let folder = fs::metadata(root)?;
        let own = fs::metadata(path)?;
        if own.gid() != folder.gid() {
            let _not_a_member = chown(path, None, Some(folder.gid()));
        }
        let mask = if own.is_dir() { 0o2777 } else { 0o666 };
        allow(&own, folder.mode() & mask, |mode| {
            fs::set_permissions(path, mode)
        })
    }

    fn allow(
        own: &Metadata,
        mode: u32,
        set: impl FnOnce(Permissions) -> io::Result<()>,
    ) -> io::Result<()> {
        if own.mode() & 0o7777 == mode {
            Ok(())
        } else {
            set(Permissions::from_mode(mode))
        }
    }

    pub(super) fn is_shared(folder: &Path) -> bool {
        fs::metadata(folder)
            .is_ok_and(|found| found.mode() & (GROUP_WRITES | STICKY) == GROUP_WRITES)
    }
}

#[cfg(not(unix))]
mod permissions {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    pub(super) fn set_file_permissions(_root: &Path, _file: &File) -> io::Result<()> {
        Ok(())
    }

    pub(in super::super) fn copy_permissions(_root: &Path, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn is_shared(_folder: &Path) -> bool {
        false
    }
}

pub(super) use permissions::copy_permissions;
use permissions::{is_shared, set_file_permissions};

/// Makes sure that a new name survives a power failure.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// A folder cannot be opened as a file.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::registry::blocking::Registry;
    use crate::registry::samples::{forced, stamp, version};

    fn modes(folder: &Path, found: &mut Vec<(bool, u32)>) {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.metadata().unwrap();
            found.push((metadata.is_dir(), metadata.permissions().mode() & 0o777));
            if metadata.is_dir() {
                modes(&path, found);
            }
        }
    }

    #[test]
    fn what_is_created_has_the_rights_of_the_stores_folder() {
        for (folder, file) in [
            (0o777, 0o666),
            (0o770, 0o660),
            (0o700, 0o600),
            (0o755, 0o644),
        ] {
            let root = tempfile::tempdir().unwrap();
            fs::set_permissions(root.path(), Permissions::from_mode(folder)).unwrap();
            let registry = Registry::open(".", root.path()).unwrap();
            let mut long = version("a", 1.0);
            let bytes = root.path().join("long");
            fs::write(&bytes, vec![7; 9 << 20]).unwrap();
            fs::create_dir(root.path().join("bundle")).unwrap();
            fs::rename(&bytes, root.path().join("bundle/long")).unwrap();
            long.files.extend(
                crate::registry::NewFile::read_folder(&root.path().join("bundle")).unwrap(),
            );
            registry.register(&long, &stamp(0)).unwrap();
            registry.promote(&forced(1), &stamp(1)).unwrap();
            fs::remove_dir_all(root.path().join("bundle")).unwrap();
            let mut found = Vec::new();
            modes(root.path(), &mut found);
            assert!(found.len() > 8, "{found:?}");
            for (is_folder, mode) in found {
                assert_eq!(mode, if is_folder { folder } else { file }, "{folder:o}");
            }
        }
    }

    #[test]
    fn a_store_in_a_shared_folder_is_shared() {
        let root = tempfile::tempdir().unwrap();
        let mode = |path: &str| {
            root.path()
                .join(path)
                .metadata()
                .unwrap()
                .permissions()
                .mode()
                & 0o777
        };
        for (parent, expected) in [(0o770, 0o770), (0o777, 0o777)] {
            fs::set_permissions(root.path(), Permissions::from_mode(parent)).unwrap();
            let name = format!("store-{parent:o}");
            Registry::open(&name, root.path())
                .unwrap()
                .register(&version("a", 1.0), &stamp(0))
                .unwrap();
            assert_eq!(
                (mode(&name), mode(&format!("{name}/log"))),
                (expected, expected)
            );
        }
    }
}
