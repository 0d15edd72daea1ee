//! Reads the policy of a project: `registry/*.toml`.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::EngineError;
use pdm_core::content::read_note;
use pdm_store::registry::Policy;

/// Folder of a project's policy files.
const FOLDER: &str = "registry";

/// Returns the policy files of a project, in order of name; none where it has no folder for them.
pub(super) fn files(root: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(root.join(FOLDER)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Reads what `registry/*.toml` of a project requires before an alias moves; an empty policy where there is no such file.
pub(super) fn read(root: &Path) -> Result<Policy, EngineError> {
    // A folder that cannot be read is an error: its policy must not be skipped.
    let files = files(root).map_err(|error| EngineError::Policy {
        path: root.join(FOLDER),
        what: error.to_string(),
    })?;
    let mut policy = Policy::default();
    for path in files {
        match read_file(&path) {
            Ok(more) => policy = policy.with(more),
            Err(what) => return Err(EngineError::Policy { path, what }),
        }
    }
    Ok(policy)
}

fn read_file(path: &Path) -> Result<Policy, String> {
    let text = read_note(path).map_err(|error| error.to_string())?;
    Policy::parse(&text)
}
