//! The paths of files within a bundle.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The path of a file within a bundle: relative, separated by `/`, and unable to leave its folder on any system.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BundlePath(String);

/// A path that could leave its folder, or that not every system can write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a path within a bundle: expected parts separated by `/`, none of them `.` or `..`"
)]
pub struct PathError(String);

impl BundlePath {
    /// Returns the path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the path of the file if the bundle is in `folder`.
    pub fn within(&self, folder: &Path) -> PathBuf {
        self.0
            .split('/')
            .fold(folder.to_owned(), |path, part| path.join(part))
    }
}

fn is_safe(part: &str) -> bool {
    // On Windows a backslash separates parts, and a colon names a drive or a stream.
    let plain = |c: char| !c.is_control() && !matches!(c, '\\' | ':');
    !matches!(part, "" | "." | "..") && part.chars().all(plain)
}

impl TryFrom<String> for BundlePath {
    type Error = PathError;

    fn try_from(path: String) -> Result<Self, PathError> {
        if path.split('/').all(is_safe) {
            Ok(Self(path))
        } else {
            Err(PathError(path))
        }
    }
}

impl FromStr for BundlePath {
    type Err = PathError;

    fn from_str(path: &str) -> Result<Self, PathError> {
        path.to_owned().try_into()
    }
}

impl From<BundlePath> for String {
    fn from(path: BundlePath) -> Self {
        path.0
    }
}

impl fmt::Display for BundlePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leaves_its_folder() {
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a//b",
            "a/.",
            "./a",
            "a/",
            "c:\\x",
            "C:",
            "a\\..\\b",
            "a\0b",
        ] {
            assert!(path.parse::<BundlePath>().is_err(), "{path:?}");
            assert!(
                serde_json::from_value::<BundlePath>(path.into()).is_err(),
                "{path:?}"
            );
        }
        let path: BundlePath = "weights/gru..safetensors".parse().unwrap();
        assert_eq!(
            path.within(Path::new("b")),
            Path::new("b").join("weights").join("gru..safetensors")
        );
    }
}
