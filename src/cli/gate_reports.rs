//! Writes the results of gates as reports for CI.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Component, Path, PathBuf};

use super::args::{PipelineArgs, ReportTarget};
use super::environment;
use super::error::{CliError, RepositoryPaths};
use super::outputs::{self, Outputs};
use super::settings;
use super::ui::{self, Ui};
use pdm_core::codes::{Code, unmarked};
use pdm_core::domain::{redact, redact_json};
use pdm_engine::engine::{self, Job, Outcome};
use pdm_report::report::KnownFile;
use pdm_report::report::gate::{self, GateFormat, Judgement, LinkedDrawing};

/// Maps files to paths relative to the top of their repository, as CI needs them.
pub(super) struct Repository {
    here: PathBuf,
    project: PathBuf,
    top: PathBuf,
}

impl Repository {
    /// Returns the repository that holds the project.
    pub(super) fn of(project: &Path) -> Self {
        let here = std::env::current_dir().unwrap_or_default();
        let project = here.join(project);
        let top = environment::workspace().filter(|top| project.starts_with(top));
        let top = top
            .or_else(|| settings::repository_top(&project))
            .unwrap_or_else(|| here.clone());
        Self { here, project, top }
    }

    /// Returns a path relative to the current folder as a path relative to the repository.
    pub(super) fn name_from_here(&self, path: &str) -> String {
        self.named(&self.here.join(path))
    }

    fn name_from_project(&self, path: &str) -> String {
        self.named(&self.project.join(path))
    }

    fn named(&self, path: &Path) -> String {
        let whole = plain(path);
        let within = whole.strip_prefix(&self.top).unwrap_or(&whole);
        within.display().to_string().replace('\\', "/")
    }

    /// Returns the errors that ended a run before its gates.
    pub(super) fn early_ends(&self, error: &CliError) -> Vec<gate::EarlyEnd> {
        error.early_ends(&RepositoryPaths {
            from_here: &|path| self.name_from_here(path),
            from_project: &|path| self.name_from_project(path),
        })
    }
}

/// Returns a path without `.` and `..`; links are not resolved, because CI does not resolve them either.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            other => plain.push(other),
        }
    }
    plain
}

/// Returns the judgement of a run that reached its gates, or ended early.
pub(super) fn judgement(
    job: &Job,
    result: &Result<Outcome, CliError>,
    repository: &Repository,
) -> Result<Judgement, CliError> {
    match result {
        Ok(outcome) => Ok(engine::judgement(job, outcome, &|path| {
            repository.name_from_here(path)
        })?),
        Err(error) => Ok(early(
            &job.spec.project.name,
            settings::file_of(job),
            error,
            repository,
        )),
    }
}

/// Returns the judgement of a pipeline whose file is invalid or cannot be read.
pub(super) fn unread(args: &PipelineArgs, error: &CliError) -> Judgement {
    let file = args
        .pipeline
        .as_deref()
        .map(|path| path.display().to_string());
    let repository = Repository::of(
        args.pipeline
            .as_deref()
            .and_then(Path::parent)
            .unwrap_or(Path::new("")),
    );
    let name = file
        .clone()
        .unwrap_or_else(|| settings::MAIN_PIPELINE.to_owned());
    early(&name, file.as_deref(), error, &repository)
}

fn early(
    pipeline: &str,
    file: Option<&str>,
    error: &CliError,
    repository: &Repository,
) -> Judgement {
    Judgement {
        pipeline: pipeline.to_owned(),
        file: file.map(|file| repository.name_from_here(file)),
        verdict: None,
        evidence: None,
        gates: Vec::new(),
        troubles: repository.early_ends(error),
    }
}

/// Writes all reports.
///
/// # Errors
/// A report cannot be written; the others are written nevertheless.
pub(super) fn write(
    targets: &[ReportTarget],
    judgement: &Judgement,
    ui: &Ui,
) -> Result<(), CliError> {
    let written: Vec<_> = targets
        .iter()
        .map(|target| write_one(target, judgement, ui))
        .collect();
    written.into_iter().collect()
}

/// Writes reports of a job that could not start, replacing those of an earlier one.
pub(super) fn replace(targets: &[ReportTarget], pipeline: Option<&Path>, error: &CliError) {
    if targets.is_empty() {
        return;
    }
    let args = PipelineArgs {
        pipeline: pipeline.map(Path::to_owned),
        ..PipelineArgs::default()
    };
    let judgement = unread(&args, error);
    for target in targets
        .iter()
        .filter(|target| target.file.as_deref() != pipeline)
    {
        let Some(file) = &target.file else { continue };
        if let Err(error) = write_file(target.format, file, &judgement) {
            ui::warn(unmarked(&error.render(false)));
        }
    }
}

