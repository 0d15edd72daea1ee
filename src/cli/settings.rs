use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Once};

use super::args::PipelineArgs;
use super::error::CliError;
use super::progress::{Progress, Words};
use super::ui::{self, Ui};
use super::{environment, limits, signals, threads};
use pdm_core::codes::Code;
use pdm_core::content::read_at_most;
use pdm_core::domain::EnvLookup;
use pdm_core::events::{Observer, Reporter, size};
use pdm_engine::config::{
    ChosenProfile, Layers, MOST_OF_A_PIPELINE, MemoryLimit, Origins, PipelineSpec, Source,
    SpecErrors,
};
use pdm_engine::engine::{Context, Job};

/// The pipeline that runs where there is none: a simulated fleet.
pub(super) const EMBEDDED: &str = include_str!("../../pipelines/simulated.toml");
/// Name of a project's main pipeline.
pub(super) const MAIN_PIPELINE: &str = "pdm.toml";
const EMBEDDED_LABEL: &str = "(embedded)";
const NO_FILE: &str = "there is no pipeline file: no `pdm.toml` here or in a folder above";

/// A command may look at more than one project, and says once that its time is not the clock's.
static TIME_TOLD: Once = Once::new();

/// A pipeline file that was found, or the embedded one.
struct PipelineFile {
    label: String,
    text: String,
    path: Option<PathBuf>,
    root: PathBuf,
}

/// Resolves arguments, environment and file into what the engine takes: every value final, with its origin.
///
/// # Errors
/// The file cannot be read, or has problems.
pub(super) fn resolve(args: &PipelineArgs, ui: &Ui) -> Result<(Context, Job), CliError> {
    resolve_by(PipelineSpec::compose, args, ui, |root| context(root, ui))
}

/// Resolves what [`resolve`] does, for a command that judges, moves or writes down a model: that must be somebody's model,
/// not that of the fleet which is built in.
///
/// # Errors
/// As [`resolve`]; or there is no pipeline file.
pub(super) fn resolve_file(args: &PipelineArgs, ui: &Ui) -> Result<(Context, Job), CliError> {
    let (context, job) = resolve(args, ui)?;
    require_file(&job)?;
    Ok((context, job))
}

/// Resolves what [`resolve`] does, for `run`: the fleet that is built in is for trying out, in this folder.
///
/// # Errors
/// As [`resolve`]; or its model would go into a registry that the environment names.
pub(super) fn resolve_to_run(args: &PipelineArgs, ui: &Ui) -> Result<(Context, Job), CliError> {
    let (context, job) = resolve(args, ui)?;
    if !job.files.is_empty() {
        return Ok((context, job));
    }
    let origin = job
        .origins
        .as_slice()
        .iter()
        .find(|origin| origin.key == "registry.url");
    if let Some(Source::Variable { name }) = origin.map(|origin| &origin.source) {
        let message = format!(
            "{NO_FILE}, and {name} names a registry that the model of a simulated fleet does not belong in"
        );
        let error = CliError::new(Code::NeedsPipelineFile, message);
        let hint = format!(
            "name your pipeline; or unset {name} to try the simulated fleet here, or ask for it there by `--set registry.url=…`"
        );
        return Err(error.hint(hint));
    }
    ui::note(&format!(
        "{NO_FILE}: this runs a simulated fleet that is built in"
    ));
    Ok((context, job))
}

/// Refuses the pipeline that is built in.
fn require_file(job: &Job) -> Result<(), CliError> {
    if !job.files.is_empty() {
        return Ok(());
    }
    let message = format!("{NO_FILE}, and this command is about the model of yours");
    let error = CliError::new(Code::NeedsPipelineFile, message);
    Err(error.hint(
        "name the pipeline file, go into the project's folder, or let `pdm-ml init` write one",
    ))
}

/// Resolves what [`resolve`] does, for a command that only looks: git, which takes longer than a plan, is not asked who acts.
///
/// # Errors
/// As [`resolve`].
pub(super) fn resolve_to_look(args: &PipelineArgs, ui: &Ui) -> Result<(Context, Job), CliError> {
    resolve_by(PipelineSpec::compose, args, ui, |root| {
        context_by(root, ui, |_| None)
    })
}

/// Resolves the main pipeline of the project around the current folder, for a command that needs none; none where there is no
/// pipeline, or it cannot be read.
pub(super) fn main_to_look(ui: &Ui) -> Option<(Context, Job)> {
    main_pipeline().ok().flatten()?;
    resolve_to_look(&PipelineArgs::default(), ui).ok()
}

