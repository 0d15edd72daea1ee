//! `schedule`: show the next scheduled times, and export definitions for schedulers.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::json;

use crate::cli::args::{PipelineArgs, ScheduleCommand, ScheduleExportArgs, ScheduleNextArgs};
use crate::cli::ci;
use crate::cli::environment;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::outputs::{self, Outputs};
use crate::cli::settings;
use crate::cli::ui::{self, Ui};
use pdm_core::codes::Code;
use pdm_engine::config::PipelineSpec;
use pdm_engine::engine;
use pdm_engine::schedule::{
    Definition, DefinitionFile, ScheduleError, ScheduleOptions, ScheduledJob, SchedulerKind,
    export, next_times, skipped_time,
};

impl From<ScheduleError> for CliError {
    fn from(error: ScheduleError) -> Self {
        let (code, hint) = (error.code(), error.hint());
        Self::new(code, error).maybe_hint(hint)
    }
}

pub(super) fn run(command: &ScheduleCommand, ui: &Ui) -> Result<Exit, CliError> {
    match command {
        ScheduleCommand::Export(args) => write(args, ui),
        ScheduleCommand::Next(args) => next(args, ui),
    }
}

fn next(args: &ScheduleNextArgs, ui: &Ui) -> Result<Exit, CliError> {
    let (_, job) = settings::resolve(&args.pipeline, ui)?;
    let times = next_times(options(&job.spec)?, Timestamp::now(), args.count.into())?;
    let rows: Vec<_> = times
        .iter()
        .map(|time| json!({ "time": time.to_string(), "utc": time.timestamp() }))
        .collect();
    let line = |time: &jiff::ZonedDateTime| time.strftime("%a %Y-%m-%d %H:%M %:z %Q").to_string();
    ui.show(&rows, || {
        times.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    Ok(Exit::Done)
}

fn write(args: &ScheduleExportArgs, ui: &Ui) -> Result<Exit, CliError> {
    let (context, job) = settings::resolve(&args.pipeline, ui)?;
    let described = describe(&context.root, &job, &args.pipeline)?;
    let kind = SchedulerKind::from(args.kind);
    let mut definition = export(kind, options(&job.spec)?, &described)?;
    definition
        .notes
        .extend(skipped_time(kind, options(&job.spec)?, Timestamp::now())?);
    match &args.out {
        None if ui.is_for_people() => ui.as_it_is(&printed(&definition))?,
        None => ui.show(&definition, String::new)?,
        Some(out) => {
            let files = places(out, kind, &definition)?;
            let outputs = files
                .iter()
                .fold(Outputs::new(args.force), |outputs, (path, _)| {
                    outputs.new_file("--output", path)
                });
            outputs.reads_pipeline(&context, &job).check(ui)?;
            put(&files)?;
            let written: Vec<_> = files
                .iter()
                .map(|(path, _)| path.display().to_string())
                .collect();
            ui.show(
                &json!({ "written": written, "notes": definition.notes }),
                || written.join("\n"),
            )?;
        }
    }
    if ui.is_for_people() && !ui.is_quiet() {
        definition.notes.iter().for_each(|note| ui::note(note));
    }
    warn_of_variables(options(&job.spec)?);
    Ok(Exit::Done)
}

/// Warns about variables that are set here but not for the job, where the pipeline would differ.
fn warn_of_variables(options: &ScheduleOptions) {
    let is_passed = |name: &String| {
        options
            .env
            .iter()
            .chain(&options.secrets)
            .any(|passed| passed == name)
    };
    let set = environment::pipeline_variables()
        .unwrap_or_default()
        .into_iter()
        .map(|variable| variable.name);
    for name in set.filter(|name| !is_passed(name)) {
        ui::warn(&format!(
            "{name} is set here but not for the job: name it in `env` of [schedule], or write its value into the pipeline"
        ));
    }
}

fn options(spec: &PipelineSpec) -> Result<&ScheduleOptions, CliError> {
    let missing = || CliError::new(Code::MissingSection, "the pipeline has no [schedule]");
    spec.schedule
        .as_ref()
        .ok_or_else(|| missing().hint("add [schedule] with a time such as cron = \"0 3 * * 1\""))
}

/// Returns the scheduled job: the pipeline relative to the project folder, and the path of the folder.
fn describe(root: &Path, job: &engine::Job, args: &PipelineArgs) -> Result<ScheduledJob, CliError> {
    let here = std::env::current_dir().map_err(CliError::resources)?;
    let file = settings::file_of(job).map(|file| here.join(file));
    let Some(file) = file.filter(|file| file.is_file()) else {
        let error = CliError::new(Code::NoPipeline, "no pipeline file to schedule");
        return Err(error.hint("name the pipeline file, or create one with `pdm-ml init`"));
    };
    let (root, file) = (whole(root)?, whole(&file)?);
    let program = std::env::current_exe().map_err(CliError::resources)?;
    let repository = ci::repository(&root);
    let set = args
        .set
        .iter()
        .filter(|set| !set.trim_start().starts_with("schedule"));
    Ok(ScheduledJob {
        project: job.spec.project.name.clone(),
        pipeline: text(file.strip_prefix(&root).unwrap_or(&file))?,
        profile: job.profile.clone(),
        set: set.cloned().collect(),
        program: text(&program)?,
        repository_folder: text(
            root.strip_prefix(repository.as_deref().unwrap_or(&root))
                .unwrap_or(Path::new("")),
        )?,
        folder: text(&root)?,
        memory_bytes: job.spec.project.budget.memory.map(|limit| limit.bytes()),
        notifies: !job.spec.notify.is_empty(),
    })
}

fn whole(path: &Path) -> Result<PathBuf, CliError> {
    std::fs::canonicalize(path).map_err(|error| CliError::io("find", path, error))
}

fn text(path: &Path) -> Result<String, CliError> {
    let unreadable = || {
        CliError::new(
            Code::NotNameable,
            format!(
                "the path `{}` is not UTF-8, so a scheduler cannot read it",
                path.display()
            ),
        )
    };
    path.to_str().map(str::to_owned).ok_or_else(unreadable)
}

/// Returns all files as one text, with their names above them if there are several.
fn printed(definition: &Definition) -> String {
    match &definition.files[..] {
        [file] => file.text.clone(),
        files => files
            .iter()
            .map(|file| format!("# {}\n{}", file.name, file.text))
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

/// Returns each file with its path.
fn places<'d>(
    out: &Path,
    kind: SchedulerKind,
    definition: &'d Definition,
) -> Result<Vec<(PathBuf, &'d DefinitionFile)>, CliError> {
    let ends_in_slash = out.to_string_lossy().ends_with('/');
    match &definition.files[..] {
        [file] if !out.is_dir() && !ends_in_slash => Ok(vec![(out.to_owned(), file)]),
        files if files.len() > 1 && out.is_file() => {
            let error = CliError::new(
                Code::ArgumentValue,
                format!(
                    "{kind} needs {} files, but `{}` is a single file",
                    files.len(),
                    out.display()
                ),
            );
            Err(error.hint("pass a folder to --output"))
        }
        files => Ok(files
            .iter()
            .map(|file| (out.join(&file.name), file))
            .collect()),
    }
}

/// Writes all files.
fn put(files: &[(PathBuf, &DefinitionFile)]) -> Result<(), CliError> {
    for (path, file) in files {
        outputs::write(path, file.text.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pdm_engine::schedule::{DECISIONS, TRY_AGAIN};

    #[test]
    fn the_codes_in_definitions_are_those_of_the_command() {
        let decisions =
            [Exit::GateRefused, Exit::GateUndecided, Exit::Unapproved].map(|exit| exit as u8);
        assert_eq!((decisions, Exit::Unavailable as u8), (DECISIONS, TRY_AGAIN));
    }
}
