//! `data infer`: draft a pipeline from data files.

use std::path::{Component, Path, PathBuf};

use serde_json::json;

use crate::cli::args::InferArgs;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::outputs::{self, Outputs};
use crate::cli::ui::{self, Ui};
use pdm_core::domain::visible;
use pdm_models::data::{InferError, InferFile, Inference, infer};

pub(super) fn run(args: &InferArgs, ui: &Ui) -> Result<Exit, CliError> {
    let mut outputs = Outputs::new(args.force);
    for file in &args.files {
        outputs = outputs.reads_file("FILES", Some(file));
    }
    if let Some(out) = &args.out {
        outputs = outputs.new_file("--out", out);
    }
    outputs.check(ui)?;
    let files = named_files(&args.files, args.out.as_deref())?;
    let found = infer(&files)?;
    let toml = found.toml();
    if let Some(out) = &args.out {
        outputs::write(out, toml.as_bytes())?;
    }
    say(&found, ui);
    let mut document = json!(found);
    document["toml"] = json!(toml);
    document["written"] = json!(args.out);
    ui.show_verbatim(&document, || match &args.out {
        Some(out) => out.display().to_string(),
        None => toml.clone(),
    })?;
    if let Some(out) = &args.out {
        ui.next(&format!("pdm-ml data validate {}", out.display()));
    }
    Ok(Exit::Done)
}

/// Writes what was found, and what to look at, to standard error.
fn say(found: &Inference, ui: &Ui) {
    if ui.is_quiet() {
        return;
    }
    let unit = found.unit.column.as_deref().unwrap_or("the file names");
    ui::line(&visible(&format!(
        "{} rows of {} units by {unit}, in order of {}: {}",
        found.rows, found.unit.units, found.time.column, found.life.why
    )));
    for note in &found.notes {
        ui::note(note);
    }
}

/// Returns the files with the paths that the pipeline gives them, which are relative to its project.
pub(super) fn named_files(
    files: &[PathBuf],
    out: Option<&Path>,
) -> Result<Vec<InferFile>, CliError> {
    let root = root_of(out)?;
    let mut named = Vec::with_capacity(files.len());
    for path in files {
        let whole = absolute(path)?;
        let inside = whole
            .strip_prefix(&root)
            .map_or_else(|_| whole.clone(), Path::to_owned);
        let name = inside.display().to_string();
        let name = if cfg!(windows) {
            name.replace('\\', "/")
        } else {
            name
        };
        named.push(InferFile {
            path: path.clone(),
            named: name,
        });
    }
    Ok(named)
}

/// Returns the folder of the project that a pipeline file belongs to; without a file, the current folder.
fn root_of(out: Option<&Path>) -> Result<PathBuf, CliError> {
    let Some(out) = out else {
        return std::env::current_dir().map_err(CliError::resources);
    };
    let folder = absolute(out)?
        .parent()
        .map(Path::to_owned)
        .unwrap_or_default();
    match (folder.file_name(), folder.parent()) {
        (Some(name), Some(above)) if name == "pipelines" => Ok(above.to_owned()),
        _ => Ok(folder),
    }
}

/// Returns a path from the root, without `.` and `..`.
fn absolute(path: &Path) -> Result<PathBuf, CliError> {
    let whole = std::path::absolute(path).map_err(|error| CliError::io("find", path, error))?;
    let mut plain = PathBuf::new();
    for part in whole.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => _ = plain.pop(),
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => plain.push(part),
        }
    }
    Ok(plain)
}

impl From<InferError> for CliError {
    fn from(error: InferError) -> Self {
        let (code, hint) = (error.code(), error.hint());
        Self::new(code, error).maybe_hint(hint)
    }
}
