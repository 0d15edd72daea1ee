//! Copies artifacts into the folder of a run.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::RunFolder;
use crate::tracking::{KeptArtifact, TrackingError};
use pdm_core::content::{HashingReader, open_regular};

/// Copies a file into the run's folder; it appears there completely or not at all.
pub(super) fn keep(
    folder: &RunFolder,
    name: &str,
    from: &Path,
) -> Result<KeptArtifact, TrackingError> {
    let target = folder.artifact(name)?;
    let unfinished = folder.unfinished();
    let parent = target.parent().unwrap_or(folder.path());
    fs::create_dir_all(parent).map_err(TrackingError::file("create", parent))?;
    let kept = copy(from, &unfinished)
        .map_err(TrackingError::file("copy", from))
        .and_then(|kept| {
            fs::rename(&unfinished, &target)
                .map(|()| kept)
                .map_err(TrackingError::file("write", &target))
        });
    if kept.is_err() {
        // If it fails, the rest of the copy has a name that is never read.
        let _ = fs::remove_file(&unfinished);
    }
    kept
}

fn copy(from: &Path, to: &Path) -> io::Result<KeptArtifact> {
    let mut source = HashingReader::new(open_regular(from)?);
    let mut target = File::create_new(to)?;
    let bytes = io::copy(&mut source, &mut target)?;
    target.flush()?;
    Ok(KeptArtifact {
        bytes,
        digest: source.digest(),
    })
}

/// Accepts plain relative paths with the same meaning on every system.
pub(super) fn check_name(name: &str) -> Result<(), TrackingError> {
    let refuse = |why| {
        Err(TrackingError::ArtifactName {
            name: name.to_owned(),
            why,
        })
    };
    if name.chars().any(|c| c.is_control() || c == '\\') {
        return refuse("it holds a control character or a backslash");
    }
    if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return refuse("it must be a relative path without empty, `.` or `..` parts");
    }
    if cfg!(windows) && name.contains(':') {
        return refuse("it holds a colon");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside_the_folder() {
        for name in ["a.json", "plots/größe 1.svg", "a/b/c", "..a", "a..b"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "/etc/passwd",
            "../a",
            "a/../../b",
            "a//b",
            "a/",
            "./a",
            "a\\..\\b",
            "a\nb",
            "a\0",
        ] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
