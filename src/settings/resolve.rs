//! Puts a pipeline together: its file, the layers over it and the environment become final values, each with its origin.

use std::path::PathBuf;

use super::context::{ProjectSurroundings, context};
use super::environment::{self, PROFILE, pipeline_variables};
use super::error::SettingsError;
use super::find::{PipelineFile, PipelineSource};
use super::note::SettingsNote;
use pdm_engine::config::{ChosenProfile, Layers, MemoryLimit, PipelineSpec, Source};
use pdm_engine::engine::{Context, Job};

/// Which pipeline, and what to change in it.
#[derive(Debug, Clone, Default)]
pub struct PipelineRequest {
    /// The pipeline file; none for the project's main pipeline, or the built-in one.
    pub pipeline: Option<PathBuf>,
    /// The profile to lay over it; none for the one that the environment names, if any.
    pub profile: Option<String>,
    /// Overrides `KEY=VALUE`, the later one winning.
    pub overrides: Vec<String>,
    /// How `[tune.space]` is read.
    pub space: SearchSpace,
    /// The memory in bytes that the system allows, which is the budget where the pipeline sets none; none without a limit.
    pub memory: Option<u64>,
}

/// How `[tune.space]` of a pipeline is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SearchSpace {
    /// As any other section: what a search alone would refuse is not looked for.
    #[default]
    Unused,
    /// For a search: every value must be one that a trial can use.
    Searched,
}

/// A pipeline with final values.
#[derive(Debug, Clone)]
pub struct ResolvedPipeline {
    /// The pipeline, ready for the engine.
    pub job: Job,
    /// The project's folder.
    pub root: PathBuf,
    /// What a person should know.
    pub notes: Vec<SettingsNote>,
}

impl ResolvedPipeline {
    /// Returns what the engine takes.
    ///
    /// # Errors
    /// As [`context`].
    pub fn with(self, surroundings: ProjectSurroundings) -> Result<(Context, Job), SettingsError> {
        Ok((context(self.root, surroundings)?, self.job))
    }
}

/// Resolves a request, the environment and the file into final values, each with its origin.
///
/// # Errors
/// The file cannot be read or has problems, or a variable of the environment holds no text.
pub fn resolve(request: &PipelineRequest) -> Result<ResolvedPipeline, SettingsError> {
    let PipelineFile {
        source,
        label,
        text,
        root,
    } = PipelineFile::find(request.pipeline.as_deref())?;
    let path = match source {
        PipelineSource::File(path) => Some(path),
        PipelineSource::BuiltIn => None,
    };
    let variables = pipeline_variables()?;
    let profile = profile(request);
    let chosen = profile.as_ref().map(|profile| profile.name.clone());
    let layers = Layers {
        name: label.clone(),
        text: text.clone(),
        path,
        profile,
        variables,
        overrides: request.overrides.clone(),
    };
    let compose = match request.space {
        SearchSpace::Unused => PipelineSpec::compose,
        SearchSpace::Searched => PipelineSpec::compose_to_search,
    };
    let composed = compose(&layers, &environment::variable);
    let (mut spec, origins) = composed.map_err(|errors| SettingsError::Spec(Box::new(errors)))?;
    let mut notes = Vec::new();
    notes.extend(keep_to_limit(&mut spec, request.memory));
    let renamed = layers.notes(&environment::variable).into_iter();
    notes.extend(renamed.map(SettingsNote::RenamedValue));
    let files = layers.files(&environment::variable);
    let job = Job {
        spec,
        origins,
        label,
        text,
        profile: chosen,
        files,
    };
    Ok(ResolvedPipeline { job, root, notes })
}

/// Returns the pipeline file as the user named it; none for the built-in pipeline.
pub fn file_of(job: &Job) -> Option<&str> {
    if job.files.is_empty() {
        return None;
    }
    Some(&job.label)
}

/// Refuses the built-in pipeline, for work on a model of the user.
///
/// # Errors
/// There is no pipeline file.
pub fn require_file(job: &Job) -> Result<(), SettingsError> {
    match file_of(job) {
        Some(_) => Ok(()),
        None => Err(SettingsError::NoFile),
    }
}

/// Allows the built-in pipeline only with a registry of this project; returns a note about it.
///
/// # Errors
/// Its model would go into a registry that the environment names.
pub fn require_own_registry(job: &Job) -> Result<Option<SettingsNote>, SettingsError> {
    if file_of(job).is_some() {
        return Ok(None);
    }
    let origins = job.origins.as_slice();
    let registry = origins.iter().find(|origin| origin.key == "registry.url");
    if let Some(Source::Variable { name }) = registry.map(|origin| &origin.source) {
        return Err(SettingsError::ForeignRegistry {
            variable: name.clone(),
        });
    }
    Ok(Some(SettingsNote::BuiltInPipeline))
}

/// Makes a limit of memory the budget if none is set, so that work is refused or ended with a message before an allocation
/// fails.
fn keep_to_limit(spec: &mut PipelineSpec, memory: Option<u64>) -> Option<SettingsNote> {
    let budget = &mut spec.project.budget.memory;
    let allowed = memory.filter(|_| budget.is_none())?;
    *budget = Some(MemoryLimit::of(allowed));
    Some(SettingsNote::MemoryLimit(allowed))
}

/// Returns the profile that the request or the environment names.
fn profile(request: &PipelineRequest) -> Option<ChosenProfile> {
    let given = request.profile.clone().map(|name| ChosenProfile {
        name,
        variable: None,
    });
    let of_environment = || {
        environment::variable(PROFILE).map(|name| ChosenProfile {
            name,
            variable: Some(PROFILE.to_owned()),
        })
    };
    given.or_else(of_environment)
}
