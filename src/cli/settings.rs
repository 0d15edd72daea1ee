use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use super::args::PipelineArgs;
use super::error::CliError;
use super::progress::{Progress, Words};
use super::ui::Ui;
use super::{environment, signals, threads};
use crate::engine::{Context, Job};
use crate::events::{Observer, Reporter};
use crate::pipeline::{Environment, Origins, PipelineSpec, SpecErrors};

/// The pipeline that runs where there is none: a simulated fleet.
pub(super) const EMBEDDED: &str = include_str!("../../pipelines/simulated.toml");
/// Name of a project's main pipeline.
pub(super) const MAIN_PIPELINE: &str = "pdm.toml";
const EMBEDDED_LABEL: &str = "(embedded)";

/// A pipeline file that was found, or the embedded one.
struct Found {
    label: String,
    text: String,
    root: PathBuf,
}

/// Resolves arguments, environment and file into what the engine takes: every value final, with its origin.
///
/// # Errors
/// The file cannot be read, or has problems.
pub(super) fn resolve(args: &PipelineArgs, ui: &Ui) -> Result<(Context, Job), CliError> {
    resolve_by(PipelineSpec::load, args, ui)
}

/// Resolves what [`resolve`] does, for a search over `[tune.space]`.
///
/// # Errors
/// As [`resolve`]; or a value of the space could be used by no trial.
pub(super) fn resolve_to_search(args: &PipelineArgs, ui: &Ui) -> Result<(Context, Job), CliError> {
    resolve_by(PipelineSpec::load_to_search, args, ui)
}

/// Reads the text of a pipeline file, its shown name, overrides and environment.
type Load = fn(&str, &str, &[String], Environment<'_>) -> Result<(PipelineSpec, Origins), SpecErrors>;

fn resolve_by(load: Load, args: &PipelineArgs, ui: &Ui) -> Result<(Context, Job), CliError> {
    let found = find(args.pipeline.as_deref())?;
    let registry = environment::variable(environment::REGISTRY);
    let registry = registry.map(|url| format!("registry.url={}", toml::Value::String(url)));
    let overrides: Vec<_> = args.set.iter().cloned().chain(registry).collect();
    let loaded = load(&found.text, &found.label, &overrides, &environment::variable);
    let (spec, origins) = loaded.map_err(CliError::spec)?;
    threads::from_budget(spec.project.budget.threads);
    let context = context(found.root, ui)?;
    Ok((context, Job { spec, origins, label: found.label, text: found.text }))
}

/// Returns what the outside world lends to a run in the folder `root`.
///
/// # Errors
/// The signal handlers cannot be installed.
pub(super) fn context(root: PathBuf, ui: &Ui) -> Result<Context, CliError> {
    let interrupt = signals::listen().map_err(CliError::failed)?;
    let listener: Arc<dyn Observer> =
        if ui.shows_progress() { Arc::new(Progress::new()) } else { Arc::new(Words::new(ui.is_quiet())) };
    Ok(Context {
        commit: git(&root, &["rev-parse", "HEAD"]),
        reporter: Reporter::new(interrupt).with(listener),
        actor: environment::actor(|| git(&root, &["config", "user.email"])),
        variable: environment::variable,
        root,
    })
}

/// Returns what the outside world lends to a run in the current folder.
///
/// # Errors
/// As [`context`]; or there is no current folder any more.
pub(super) fn context_here(ui: &Ui) -> Result<Context, CliError> {
    context(std::env::current_dir().map_err(CliError::failed)?, ui)
}

fn find(given: Option<&Path>) -> Result<Found, CliError> {
    let here = std::env::current_dir().map_err(CliError::failed)?;
    let path = match given {
        Some(path) => Some(path.to_owned()),
        None => here.ancestors().map(|folder| folder.join(MAIN_PIPELINE)).find(|path| path.is_file()),
    };
    let Some(path) = path else {
        return Ok(Found { label: EMBEDDED_LABEL.to_owned(), text: EMBEDDED.to_owned(), root: here });
    };
    let text = std::fs::read_to_string(&path).map_err(|error| {
        CliError::io("read", &path, error).usage().hint("name a pipeline TOML, or none for the embedded default")
    })?;
    let label = path.strip_prefix(&here).unwrap_or(&path).display().to_string();
    let whole = here.join(&path);
    Ok(Found { label, text, root: root_of(&whole).unwrap_or(here) })
}

/// Paths in a pipeline are relative to its folder, or to the folder above where it lies in `pipelines/`.
fn root_of(pipeline: &Path) -> Option<PathBuf> {
    let folder = pipeline.parent()?;
    match folder.file_name() {
        Some(name) if name == "pipelines" => folder.parent().map(Path::to_owned),
        _ => Some(folder.to_owned()),
    }
}

/// Returns what git says of the project, in one line; none where it says nothing.
fn git(root: &Path, words: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(root).args(words).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| output.status.success() && !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipeline_in_the_pipelines_folder_belongs_to_the_project_above() {
        assert_eq!(root_of(Path::new("/p/pipelines/a.toml")), Some("/p".into()));
        assert_eq!(root_of(Path::new("/p/pdm.toml")), Some("/p".into()));
    }
}
