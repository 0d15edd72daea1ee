//! Which file a path leads to, so that two paths to one file are known as one.

use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The file that a path leads to, there already or not: by its path without links and detours, and where the file is there
/// by its number on the disk, which all hard links to it share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileId {
    whole: PathBuf,
    number: Option<(u64, u64)>,
}

impl FileId {
    /// Returns the file that a path leads to.
    pub fn of(path: &Path) -> Self {
        Self {
            whole: whole(path),
            number: fs::metadata(path).ok().and_then(|found| number(&found)),
        }
    }

    /// Returns whether both are the same file.
    pub fn is(&self, other: &Self) -> bool {
        let same_number = self.number.is_some() && self.number == other.number;
        same_number || self.whole == other.whole
    }

    /// Returns whether the file lies in a folder, or is it.
    pub fn lies_in(&self, folder: &Self) -> bool {
        self.whole.starts_with(&folder.whole)
    }
}

/// Returns a path without links and detours. What is not there yet is added as it is written to what is there.
fn whole(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut there = absolute.as_path();
    let mut rest: Vec<OsString> = Vec::new();
    loop {
        if let Ok(found) = there.canonicalize() {
            let rest: PathBuf = rest.iter().rev().collect();
            return cleaned(&found.join(rest));
        }
        let (Some(parent), Some(last)) = (there.parent(), there.components().next_back()) else {
            return cleaned(&absolute);
        };
        rest.push(last.as_os_str().to_owned());
        there = parent;
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

/// Elsewhere only paths tell files apart.
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
        assert!(file.lies_in(&FileId::of(folder.path())));
        assert!(!file.lies_in(&FileId::of(&at("deep"))));
        let soon = FileId::of(&at("new/er/c"));
        assert!(
            soon.is(&FileId::of(&at("deep/../new/./er/../er/c")))
                && soon.lies_in(&FileId::of(folder.path()))
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
