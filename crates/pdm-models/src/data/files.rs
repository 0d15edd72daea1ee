//! Finds the files that a folder or a pattern stands for.

use std::path::{Path, PathBuf};

use super::table::TableFormat;

/// Most levels of folders below one that is searched.
const MOST_LEVELS: usize = 16;

/// Returns whether a path is a pattern.
pub(super) fn is_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '['])
}

/// Returns what is wrong with a pattern.
pub(super) fn pattern_error(path: &Path) -> Option<String> {
    let error = glob::Pattern::new(&path.to_string_lossy()).err()?;
    Some(error.to_string())
}

/// Returns the name of what a path stands for: of a file without its extensions, of a pattern the last folder before it.
pub(super) fn name_of(path: &Path) -> String {
    let mut fixed = path;
    while is_pattern(fixed) {
        let Some(parent) = fixed.parent() else { break };
        fixed = parent;
    }
    let name = fixed.file_name().unwrap_or_default().to_string_lossy();
    if fixed != path || TableFormat::of(fixed).is_none() {
        return name.into_owned();
    }
    let unpacked = name
        .strip_suffix(".gz")
        .or_else(|| name.strip_suffix(".zst"))
        .unwrap_or(&name);
    let stem = Path::new(unpacked).file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

/// Returns the tables that a folder or a pattern stands for, in order of their paths; `None` if the path is neither, or stands for
/// no table.
pub(super) fn resolve(path: &Path, root: &Path) -> Option<Vec<PathBuf>> {
    let absolute = root.join(path);
    let mut found = Vec::new();
    // A file whose name has such characters is that file.
    if is_pattern(path) && !absolute.exists() {
        add_matches(path, root, &mut found);
    } else if absolute.is_dir() {
        add_tables(&absolute, 0, &mut found);
    }
    found.sort();
    (!found.is_empty()).then_some(found)
}

fn add_matches(pattern: &Path, root: &Path, found: &mut Vec<PathBuf>) {
    let pattern = pattern.to_string_lossy();
    let whole = match Path::new(&*pattern).is_absolute() {
        true => pattern.into_owned(),
        false => {
            let root = glob::Pattern::escape(&root.to_string_lossy());
            Path::new(&root)
                .join(&*pattern)
                .to_string_lossy()
                .into_owned()
        }
    };
    let Ok(matches) = glob::glob(&whole) else {
        return;
    };
    for path in matches.flatten() {
        if path.is_dir() {
            add_tables(&path, 0, found);
        } else if TableFormat::of(&path).is_some() {
            found.push(path);
        }
    }
}

/// Adds the tables in a folder and below it; hidden files and folders are ignored.
fn add_tables(folder: &Path, level: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let is_hidden = entry.file_name().to_string_lossy().starts_with(['.', '_']);
        if is_hidden {
            continue;
        }
        if path.is_dir() && level < MOST_LEVELS {
            add_tables(&path, level + 1, found);
        } else if TableFormat::of(&path).is_some() {
            found.push(path);
        }
    }
}

/// Returns the path of a file below the project, with `/` between folders.
pub(super) fn name_below(path: &Path, root: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    let parts = below
        .components()
        .map(|part| part.as_os_str().to_string_lossy());
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_files_and_folders() {
        for (path, name) in [
            ("data/pumps.csv", "pumps"),
            ("data/pumps.v2.csv.gz", "pumps.v2"),
            ("data/drives/*.csv", "drives"),
            ("data/scada", "scada"),
            ("data/site=*/x/*.parquet", "data"),
        ] {
            assert_eq!(name_of(Path::new(path)), name, "{path}");
        }
    }

    #[test]
    fn folders_and_patterns_are_tables_in_order() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        for name in [
            "d/b.csv",
            "d/a.csv",
            "d/notes.txt",
            "d/site=A/x.parquet",
            "d/.hidden/y.csv",
        ] {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let names = |path: &str| -> Option<Vec<String>> {
            let found = resolve(Path::new(path), root)?;
            Some(found.iter().map(|path| name_below(path, root)).collect())
        };
        let all = ["d/a.csv", "d/b.csv", "d/site=A/x.parquet"]
            .map(String::from)
            .to_vec();
        assert_eq!(names("d"), Some(all.clone()));
        assert_eq!(names("d/*.csv"), Some(all[..2].to_vec()));
        assert_eq!(names("d/**/*.parquet"), Some(all[2..].to_vec()));
        assert_eq!(names("d/site=*"), Some(all[2..].to_vec()));
        assert_eq!(names("d/a.csv"), None);
        assert_eq!(names("e/*.csv"), None);
    }
}
