//! Identifies files, so that two paths to the same file are recognised.

use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The identity of a file, which need not exist: its resolved path, and if it exists its inode, which all hard links share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileId {
    resolved: PathBuf,
    number: Option<(u64, u64)>,
}

impl FileId {
    /// Returns the identity of the file at a path.
    pub fn of(path: &Path) -> Self {
        Self {
            resolved: resolved(path),
            number: fs::metadata(path).ok().and_then(|found| number(&found)),
        }
    }

    /// Returns whether both are the same file.
    pub fn is(&self, other: &Self) -> bool {
        let same_number = self.number.is_some() && self.number == other.number;
        same_number || self.resolved == other.resolved
    }

    /// Returns whether the file is in a folder, or is the folder itself.
    pub fn is_within(&self, folder: &Self) -> bool {
        self.resolved.starts_with(&folder.resolved)
    }
}

/// Resolves links and `..` in a path; components that do not exist yet are appended unchanged.
fn resolved(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut existing = absolute.as_path();
    let mut rest: Vec<OsString> = Vec::new();
    loop {
        if let Ok(found) = existing.canonicalize() {
            let rest: PathBuf = rest.iter().rev().collect();
            return cleaned(&found.join(rest));
        }
        let (Some(parent), Some(last)) = (existing.parent(), existing.components().next_back())
        else {
            return cleaned(&absolute);
        };
        rest.push(last.as_os_str().to_owned());
        existing = parent;
    }
}

/// Returns a path without `.` and `..`.
fn cleaned(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            Component::Normal(_) | Component::RootDir | Component::Prefix(_) => clean.push(part),
        }
    }
    clean
}

#[cfg(unix)]
fn number(found: &fs::Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((found.dev(), found.ino()))
}

/// On other systems files are only compared by path.
#[cfg(not(unix))]
fn number(_: &fs::Metadata) -> Option<(u64, u64)> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_the_same_by_every_path_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("deep")).unwrap();
        fs::write(at("a"), "a").unwrap();
        fs::write(at("b"), "a").unwrap();
        let file = FileId::of(&at("a"));
        assert!(file.is(&FileId::of(&at("deep/../a"))));
        assert!(!file.is(&FileId::of(&at("b"))));
        assert!(file.is_within(&FileId::of(folder.path())));
        assert!(!file.is_within(&FileId::of(&at("deep"))));
        let soon = FileId::of(&at("new/er/c"));
        assert!(
            soon.is(&FileId::of(&at("deep/../new/./er/../er/c")))
                && soon.is_within(&FileId::of(folder.path()))
        );
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(at("a"), at("link")).unwrap();
            fs::hard_link(at("a"), at("hard")).unwrap();
            std::os::unix::fs::symlink(at("deep"), at("folder")).unwrap();
            assert!(file.is(&FileId::of(&at("link"))) && file.is(&FileId::of(&at("hard"))));
            assert!(FileId::of(&at("folder/new")).is(&FileId::of(&at("deep/new"))));
        }
    }
}