/// Resolves what [`resolve`] does, for a search over `[tune.space]`.
///
/// # Errors
/// As [`resolve_file`]; or a value of the space could be used by no trial.
pub(super) fn resolve_to_search(args: &PipelineArgs, ui: &Ui) -> Result<(Context, Job), CliError> {
    let (context, job) = resolve_by(PipelineSpec::compose_to_search, args, ui, |root| {
        context(root, ui)
    })?;
    require_file(&job)?;
    Ok((context, job))
}

/// Reads a pipeline from its layers and the environment.
type Load = fn(&Layers, EnvLookup<'_>) -> Result<(PipelineSpec, Origins), SpecErrors>;

fn resolve_by(
    load: Load,
    args: &PipelineArgs,
    ui: &Ui,
    context: impl FnOnce(PathBuf) -> Result<Context, CliError>,
) -> Result<(Context, Job), CliError> {
    let found = find(args.pipeline.as_deref())?;
    let variables = environment::keys()
        .map_err(|name| CliError::new(Code::VariableValue, format!("`{name}` holds no text")))?;
    let (profile, overrides) = (profile(args), args.set.clone());
    let PipelineFile {
        label,
        text,
        path,
        root,
    } = found;
    let chosen = profile.as_ref().map(|profile| profile.name.clone());
    let layers = Layers {
        name: label.clone(),
        text: text.clone(),
        path,
        profile,
        variables,
        overrides,
    };
    let (mut spec, origins) = load(&layers, &environment::variable).map_err(CliError::spec)?;
    keep_to_limit(&mut spec);
    for note in layers.notes(&environment::variable) {
        ui::note(&note);
    }
    let files = layers.files(&environment::variable);
    threads::from_budget(spec.project.budget.threads);
    let context = context(root)?;
    let job = Job {
        spec,
        origins,
        label,
        text,
        profile: chosen,
        files,
    };
    ui.watch.pipeline(&context, &job);
    Ok((context, job))
}

/// Refuses `--set` of keys that a command does not obey; those it obeys begin with one of `obeyed`.
///
/// # Errors
/// A key that would change nothing, with the reason.
pub(super) fn refuse_idle_overrides(
    args: &PipelineArgs,
    obeyed: &[&str],
    why: &str,
) -> Result<(), CliError> {
    let key = |set: &String| set.split('=').next().unwrap_or_default().trim().to_owned();
    let is_idle = |key: &String| !obeyed.iter().any(|start| key.starts_with(start));
    let Some(key) = args.set.iter().map(key).find(is_idle) else {
        return Ok(());
    };
    let error = CliError::new(
        Code::ArgumentValue,
        format!("`--set {key}=…` would change nothing here: {why}"),
    );
    Err(error.hint(format!(
        "leave it out; this command obeys {}",
        obeyed.join(", ")
    )))
}

/// Makes a limit of addresses the memory budget where none is set: work that would meet it is refused or ended in words, before an
/// allocation fails.
fn keep_to_limit(spec: &mut PipelineSpec) {
    let Some(allowed) = limits::memory() else {
        return;
    };
    if spec.project.budget.memory.is_none() {
        spec.project.budget.memory = Some(MemoryLimit::of(allowed));
        ui::note(&format!(
            "the system limits addresses (`ulimit -v`): the memory budget is {}",
            size(allowed)
        ));
    }
}

/// Returns the profile that the command line or the environment names.
fn profile(args: &PipelineArgs) -> Option<ChosenProfile> {
    let given = args.profile.clone().map(|name| ChosenProfile {
        name,
        variable: None,
    });
    let named = || environment::variable(environment::PROFILE);
    let variable = || {
        named().map(|name| ChosenProfile {
            name,
            variable: Some(environment::PROFILE.to_owned()),
        })
    };
    given.or_else(variable)
}

/// Returns what the outside world lends to a run in the folder `root`.
///
/// # Errors
/// The signal handlers cannot be installed.
pub(super) fn context(root: PathBuf, ui: &Ui) -> Result<Context, CliError> {
    let project = root.clone();
    context_by(root, ui, |words| git(&project, words))
}

/// As [`context`], with what `git` says to some words.
fn context_by(
    root: PathBuf,
    ui: &Ui,
    git: impl Fn(&[&str]) -> Option<String>,
) -> Result<Context, CliError> {
    let interrupt = signals::listen().map_err(CliError::resources)?;
    let listener: Arc<dyn Observer> = if ui.shows_progress() {
        Arc::new(Progress::new())
    } else {
        Arc::new(Words::new(ui.is_quiet()))
    };
    let now = environment::now()?;
    if let Some(now) = now {
        TIME_TOLD.call_once(|| {
            ui::warn(&format!(
                "the time is {now}, as PDM_ML_NOW says: for tests and simulations only"
            ));
        });
    }
    let reporter = ui.watch.listen(Reporter::new(interrupt));
    Ok(Context {
        now,
        commit: git(&["rev-parse", "HEAD"]),
        reporter: if ui.watch.logs() {
            reporter
        } else {
            reporter.with(listener)
        },
        actor: environment::actor(|| git(&["config", "user.email"])),
        variable: environment::variable,
        wait: ui.wait(),
        strict: ui.is_strict(),
        root,
    })
}

/// Returns what the outside world lends to a run in the current folder.
///
/// # Errors
/// As [`context`]; or there is no current folder any more.
pub(super) fn context_here(ui: &Ui) -> Result<Context, CliError> {
    context(std::env::current_dir().map_err(CliError::resources)?, ui)
}

/// Returns the main pipeline of the project around the current folder, where there is one.
///
/// # Errors
/// There is no current folder any more.
pub(super) fn main_pipeline() -> Result<Option<PathBuf>, CliError> {
    std::env::current_dir()
        .map(|here| above(&here))
        .map_err(CliError::resources)
}

fn above(here: &Path) -> Option<PathBuf> {
    here.ancestors()
        .map(|folder| folder.join(MAIN_PIPELINE))
        .find(|path| path.is_file())
}

fn find(given: Option<&Path>) -> Result<PipelineFile, CliError> {
    let here = std::env::current_dir().map_err(CliError::resources)?;
    let path = match given {
        Some(path) => Some(path.to_owned()),
        None => above(&here),
    };
    let Some(path) = path else {
        return Ok(PipelineFile {
            label: EMBEDDED_LABEL.to_owned(),
            text: EMBEDDED.to_owned(),
            path: None,
            root: here,
        });
    };
    let label = path
        .strip_prefix(&here)
        .unwrap_or(&path)
        .display()
        .to_string();
    let text = read(&path, &label)?;
    let whole = here.join(&path);
    let root = root_of(&whole).unwrap_or(here);
    Ok(PipelineFile {
        label,
        text,
        path: Some(whole),
        root,
    })
}

/// Reads a pipeline file; a byte order mark before UTF-8 is left out.
///
/// # Errors
/// It cannot be read, or is not UTF-8.
pub(super) fn read(path: &Path, label: &str) -> Result<String, CliError> {
    let bytes = read_at_most(path, MOST_OF_A_PIPELINE).map_err(|error| unread(label, &error))?;
    let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    let text = String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..place]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        let what = if utf16 {
            "it is UTF-16".to_owned()
        } else {
            format!("line {line} holds bytes of another encoding")
        };
        let error = CliError::new(
            Code::NotText,
            format!("`{label}` is not UTF-8 text: {what}"),
        );
        error.hint("save it as UTF-8 in your editor")
    })?;
    Ok(text
        .strip_prefix('\u{feff}')
        .map(str::to_owned)
        .unwrap_or(text))
}

