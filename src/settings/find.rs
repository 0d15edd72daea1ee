//! Finds the pipeline file and reads it.

use std::io;
use std::path::{Path, PathBuf};

use super::error::SettingsError;
use pdm_core::content::read_at_most;
use pdm_engine::config::MOST_OF_A_PIPELINE;

/// The built-in pipeline, on a simulated fleet.
pub const BUILT_IN: &str = include_str!("../../pipelines/simulated.toml");
/// Name of a project's main pipeline.
pub const MAIN_PIPELINE: &str = "pdm.toml";
/// Name of the built-in pipeline, shown in place of a file.
const BUILT_IN_LABEL: &str = "(embedded)";
pub(super) const NO_FILE: &str = "no pipeline file: there is no `pdm.toml` in this folder or above";

/// Where the text of a pipeline comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PipelineSource {
    /// This file.
    File(PathBuf),
    /// The program: there is no pipeline file.
    BuiltIn,
}

impl PipelineSource {
    /// Returns the pipeline that is meant in the folder `here`: the one that is given, else the project's main pipeline, else
    /// the built-in one.
    fn find(given: Option<&Path>, here: &Path) -> Self {
        let path = given.map(Path::to_owned).or_else(|| above(here));
        path.map_or(Self::BuiltIn, Self::File)
    }

    /// Returns the name that is shown of it, as seen from the folder `here`.
    fn label(&self, here: &Path) -> String {
        match self {
            Self::File(path) => path
                .strip_prefix(here)
                .unwrap_or(path)
                .display()
                .to_string(),
            Self::BuiltIn => BUILT_IN_LABEL.to_owned(),
        }
    }
}

/// A pipeline file that was found and read, or the built-in pipeline.
pub(super) struct PipelineFile {
    /// Where the text comes from; a file by its whole path.
    pub(super) source: PipelineSource,
    /// The name that is shown of it.
    pub(super) label: String,
    pub(super) text: String,
    /// The project's folder.
    pub(super) root: PathBuf,
}

impl PipelineFile {
    /// Finds and reads the pipeline that is meant in the current folder.
    ///
    /// # Errors
    /// The file cannot be read, is too large, or is not UTF-8; or the current folder no longer exists.
    pub(super) fn find(given: Option<&Path>) -> Result<Self, SettingsError> {
        let here = current_folder()?;
        let source = PipelineSource::find(given, &here);
        let label = source.label(&here);
        match source {
            PipelineSource::BuiltIn => Ok(Self {
                source,
                label,
                text: BUILT_IN.to_owned(),
                root: here,
            }),
            PipelineSource::File(path) => {
                let text = read(&path, &label)?;
                let whole = here.join(&path);
                let root = root_of(&whole).unwrap_or(here);
                Ok(Self {
                    source: PipelineSource::File(whole),
                    label,
                    text,
                    root,
                })
            }
        }
    }
}

/// Returns the main pipeline of the project of the current folder, if there is one.
///
/// # Errors
/// The current folder no longer exists.
pub fn main_pipeline() -> Result<Option<PathBuf>, SettingsError> {
    Ok(above(&current_folder()?))
}

pub(super) fn current_folder() -> Result<PathBuf, SettingsError> {
    std::env::current_dir().map_err(SettingsError::CurrentFolder)
}

fn above(here: &Path) -> Option<PathBuf> {
    here.ancestors()
        .map(|folder| folder.join(MAIN_PIPELINE))
        .find(|path| path.is_file())
}

/// Reads a pipeline file; without a leading byte order mark.
///
/// # Errors
/// It cannot be read, or is not UTF-8.
pub fn read(path: &Path, label: &str) -> Result<String, SettingsError> {
    let label = || label.to_owned();
    let bytes = read_at_most(path, MOST_OF_A_PIPELINE).map_err(|why| match why.kind() {
        io::ErrorKind::FileTooLarge => SettingsError::TooLarge { label: label() },
        _ => SettingsError::Unread {
            label: label(),
            why,
        },
    })?;
    let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    let text = String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..place]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        let found = if utf16 {
            "it is UTF-16".to_owned()
        } else {
            format!("line {line} has another encoding")
        };
        SettingsError::NotUtf8 {
            label: label(),
            found,
        }
    })?;
    Ok(text
        .strip_prefix('\u{feff}')
        .map(str::to_owned)
        .unwrap_or(text))
}

/// Paths in a pipeline are relative to its folder, or to the parent folder if that is `pipelines/`.
fn root_of(pipeline: &Path) -> Option<PathBuf> {
    let folder = pipeline.parent()?;
    match folder.file_name() {
        Some(name) if name == "pipelines" => folder.parent().map(Path::to_owned),
        _ => Some(folder.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipeline_in_the_pipelines_folder_belongs_to_the_project_above() {
        assert_eq!(root_of(Path::new("/p/pipelines/a.toml")), Some("/p".into()));
        assert_eq!(root_of(Path::new("/p/pdm.toml")), Some("/p".into()));
    }

    #[test]
    fn a_pipeline_is_the_one_given_or_the_main_one_above_or_the_one_built_in() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("a/b");
        std::fs::create_dir_all(&below).unwrap();
        assert_eq!(PipelineSource::find(None, &below), PipelineSource::BuiltIn);
        let main = folder.path().join(MAIN_PIPELINE);
        std::fs::write(&main, "").unwrap();
        assert_eq!(
            PipelineSource::find(None, &below),
            PipelineSource::File(main)
        );
        let given = Path::new("pipelines/a.toml");
        assert_eq!(
            PipelineSource::find(Some(given), &below),
            PipelineSource::File(given.to_owned())
        );
    }

    #[test]
    fn a_pipeline_is_named_as_seen_from_the_current_folder() {
        let here = Path::new("/p");
        let label = |path: &str| PipelineSource::File(path.into()).label(here);
        assert_eq!(label("/p/pdm.toml"), "pdm.toml");
        assert_eq!(label("/q/pdm.toml"), "/q/pdm.toml");
        assert_eq!(label("(embedded)"), "(embedded)");
        assert_eq!(PipelineSource::BuiltIn.label(here), "(embedded)");
    }
}
