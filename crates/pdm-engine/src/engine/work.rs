use std::path::Path;

use super::memory_watch::MemoryWatch;
use super::registered::open_version;
use super::retrain::changes_since;
use super::{EngineError, PipelineRun, Reuse};
use crate::cache::{CacheEntry, Claim, Pending};
use crate::config::Stage;
use crate::pipeline::calibrate::BUNDLE;
use crate::pipeline::evaluate::{PREDICTIONS, SCORECARD, score_on_unseen};
use crate::pipeline::gate::{AliasHolder, Defender, Rival};
use crate::pipeline::{Summary, calibrate, evaluate, features, gate, read_json, validate};
use pdm_core::gates::GateReport;
use pdm_core::scoring::{Part, Scorecard, Verdict};
use pdm_store::registry::{Consent, NewFile, NewVersion, Promotion, VersionOrigin};

/// Who did the work of a stage.
pub(super) enum Worked {
    /// This process.
    Here(Summary),
    /// Another process, while this one waited.
    Elsewhere(Summary),
}

impl PipelineRun<'_> {
    /// Runs a stage and keeps what it left.
    pub(super) fn work(
        &mut self,
        stage: Stage,
        reuse: Reuse,
        run: &str,
    ) -> Result<Worked, EngineError> {
        self.refuse_unaffordable(stage)?;
        self.look(stage)?;
        match stage {
            Stage::Register => self.register(run).map(Worked::Here),
            Stage::Promote => self.promote().map(Worked::Here),
            Stage::Validate
            | Stage::Features
            | Stage::Train
            | Stage::Calibrate
            | Stage::Evaluate
            | Stage::Gate => self.compute(stage, reuse, run),
        }
    }

    fn compute(&mut self, stage: Stage, reuse: Reuse, run: &str) -> Result<Worked, EngineError> {
        let key = self
            .key(stage)?
            .expect("every computed stage has a key once the stages before it are there");
        let interrupt = self.context.reporter.interrupt().clone();
        let reporter = self.context.reporter.clone();
        let waiting = || {
            reporter.warn(format!(
                "another process is working on `{stage}`; waiting for it"
            ))
        };
        let claim = match reuse.cached {
            true => self.cache.claim(&key, &interrupt, waiting)?,
            false => Claim::Work(Box::new(self.cache.begin(&key, &interrupt, waiting)?)),
        };
        let (entry, worked): (CacheEntry, fn(Summary) -> Worked) = match claim {
            Claim::Ready(entry) => (*entry, Worked::Elsewhere),
            Claim::Work(pending) => (self.fill(stage, *pending, reuse, run)?, Worked::Here),
        };
        self.share(stage, &entry)?;
        self.remember(&key)?;
        let summary = summary_of(&entry);
        self.entries.insert(stage, entry);
        Ok(worked(summary))
    }

    fn fill(
        &mut self,
        stage: Stage,
        pending: Pending,
        reuse: Reuse,
        run: &str,
    ) -> Result<CacheEntry, EngineError> {
        let (folder, watch) = (pending.dir(), MemoryWatch::begin());
        let summary = match stage {
            Stage::Validate => self.validate(&folder),
            Stage::Features => self.features(&folder),
            Stage::Train => self.train(&folder, &pending, reuse.partial, run),
            Stage::Calibrate => self.calibrate(&folder),
            Stage::Evaluate => self.evaluate(&folder),
            Stage::Gate => self.gate(&folder),
            Stage::Register | Stage::Promote => Ok(Summary::default()),
        }?;
        self.look(stage)?;
        let summary =
            serde_json::to_value(summary).expect("a fragment and named figures have a JSON form");
        Ok(pending.with_peak(watch.peak()).commit(summary)?)
    }

    fn validate(&mut self, folder: &Path) -> Result<Summary, EngineError> {
        let run = validate::run(&self.job.spec, &self.context.root, folder);
        let (dataset, report, summary) = run.map_err(EngineError::in_stage(Stage::Validate))?;
        self.keep(dataset, &report)?;
        Ok(summary)
    }

    fn features(&mut self, folder: &Path) -> Result<Summary, EngineError> {
        let spec = &self.job.spec;
        features::run(spec, self.dataset()?, folder).map_err(EngineError::in_stage(Stage::Features))
    }

    fn calibrate(&mut self, folder: &Path) -> Result<Summary, EngineError> {
        let (spec, data) = (&self.job.spec, self.data_digests());
        let (features, train) = (
            self.entry(Stage::Features).dir(),
            self.entry(Stage::Train).dir(),
        );
        calibrate::run(
            spec,
            self.dataset()?,
            data.train,
            [&features, &train],
            folder,
        )
        .map_err(EngineError::in_stage(Stage::Calibrate))
    }

    fn evaluate(&mut self, folder: &Path) -> Result<Summary, EngineError> {
        let (spec, data, bundle) = (&self.job.spec, self.data_digests(), self.bundle()?);
        let train = self.entry(Stage::Train).dir();
        evaluate::run(spec, self.dataset()?, data, &bundle, [&train, folder])
            .map_err(EngineError::in_stage(Stage::Evaluate))
    }

    fn gate(&mut self, folder: &Path) -> Result<Summary, EngineError> {
        let bundle = self
            .bundle_digest()
            .expect("the gates stand behind the bundle");
        let rival = self.rival()?;
        let evaluate = self.entry(Stage::Evaluate).dir();
        gate::run(&self.job.spec, bundle, &rival, [&evaluate, folder])
            .map_err(EngineError::in_stage(Stage::Gate))
    }

    /// Returns whom to judge against. Where it was judged under another protocol and there is a test part or a holdout, it is
    /// scored again as the challenger was; out of fold that would flatter it, because it learnt from these units.
    fn rival(&mut self) -> Result<Rival, EngineError> {
        let in_stage = EngineError::in_stage(Stage::Gate);
        let model = self.model()?.expect("the gates stand behind the scores");
        let version = match self.storeroom.holder(model)? {
            AliasHolder::Nobody => return Ok(Rival::Nobody),
            AliasHolder::Itself(version) => return Ok(Rival::Itself(version.version)),
            AliasHolder::Version(version) => version,
        };
        let registered = self.storeroom.defender(&version)?;
        let card: Scorecard =
            read_json(&self.entry(Stage::Evaluate).path(SCORECARD)).map_err(&in_stage)?;
        let same = registered.scorecard.protocol_digest == card.protocol_digest;
        if same || card.protocol.part == Part::OutOfFold || version.bundle == model.bundle {
            return Ok(Rival::Champion(Box::new(registered)));
        }
        let bundle = open_version(self.context, &self.storeroom.registry, &version)?;
        let (spec, protocol, baseline) = (
            &self.job.spec,
            card.protocol.clone(),
            card.baseline.prediction,
        );
        let (scorecard, predictions) =
            score_on_unseen(spec, self.dataset()?, protocol, &bundle, baseline)
                .map_err(&in_stage)?;
        Ok(Rival::Champion(Box::new(Defender {
            scorecard,
            predictions,
            ..registered
        })))
    }

    fn register(&mut self, run: &str) -> Result<Summary, EngineError> {
        self.confirm_inputs()?;
        let in_stage = EngineError::in_stage(Stage::Register);
        let evaluate = self.entry(Stage::Evaluate);
        let new = NewVersion {
            model: self.storeroom.model.clone(),
            bundle: self
                .bundle_digest()
                .expect("a version stands behind its bundle"),
            files: NewFile::read_folder(&self.entry(Stage::Calibrate).path(BUNDLE))?,
            scorecard: read_json(&evaluate.path(SCORECARD)).map_err(&in_stage)?,
            predictions: read_json(&evaluate.path(PREDICTIONS)).map_err(&in_stage)?,
            report: Some(self.gate_report()?),
            origin: self.origin(run),
        };
        let registered = self
            .storeroom
            .registry
            .register(&new, &self.context.stamp())?;
        let (model, version) = (registered.version.model, registered.version.version);
        Ok(Summary::new(format!("{model} v{version}")).figure("version", version))
    }

    fn promote(&mut self) -> Result<Summary, EngineError> {
        let model = self.model()?.expect("a promotion stands behind the scores");
        let version = self
            .storeroom
            .version_of(model)?
            .expect("the stage before registered the model");
        let report = self.gate_report()?;
        self.tell_of_losses()?;
        let promotion = Promotion {
            model: self.storeroom.model.clone(),
            version: version.version,
            alias: self.storeroom.alias.clone(),
            reason: self.reason(&report),
            consent: Consent::Gates(Box::new(report)),
            policy: self.storeroom.policy,
        };
        let moved = self
            .storeroom
            .registry
            .promote(&promotion, &self.context.stamp())?;
        self.judge_champion();
        if moved.entry.is_none() {
            return Ok(
                Summary::new(format!("v{} is {} already", moved.to, moved.alias))
                    .figure("version", moved.to),
            );
        }
        let before = moved
            .from
            .map_or("first".to_owned(), |from| format!("was v{from}"));
        Ok(
            Summary::new(format!("v{} is now {} ({before})", moved.to, moved.alias))
                .figure("version", moved.to),
        )
    }

    /// Warns of units and rows that the champion learnt from and this model did not. The night job has looked before.
    fn tell_of_losses(&mut self) -> Result<(), EngineError> {
        let Some(champion) = self.storeroom.champion()?.filter(|_| self.night.is_none()) else {
            return Ok(());
        };
        if champion.origin.data == self.data_digests().train {
            return Ok(());
        }
        let reporter = self.context.reporter.clone();
        let bundle = match open_version(self.context, &self.storeroom.registry, &champion) {
            Ok(bundle) => bundle,
            Err(error) => {
                let number = champion.version;
                reporter.warn(format!(
                    "v{number} cannot be opened, so its training data were not compared: {error}"
                ));
                return Ok(());
            }
        };
        let (changes, _) = changes_since(&bundle, self.dataset()?);
        if changes.has_losses() {
            let (number, alias, losses) =
                (champion.version, &self.storeroom.alias, changes.losses());
            reporter.warn(format!(
                "the new {alias} learnt from less than v{number} did: {losses}"
            ));
        }
        Ok(())
    }

    /// Judges the model once more, now that it is the champion: the next run finds that in the cache and has nothing to do. The
    /// report that allowed the promotion stays the one of this run.
    fn judge_champion(&mut self) {
        let allowed_by = self.entry(Stage::Gate).clone();
        if let Err(error) = self.compute(Stage::Gate, Reuse::default(), "") {
            self.context.reporter.warn(format!(
                "the next run will judge the champion again: {error}"
            ));
        }
        self.entries.insert(Stage::Gate, allowed_by);
    }

    /// Returns why the alias moves, for the log.
    fn reason(&self, report: &GateReport) -> String {
        match (&self.night, report.reasons(Verdict::Pass)) {
            (None, _) => format!("pipeline {} passed its gates", self.job.spec.project.name),
            (Some(night), reasons) if reasons.is_empty() => night.clone(),
            (Some(night), reasons) => format!("{night}; {reasons}"),
        }
    }

    /// Returns what the gates made of the bundle.
    pub(super) fn gate_report(&self) -> Result<GateReport, EngineError> {
        read_json(&self.entry(Stage::Gate).path(gate::REPORT))
            .map_err(EngineError::in_stage(Stage::Gate))
    }

    fn origin(&self, run: &str) -> VersionOrigin {
        let spec = &self.job.spec;
        VersionOrigin {
            kind: spec.model.kind().to_owned(),
            data: self.data_digests().train,
            pipeline: spec.project.name.clone(),
            run: run.to_owned(),
            seed: spec.project.seed,
            created: self.context.stamp().time,
        }
    }
}

/// Returns what a stage said when it ended; an unreadable summary costs only its text.
pub(super) fn summary_of(entry: &CacheEntry) -> Summary {
    serde_json::from_value(entry.summary().clone()).unwrap_or_default()
}
