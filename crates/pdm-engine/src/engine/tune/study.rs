//! One search: its space, its folds, and the trials so far.

use std::collections::BTreeMap;
use std::error::Error;

use super::TuneError;
use super::journal::{Again, Journal, TuneJournalLine};
use crate::config::{PipelineSpec, Stage};
use crate::engine::{Context, EngineError, Job};
use crate::pipeline::StageError;
use crate::pipeline::trial::{CrossValidation, study_key};
use pdm_core::content::{Digest, digest_of};
use pdm_core::events::Reporter;
use pdm_core::scoring::UnitLoss;
use pdm_models::data::ValidDataset;
use pdm_models::train::{TrainError, derive_seed};
use pdm_models::tune::{
    Choice, RankedTrial, Sampler, SearchPoint, Space, Trial, TrialEnding, TuneOptions, choose,
    ranking,
};

/// Folder of the journals, in the state folder.
const FOLDER: &str = "studies";

/// One search: a space, how trials are judged, and the trials so far.
pub(super) struct Study<'s> {
    pub(super) digest: Digest,
    pub(super) options: &'s TuneOptions,
    pub(super) space: Space,
    pub(super) found: StudyResult,
    spec: &'s PipelineSpec,
    dataset: &'s ValidDataset,
    training_data: Digest,
    sampler: Sampler,
    own_folds: CrossValidation<'s>,
    journal: Journal,
    reporter: Reporter,
}

/// The results of a search.
#[derive(Debug, Default)]
pub(super) struct StudyResult {
    /// The trials, in order.
    pub(super) trials: Vec<Trial>,
    /// Sizes of models in bytes, by trial.
    pub(super) sizes: BTreeMap<usize, u64>,
    /// Whether there was nothing new to try.
    pub(super) exhausted: bool,
    again: Vec<Again>,
}

impl<'s> Study<'s> {
    /// Opens the search that a pipeline asks for, with the trials of its journal.
    pub(super) fn open(
        context: &Context,
        job: &'s Job,
        dataset: &'s ValidDataset,
        training_data: Digest,
        fresh: bool,
    ) -> Result<Self, EngineError> {
        let spec = &job.spec;
        let options = spec.tune.as_ref().ok_or(TuneError::NothingToSearch)?;
        let digest = digest_of(&study_key(spec, training_data, dataset.train().len()));
        let digest = digest.expect("a JSON value has a JSON form");
        let (journal, lines) = Journal::open(
            &context.state_folder(FOLDER),
            digest,
            &spec.project.name,
            fresh,
        )?;
        let own_folds = CrossValidation::assign(
            spec,
            dataset,
            training_data,
            options.metric,
            spec.project.seed,
        );
        let own_folds = own_folds.map_err(in_training)?;
        let space = spec.search_space();
        let sampler = Sampler::new(space.clone(), options);
        let mut study = Self {
            digest,
            options,
            space,
            spec,
            dataset,
            training_data,
            sampler,
            own_folds,
            journal,
            reporter: context.reporter.clone(),
            found: StudyResult::default(),
        };
        let last = lines.iter().filter_map(TuneJournalLine::trial).max();
        for line in lines {
            study.add(line);
        }
        study.warn_of_gap(last);
        Ok(study)
    }

    /// Warns of a trial that cannot be read: trials are used in the order of their numbers, so those after it are not used.
    fn warn_of_gap(&self, last: Option<usize>) {
        let next = self.found.trials.len();
        if last.is_some_and(|last| last >= next) && self.wants_more() {
            let journal = self.journal.path().display();
            self.reporter
                .warn(format!("trial {next} cannot be read from `{journal}`; it and the trials after it are run again"));
        }
    }

    /// Returns the most trials asked for, including the file as it is; none for a whole grid.
    pub(super) fn most(&self) -> Option<usize> {
        self.options.most_trials().map(|most| most + 1)
    }

    fn add(&mut self, line: TuneJournalLine) {
        match line {
            TuneJournalLine::Trial(trial)
                if trial.number == self.found.trials.len() && self.wants_more() =>
            {
                self.found.trials.push(trial);
            }
            TuneJournalLine::Size { trial, bytes } => {
                self.found.sizes.insert(trial, bytes);
            }
            TuneJournalLine::Again(again) => self.found.again.push(again),
            TuneJournalLine::Trial(_) | TuneJournalLine::Study { .. } => {}
        }
    }