/// Refuses reports that would be mixed with JSON on standard output.
///
/// # Errors
/// Annotations and JSON would both go to standard output.
pub(super) fn check(targets: &[ReportTarget], ui: &Ui) -> Result<(), CliError> {
    if ui.is_for_people() || targets.iter().all(|target| target.file.is_some()) {
        return Ok(());
    }
    let error = CliError::new(
        Code::ArgumentValue,
        "`--report github` and `--format json` both write to standard output",
    );
    Err(error.hint("write `--report github=FILE`, and print the file"))
}

fn write_one(target: &ReportTarget, judgement: &Judgement, ui: &Ui) -> Result<(), CliError> {
    match &target.file {
        Some(file) => write_file(target.format, file, judgement),
        None => {
            ui.text(&document(target.format, judgement))?;
            summarise(judgement)
        }
    }
}

/// Returns the file name of an image of a Markdown report.
fn drawing_name(file: &Path, drawing: &str) -> OsString {
    let stem = file.file_stem().unwrap_or_default();
    [stem, "-".as_ref(), drawing.as_ref(), ".svg".as_ref()]
        .into_iter()
        .collect()
}

/// Returns every file that the reports are written to.
pub(super) fn outputs(targets: &[ReportTarget], overwrites: bool) -> Outputs {
    let mut outputs = Outputs::with_overwrite(overwrites);
    for ReportTarget { format, file } in targets {
        let Some(file) = file else { continue };
        outputs = outputs.document("--report", Some(file), KnownFile::Gates(*format));
        if *format == GateFormat::Markdown {
            for drawing in gate::DRAWINGS {
                let path = file.with_file_name(drawing_name(file, drawing));
                outputs =
                    outputs.document("the image of --report", Some(&path), KnownFile::Drawing);
            }
        }
    }
    outputs
}

fn write_file(format: GateFormat, file: &Path, judgement: &Judgement) -> Result<(), CliError> {
    match format {
        GateFormat::Markdown => write_markdown(file, judgement),
        GateFormat::Junit | GateFormat::Github | GateFormat::Sarif | GateFormat::Json => {
            outputs::write(file, document(format, judgement).as_bytes())
        }
    }
}

/// Returns the text of a report, without secrets.
fn document(format: GateFormat, judgement: &Judgement) -> String {
    match format {
        GateFormat::Junit => redact(&gate::junit(judgement)).into_owned(),
        GateFormat::Github => redact(&gate::annotations(judgement)).into_owned(),
        GateFormat::Sarif => redact_json(&gate::sarif(judgement)).into_owned(),
        GateFormat::Json => redact_json(&gate::json(judgement)).into_owned(),
        GateFormat::Markdown => redact(&gate::markdown(judgement, &[])).into_owned(),
    }
}

/// Writes the images first: the Markdown links them by their file names.
fn write_markdown(file: &Path, judgement: &Judgement) -> Result<(), CliError> {
    let mut linked = Vec::new();
    for drawing in gate::drawings(judgement) {
        let name = drawing_name(file, drawing.name);
        outputs::write(&file.with_file_name(&name), redact(&drawing.svg).as_bytes())?;
        linked.push((drawing.title, name.to_string_lossy().into_owned()));
    }
    let linked: Vec<_> = linked
        .iter()
        .map(|(title, target)| LinkedDrawing { title, target })
        .collect();
    outputs::write(file, redact(&gate::markdown(judgement, &linked)).as_bytes())
}

/// Appends the report to the summary page of a GitHub job, if there is one.
fn summarise(judgement: &Judgement) -> Result<(), CliError> {
    let Some(path) = environment::step_summary() else {
        return Ok(());
    };
    let text = gate::markdown(judgement, &[]);
    let file = OpenOptions::new().create(true).append(true).open(&path);
    file.and_then(|mut file| file.write_all(redact(&text).as_bytes()))
        .map_err(|error| CliError::io("write", &path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_from_the_top_of_their_repository() {
        let repository = Repository {
            here: "/r/plant".into(),
            project: "/r/plant".into(),
            top: "/r".into(),
        };
        assert_eq!(
            repository.name_from_here("pipelines/../pdm.toml"),
            "plant/pdm.toml"
        );
        assert_eq!(
            repository.name_from_here("/elsewhere/pdm.toml"),
            "/elsewhere/pdm.toml"
        );
        assert_eq!(
            repository.name_from_project("datasets/a.csv"),
            "plant/datasets/a.csv"
        );
    }
}
