use std::path::Path;

use super::EngineError;
use crate::registry::Policy;

/// Folder of a project's policy files.
const FOLDER: &str = "registry";

/// Reads what `registry/*.toml` of a project asks for before an alias moves; nothing where there is no such file.
pub(super) fn read(root: &Path) -> Result<Policy, EngineError> {
    let folder = root.join(FOLDER);
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
    files.sort();
    files.into_iter().try_fold(Policy::default(), |policy, path| {
        let text = std::fs::read_to_string(&path).map_err(|error| error.to_string());
        let read = text.and_then(|text| Policy::parse(&text));
        read.map(|more| policy.with(more)).map_err(|what| EngineError::Policy { path, what })
    })
}