    fn wants_more(&self) -> bool {
        self.most()
            .is_none_or(|most| self.found.trials.len() < most)
    }

    /// Runs the trials that are not done yet; `report` is called with every trial.
    pub(super) fn search(&mut self, report: impl Fn(&Self, &Trial)) -> Result<(), EngineError> {
        for trial in &self.found.trials {
            report(self, trial);
        }
        while self.wants_more() && !self.found.exhausted {
            self.show_progress();
            let Some(values) = self.next_values() else {
                self.found.exhausted = true;
                break;
            };
            let trial = self.run(values)?;
            self.journal
                .append(&TuneJournalLine::Trial(trial.clone()))?;
            report(self, &trial);
            self.found.trials.push(trial);
        }
        self.show_progress();
        Ok(())
    }

    fn next_values(&self) -> Option<SearchPoint> {
        let number = self.found.trials.len();
        if number == 0 {
            return Some(self.space.point_of(|key| self.spec.value_of(key)));
        }
        let seed = self.options.seed.unwrap_or(self.spec.project.seed);
        self.sampler.next(
            &self.found.trials,
            derive_seed(seed, &format!("tune/trial-{number}")),
        )
    }

    fn run(&self, values: SearchPoint) -> Result<Trial, EngineError> {
        let trial = Trial {
            number: self.found.trials.len(),
            values,
            folds: Vec::new(),
            ending: TrialEnding::Complete,
        };
        let spec = match self.spec_of(&trial) {
            Ok(spec) => spec,
            Err(why) => {
                return Ok(Trial {
                    ending: TrialEnding::Failed { why },
                    ..trial
                });
            }
        };
        let TuneOptions { prune, metric, .. } = self.options;
        let stops = |folds: &[Vec<UnitLoss>]| prune.stops(*metric, folds, &self.found.trials);
        let (folds, ending) = self.judge(&self.own_folds, &spec, "folds", stops)?;
        Ok(Trial {
            folds,
            ending,
            ..trial
        })
    }

    /// Judges a pipeline fold by fold, until `stops` returns true.
    fn judge(
        &self,
        on: &CrossValidation<'_>,
        spec: &PipelineSpec,
        task: &str,
        stops: impl Fn(&[Vec<UnitLoss>]) -> bool,
    ) -> Result<(Vec<Vec<UnitLoss>>, TrialEnding), EngineError> {
        let count = on.count();
        let mut folds = Vec::new();
        let mut ending = TrialEnding::Complete;
        while ending == TrialEnding::Complete && folds.len() < count {
            self.reporter
                .progress(task, folds.len() as u64, count as u64, "");
            match on.judge(spec, folds.len(), &self.reporter) {
                Ok(units) => folds.push(units),
                Err(error) if fails_the_trial(&error) => {
                    ending = TrialEnding::Failed {
                        why: in_one_line(&error),
                    };
                }
                Err(error) => return Err(in_training(error)),
            }
            if ending == TrialEnding::Complete && folds.len() < count && stops(&folds) {
                ending = TrialEnding::Pruned;
            }
        }
        self.reporter.progress(task, count as u64, count as u64, "");
        if matches!(ending, TrialEnding::Failed { .. }) {
            folds.clear();
        }
        Ok((folds, ending))
    }

    /// Returns the pipeline of a trial, or why there is none.
    pub(super) fn spec_of(&self, trial: &Trial) -> Result<PipelineSpec, String> {
        if trial.number == 0 {
            return Ok(PipelineSpec {
                tune: None,
                ..self.spec.clone()
            });
        }
        self.spec
            .with_values(&trial.values)
            .map_err(|problems| match problems.into_iter().next() {
                Some(problem) => format!("`{}` {}", problem.path, problem.message),
                None => String::new(),
            })
    }

