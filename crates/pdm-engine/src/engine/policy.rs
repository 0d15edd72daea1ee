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
    let paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    let mut files: Vec<_> = paths
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    files.sort();
    Ok(files)
}

/// Reads what `registry/*.toml` of a project asks for before an alias moves; nothing where there is no such file.
pub(super) fn read(root: &Path) -> Result<Policy, EngineError> {
    let folder = root.join(FOLDER);
    // A folder that cannot be read must not pass for one that asks for nothing.
    let unread = |error: io::Error| EngineError::Policy {
        path: folder.clone(),
        what: error.to_string(),
    };
    files(root)
        .map_err(unread)?
        .into_iter()
        .try_fold(Policy::default(), |policy, path| {
            let text = read_note(&path).map_err(|error| error.to_string());
            let read = text.and_then(|text| Policy::parse(&text));
            read.map(|more| policy.with(more))
                .map_err(|what| EngineError::Policy { path, what })
        })
}