fn unread(label: &str, error: &io::Error) -> CliError {
    match error.kind() {
        ErrorKind::FileTooLarge => {
            let most = size(MOST_OF_A_PIPELINE);
            let error = CliError::new(
                Code::PipelineTooLarge,
                format!("`{label}` has more than {most}"),
            );
            error.hint(
                "is it a pipeline file? data belong into files of their own, named by the pipeline",
            )
        }
        _ => {
            let error_at =
                CliError::new(Code::NoPipeline, format!("cannot read `{label}`: {error}"));
            let template = Path::new(label)
                .file_stem()
                .and_then(|stem| stem.to_str())
                .unwrap_or_default();
            let is_template = ["fd001", "fd002", "fd003", "fd004"].contains(&template);
            if is_template && error.kind() == ErrorKind::NotFound {
                return error_at.hint(format!("`pdm-ml init --template {template}` writes it"));
            }
            error_at.hint("name a pipeline TOML, or none for the embedded default")
        }
    }
}

/// Paths in a pipeline are relative to its folder, or to the folder above where it lies in `pipelines/`.
fn root_of(pipeline: &Path) -> Option<PathBuf> {
    let folder = pipeline.parent()?;
    match folder.file_name() {
        Some(name) if name == "pipelines" => folder.parent().map(Path::to_owned),
        _ => Some(folder.to_owned()),
    }
}

/// Returns the top of the repository that holds a folder, where git knows one.
pub(super) fn repository_top(folder: &Path) -> Option<PathBuf> {
    git(folder, &["rev-parse", "--show-toplevel"]).map(PathBuf::from)
}

/// Returns what git says of the project, in one line; none where it says nothing.
pub(super) fn git(root: &Path, words: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(words)
        .output()
        .ok()?;
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
