use std::collections::BTreeMap;
use std::sync::Arc;

use super::drift::Drift;
use super::inputs::{self, ExpectedFiles};
use super::locking::Lock;
use super::remote::SharedCache;
use super::{Context, EngineError, Job};
use crate::cache::StageKey;
use crate::cache::{Cache, CacheEntry, InputFile};
use crate::config::Stage;
use crate::engine::registry_view::{Judgeable, RegistryView};
use crate::pipeline::calibrate::BUNDLE;
use crate::pipeline::evaluate::{DataDigests, SCORECARD};
use crate::pipeline::{
    StageError, calibrate, evaluate, features, gate, read_json, train, validate,
};
use pdm_core::content::{Digest, digest_of};
use pdm_core::scoring::Scorecard;
use pdm_models::bundle::ModelBundle;
use pdm_models::data::{FileReport, InputDigest, QualityReport, Role, ValidDataset, part_digest};

/// One pipeline on its way: what is known, what is read, what is cached.
pub(super) struct PipelineRun<'a> {
    pub(super) context: &'a Context,
    pub(super) job: &'a Job,
    pub(super) cache: Cache,
    pub(super) storeroom: RegistryView,
    pub(super) files: Vec<InputDigest>,
    /// The same files by the paths people know.
    pub(super) inputs: Vec<InputFile>,
    pub(super) entries: BTreeMap<Stage, CacheEntry>,
    /// Why the night job makes a model, for the log.
    pub(super) night: Option<String>,
    /// What the night job found when it looked for drift, for the record.
    pub(super) drift: Option<Drift>,
    /// Whether a model is registered even where gates refuse it.
    pub(super) keeps_refused: bool,
    /// What the run must keep to, or brings up to date.
    pub(super) lock: Arc<Lock>,
    /// Results of other machines.
    pub(super) remote: Arc<SharedCache>,
    dataset: Option<ValidDataset>,
}

impl<'a> PipelineRun<'a> {
    /// Opens the cache and the registry and takes the digests of the data files.
    ///
    /// # Errors
    /// The training file is missing, or a storeroom cannot be opened.
    pub(super) fn open(context: &'a Context, job: &'a Job) -> Result<Self, EngineError> {
        let mut line = Self::open_early(context, job)?;
        line.learn_files(&ExpectedFiles::new())?;
        Ok(line)
    }

    /// As [`Self::open`], before the digests of the data files are known, or the files are there.
    pub(super) fn open_early(context: &'a Context, job: &'a Job) -> Result<Self, EngineError> {
        Ok(Self {
            context,
            job,
            cache: Cache::open(context.state_dir().join("cache"))?,
            storeroom: RegistryView::open(context, &job.spec)?,
            files: Vec::new(),
            inputs: Vec::new(),
            entries: BTreeMap::new(),
            night: None,
            drift: None,
            keeps_refused: false,
            lock: Arc::default(),
            remote: Arc::default(),
            dataset: None,
        })
    }

    /// Returns the key a stage is cached under, once the stages before it are there; none for registry stages.
    pub(super) fn key(&self, stage: Stage) -> Result<Option<StageKey>, EngineError> {
        let spec = &self.job.spec;
        if self.files.is_empty() {
            return Ok(None);
        }
        let data = self.data_digests().train;
        let of = |stage: Stage| self.entries.get(&stage).map(CacheEntry::digest);
        Ok(match stage {
            Stage::Validate => Some(validate::stage_key(spec, &self.files)),
            Stage::Features => Some(features::stage_key(spec, data)),
            Stage::Train => {
                of(Stage::Features).map(|features| train::stage_key(spec, data, features))
            }
            Stage::Calibrate => of(Stage::Features)
                .zip(of(Stage::Train))
                .map(|(features, train)| calibrate::stage_key(spec, data, features, train)),
            Stage::Evaluate => {
                of(Stage::Train)
                    .zip(of(Stage::Calibrate))
                    .map(|(train, calibrate)| {
                        evaluate::stage_key(spec, self.data_digests(), train, calibrate)
                    })
            }
            Stage::Gate => match (self.bundle_digest(), of(Stage::Evaluate), self.model()?) {
                (Some(bundle), Some(evaluate), Some(model)) => Some(gate::stage_key(
                    spec,
                    bundle,
                    evaluate,
                    &self.storeroom.holder(model)?,
                )),
                _ => None,
            },
            Stage::Register | Stage::Promote => None,
        })
    }

    /// Returns the data set, read and judged when it is first needed.
    pub(super) fn dataset(&mut self) -> Result<&ValidDataset, EngineError> {
        if self.dataset.is_none() {
            let (dataset, report) = validate::load(&self.job.spec, &self.context.root)
                .map_err(EngineError::in_stage(Stage::Validate))?;
            self.keep(dataset, &report)?;
        }
        Ok(self.dataset.as_ref().expect("the line above fills it"))
    }

    /// Keeps a data set that was just validated, unless its files are not those the line began with.
    pub(super) fn keep(
        &mut self,
        dataset: ValidDataset,
        report: &QualityReport,
    ) -> Result<(), EngineError> {
        let is_other = |file: &InputDigest| {
            let same_file =
                |read: &&FileReport| (read.role, &read.group) == (file.role, &file.group);
            report
                .files
                .iter()
                .filter(same_file)
                .any(|read| read.sha256 != file.sha256)
        };
        let changed = self.files.iter().find(|file| is_other(file));
        if let Some(file) = changed {
            inputs::forget(self.context);
            return Err(EngineError::in_stage(Stage::Validate)(
                StageError::DataChanged(file.role),
            ));
        }
        self.dataset = Some(dataset);
        Ok(())
    }

    /// Returns the digest of the calibrated bundle, once it is there.
    pub(super) fn bundle_digest(&self) -> Option<Digest> {
        let entry = self.entries.get(&Stage::Calibrate)?;
        let manifest = format!("{BUNDLE}/bundle.json");
        entry
            .outputs()
            .iter()
            .find(|output| output.path == manifest)
            .map(|output| output.sha256)
    }

    /// Returns what is judged: the bundle and its scores, once both are there.
    pub(super) fn model(&self) -> Result<Option<Judgeable>, EngineError> {
        let Some((bundle, entry)) = self.bundle_digest().zip(self.entries.get(&Stage::Evaluate))
        else {
            return Ok(None);
        };
        let card: Scorecard =
            read_json(&entry.path(SCORECARD)).map_err(EngineError::in_stage(Stage::Evaluate))?;
        let scorecard = digest_of(&card).expect("a scorecard has a JSON form");
        Ok(Some(Judgeable { bundle, scorecard }))
    }

    /// Opens the calibrated bundle, verified.
    pub(super) fn bundle(&self) -> Result<ModelBundle, EngineError> {
        let folder = self.entry(Stage::Calibrate).path(BUNDLE);
        Ok(ModelBundle::open(&folder, self.bundle_digest())?)
    }

    /// Returns what an earlier stage left.
    ///
    /// # Panics
    /// Never on the line: stages run in order, and each leaves an entry.
    pub(super) fn entry(&self, stage: Stage) -> &CacheEntry {
        self.entries
            .get(&stage)
            .expect("stages run in order, and each leaves an entry")
    }

    pub(super) fn data_digests(&self) -> DataDigests {
        let train = self
            .digest_of(Role::Train)
            .expect("a line is not opened without a training file");
        DataDigests {
            train,
            test: self.digest_of(Role::Test).zip(self.digest_of(Role::Rul)),
        }
    }

    fn digest_of(&self, role: Role) -> Option<Digest> {
        part_digest(&self.files, role)
    }
}
