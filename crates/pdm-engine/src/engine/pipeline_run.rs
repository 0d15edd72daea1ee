//! A pipeline that was opened, to run it or only to read it: its options, cache, registry and data.

use std::sync::{Arc, OnceLock};

use super::inputs::{self, ExpectedFiles, HashPolicy, Inputs};
use super::registry_view::RegistryView;
use super::{Context, EngineError, Job};
use crate::cache::{Cache, Cost};
use crate::config::Stage;
use crate::pipeline::{StageError, validate};
use pdm_core::events::Reporter;
use pdm_models::data::{InputDigest, QualityReport, ValidDataset};

/// A pipeline that was opened. Steps on several threads share it.
pub(super) struct PipelineRun<'a> {
    pub(super) context: Context,
    pub(super) job: &'a Job,
    pub(super) cache: Cache,
    read: Arc<ReadOnce>,
}

/// What is read once, when it is first needed.
#[derive(Default)]
struct ReadOnce {
    registry: OnceLock<RegistryView>,
    inputs: OnceLock<Inputs>,
    dataset: OnceLock<ValidDataset>,
}

impl<'a> PipelineRun<'a> {
    /// Opens the cache. The registry and the data files are opened when they are first needed.
    ///
    /// # Errors
    /// The cache cannot be opened.
    pub(super) fn open(context: &Context, job: &'a Job) -> Result<Self, EngineError> {
        Ok(Self {
            context: context.clone(),
            job,
            cache: Cache::open(context.state_dir().join("cache"))?,
            read: Arc::default(),
        })
    }

    /// Returns the same pipeline with another reporter; what was read is not read again.
    pub(super) fn reporting_to(&self, reporter: Reporter) -> Self {
        Self {
            context: Context {
                reporter,
                ..self.context.clone()
            },
            job: self.job,
            cache: self.cache.clone(),
            read: Arc::clone(&self.read),
        }
    }

    /// Returns the registry as this pipeline sees it.
    ///
    /// # Errors
    /// The registry cannot be opened.
    pub(super) fn registry(&self) -> Result<&RegistryView, EngineError> {
        if let Some(registry) = self.read.registry.get() {
            return Ok(registry);
        }
        let opened = RegistryView::open(&self.context, &self.job.spec)?;
        Ok(self.read.registry.get_or_init(|| opened))
    }

    /// Returns what a step cost when this pipeline ran it last, with the same options or others.
    pub(super) fn last_cost(&self, step: &str) -> Option<Cost> {
        let key = self.cache.last_key(&self.job.spec.project.name, step)?;
        let entry = self.cache.lookup(&key).into_entry()?;
        Some(entry.cost())
    }

    /// Returns the digests of the data files, where they were read already.
    pub(super) fn inputs(&self) -> Option<&Inputs> {
        self.read.inputs.get()
    }

    /// Hashes the data files, once. Files that are `expected` need not exist yet.
    ///
    /// # Errors
    /// The training file is missing, or a file cannot be read.
    pub(super) fn read_inputs(
        &self,
        policy: HashPolicy,
        expected: &ExpectedFiles,
    ) -> Result<&Inputs, EngineError> {
        if let Some(inputs) = self.read.inputs.get() {
            return Ok(inputs);
        }
        let read = Inputs::read(&self.context, self.job, policy, expected)?;
        Ok(self.read.inputs.get_or_init(|| read))
    }

    /// Returns the digests of the data files, which must exist.
    ///
    /// # Errors
    /// As [`Self::read_inputs`].
    pub(super) fn data(&self) -> Result<&Inputs, EngineError> {
        self.read_inputs(HashPolicy::Unchanged, &ExpectedFiles::new())
    }

    /// Returns the data set, read and validated when it is first needed.
    ///
    /// # Errors
    /// The data are not valid, or have changed since they were hashed.
    pub(super) fn dataset(&self) -> Result<&ValidDataset, EngineError> {
        if let Some(dataset) = self.read.dataset.get() {
            return Ok(dataset);
        }
        let (dataset, report) = validate::load(&self.job.spec, &self.context.root)
            .map_err(EngineError::in_stage(Stage::Validate))?;
        self.keep(dataset, &report)
    }

    /// Keeps a data set that was just validated, unless its files have changed since they were hashed.
    ///
    /// # Errors
    /// A file has changed since.
    pub(super) fn keep(
        &self,
        dataset: ValidDataset,
        report: &QualityReport,
    ) -> Result<&ValidDataset, EngineError> {
        let files = self.inputs().map_or(&[][..], |inputs| &inputs.files);
        if let Some(file) = files.iter().find(|file| differs(file, report)) {
            inputs::forget(&self.context);
            let changed = StageError::DataChanged(file.role);
            return Err(EngineError::in_stage(Stage::Validate)(changed));
        }
        Ok(self.read.dataset.get_or_init(|| dataset))
    }
}

/// Returns whether a file had other bytes when it was read than when it was hashed.
fn differs(file: &InputDigest, report: &QualityReport) -> bool {
    report.files.iter().any(|read| {
        let is_same = match &file.name {
            Some(name) => read.path.replace('\\', "/") == *name,
            None => true,
        };
        read.role == file.role && read.group == file.group && is_same && read.sha256 != file.sha256
    })
}