    /// Chooses a trial; models are fitted where their size decides which is simpler.
    pub(super) fn choose(&mut self) -> Result<(Choice, Vec<RankedTrial>), EngineError> {
        let trials = std::mem::take(&mut self.found.trials);
        let ranking = ranking(self.options.metric, &trials);
        let space = self.space.clone();
        let rule = self.options.choose;
        let choice = choose(&space, &trials, &ranking, rule, |trial| self.size(trial));
        self.found.trials = trials;
        match choice? {
            Some(choice) => Ok((choice, ranking)),
            None => Err(self.none_complete().into()),
        }
    }

    fn none_complete(&self) -> TuneError {
        let why = |trial: &Trial| match &trial.ending {
            TrialEnding::Failed { why } => why.clone(),
            TrialEnding::Complete | TrialEnding::Pruned => String::new(),
        };
        TuneError::NoneComplete {
            trials: self.found.trials.len(),
            first: self.found.trials.first().map(why).unwrap_or_default(),
        }
    }

    fn size(&mut self, trial: &Trial) -> Result<u64, EngineError> {
        if let Some(bytes) = self.found.sizes.get(&trial.number) {
            return Ok(*bytes);
        }
        let spec = self
            .spec_of(trial)
            .expect("the pipeline of a complete trial was made before");
        let bytes = self
            .own_folds
            .model_bytes(&spec, &self.reporter)
            .map_err(in_training)?;
        self.journal.append(&TuneJournalLine::Size {
            trial: trial.number,
            bytes,
        })?;
        self.found.sizes.insert(trial.number, bytes);
        Ok(bytes)
    }

    /// Scores a trial on folds, cuts and seeds that had no part in the choice; none where a fit fails there.
    pub(super) fn score_again(
        &mut self,
        number: usize,
        repeat: usize,
    ) -> Result<Option<Vec<UnitLoss>>, EngineError> {
        let known = self
            .found
            .again
            .iter()
            .find(|again| (again.trial, again.repeat) == (number, repeat));
        if let Some(again) = known {
            return Ok(Some(again.folds.concat()));
        }
        let Some(spec) = self
            .found
            .trials
            .get(number)
            .and_then(|trial| self.spec_of(trial).ok())
        else {
            return Ok(None);
        };
        let seed = derive_seed(self.spec.project.seed, &format!("tune/again-{repeat}"));
        let new_folds = CrossValidation::assign(
            self.spec,
            self.dataset,
            self.training_data,
            self.options.metric,
            seed,
        );
        let new_folds = new_folds.map_err(in_training)?;
        let (folds, ending) = self.judge(&new_folds, &spec, "score again", |_| false)?;
        if ending != TrialEnding::Complete {
            return Ok(None);
        }
        let again = Again {
            trial: number,
            repeat,
            folds,
        };
        self.journal
            .append(&TuneJournalLine::Again(again.clone()))?;
        let units = again.folds.concat();
        self.found.again.push(again);
        Ok(Some(units))
    }

    fn show_progress(&self) {
        let done = self.found.trials.len();
        let metric = self.options.metric;
        let complete = self.found.trials.iter().filter(|trial| trial.is_complete());
        let loss = |trial: &&Trial| trial.loss_after(metric, usize::MAX);
        let best = complete.min_by(|a, b| loss(a).total_cmp(&loss(b)));
        let mut note = String::new();
        if let Some(trial) = best
            && let Some(value) = trial.value(metric)
        {
            note = format!("best {metric} {value:.3} (trial {})", trial.number);
        }
        let total = match self.most() {
            _ if self.found.exhausted => done,
            Some(most) => most,
            None => done + 1,
        };
        self.reporter
            .progress("trials", done as u64, total as u64, note);
    }
}

fn in_training(error: StageError) -> EngineError {
    EngineError::in_stage(Stage::Train)(error)
}

/// Returns whether an error fails only the trial. A signal stops the search, and a leak is a bug in it.
fn fails_the_trial(error: &StageError) -> bool {
    match error {
        StageError::Train(TrainError::Interrupted(_) | TrainError::Leak { .. }) => false,
        StageError::Train(_) | StageError::Scoring(_) => true,
        _ => false,
    }
}

fn in_one_line(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", in_one_line(cause)),
        None => error.to_string(),
    }
}
