//! What the arguments mean: resolves them with the room `settings`, and shows its notes and errors.

use std::path::PathBuf;
use std::sync::{Arc, Once};

use super::args::PipelineArgs;
use super::error::CliError;
use super::progress::{Progress, Words};
use super::ui::{self, Ui};
use super::{limits, signals, threads};
use pdm_core::codes::Code;
use pdm_core::events::{Observer, Reporter};
use pdm_engine::engine::{Context, Job};

use crate::settings::{
    self, PipelineRequest, ProjectSurroundings, SearchSpace, SettingsError, SettingsNote,
};
pub(super) use crate::settings::{
    BUILT_IN, MAIN_PIPELINE, ask_git, file_of, main_pipeline, read, repository_top,
};

/// A command may read more than one project, but warns about `PDM_ML_NOW` only once.
static TIME_SHOWN: Once = Once::new();

/// Resolves arguments, environment and file into what the engine takes: every value final, with its origin.
///
/// # Errors
/// The file cannot be read or is invalid.
pub(super) fn resolve(args: &PipelineArgs, ui: &Ui) -> Result<(Context, Job), CliError> {
    resolve_by(request(args, SearchSpace::Unused), true, ui)
}

/// As [`resolve`], for a command that judges, promotes or registers a model, which needs a pipeline file.
///
/// # Errors
/// As [`resolve`]; or there is no pipeline file.
pub(super) fn resolve_file(args: &PipelineArgs, ui: &Ui) -> Result<(Context, Job), CliError> {
    let (context, job) = resolve(args, ui)?;
    settings::require_file(&job)?;
    Ok((context, job))
}

/// As [`resolve`], for `run`, which may use the built-in pipeline in this folder.
///
/// # Errors
/// As [`resolve`]; or the model of the built-in pipeline would go into a registry that the environment names.
pub(super) fn resolve_to_run(args: &PipelineArgs, ui: &Ui) -> Result<(Context, Job), CliError> {
    let (context, job) = resolve(args, ui)?;
    if let Some(note) = settings::require_own_registry(&job)? {
        show_note(&note);
    }
    Ok((context, job))
}

/// Resolves what [`resolve`] does, for a command that only looks: git, which takes longer than a plan, is not asked who acts.
///
/// # Errors
/// As [`resolve`].
pub(super) fn resolve_to_look(args: &PipelineArgs, ui: &Ui) -> Result<(Context, Job), CliError> {
    resolve_by(request(args, SearchSpace::Unused), false, ui)
}

/// Resolves the main pipeline of the project of the current folder, for a command that needs none; `None` if there is no
/// pipeline or it cannot be read.
pub(super) fn main_to_look(ui: &Ui) -> Option<(Context, Job)> {
    main_pipeline().ok().flatten()?;
    resolve_to_look(&PipelineArgs::default(), ui).ok()
}

/// As [`resolve`], for a search over `[tune.space]`.
///
/// # Errors
/// As [`resolve_file`]; or no trial could use a value of the space.
pub(super) fn resolve_to_search(args: &PipelineArgs, ui: &Ui) -> Result<(Context, Job), CliError> {
    let (context, job) = resolve_by(request(args, SearchSpace::Searched), true, ui)?;
    settings::require_file(&job)?;
    Ok((context, job))
}

fn request(args: &PipelineArgs, space: SearchSpace) -> PipelineRequest {
    PipelineRequest {
        pipeline: args.pipeline.clone(),
        profile: args.profile.clone(),
        overrides: args.set.clone(),
        space,
        memory: limits::memory(),
    }
}

fn resolve_by(
    request: PipelineRequest,
    asks_git: bool,
    ui: &Ui,
) -> Result<(Context, Job), CliError> {
    let resolved = settings::resolve(&request)?;
    for note in &resolved.notes {
        show_note(note);
    }
    threads::from_budget(resolved.job.spec.project.budget.threads);
    let (context, job) = resolved.with(surroundings(asks_git, ui)?)?;
    show_acting_time(&context);
    ui.watch.pipeline(&context, &job);
    Ok((context, job))
}

/// Refuses `--set` of keys that a command does not use; those it uses start with one of `obeyed`.
///
/// # Errors
/// A key that would have no effect, with the reason.
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
        format!("`--set {key}=…` has no effect here: {why}"),
    );
    Err(error.hint(format!(
        "remove it; this command uses {}",
        obeyed.join(", ")
    )))
}

/// Returns what the outside world lends to a run in the folder `root`.
///
/// # Errors
/// The signal handlers cannot be installed.
pub(super) fn context(root: PathBuf, ui: &Ui) -> Result<Context, CliError> {
    let context = settings::context(root, surroundings(true, ui)?)?;
    show_acting_time(&context);
    Ok(context)
}

/// Returns the context of a run in the current folder.
///
/// # Errors
/// As [`context`]; or the current folder no longer exists.
pub(super) fn context_here(ui: &Ui) -> Result<Context, CliError> {
    context(std::env::current_dir().map_err(CliError::resources)?, ui)
}

/// Returns what the command line lends: signals, listeners and its flags.
fn surroundings(asks_git: bool, ui: &Ui) -> Result<ProjectSurroundings, CliError> {
    let interrupt = signals::listen().map_err(CliError::resources)?;
    let listener: Arc<dyn Observer> = if ui.shows_progress() {
        Arc::new(Progress::new())
    } else {
        Arc::new(Words::new(ui.is_quiet()))
    };
    let reporter = ui.watch.listen(Reporter::new(interrupt));
    Ok(ProjectSurroundings {
        reporter: if ui.watch.logs() {
            reporter
        } else {
            reporter.with(listener)
        },
        wait: ui.wait(),
        strict: ui.is_strict(),
        asks_git,
    })
}

fn show_acting_time(context: &Context) {
    if let Some(now) = context.now {
        TIME_SHOWN.call_once(|| show_note(&SettingsNote::ActingTime(now)));
    }
}

fn show_note(note: &SettingsNote) {
    if note.is_warning() {
        ui::warn(&note.to_string());
    } else {
        ui::note(&note.to_string());
    }
}

impl From<SettingsError> for CliError {
    fn from(error: SettingsError) -> Self {
        let (code, hint) = (error.code(), error.hint());
        match error {
            SettingsError::Spec(errors) => Self::spec(*errors),
            error => Self::new(code, error).maybe_hint(hint),
        }
    }
}
