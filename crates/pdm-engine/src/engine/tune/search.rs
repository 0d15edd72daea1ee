//! Runs a search from its beginning to the written file.

use std::path::PathBuf;
use std::time::Instant;

use super::TuneError;
use super::outcome::{Confirmation, EdgeRow, Ended, TrialRow, Tuned};
use super::study::Study;
use super::winner;
use crate::config::Stage;
use crate::engine::provide::provide_data;
use crate::engine::provision::provision;
use crate::engine::record::RunRecord;
use crate::engine::{Context, EngineError, Job};
use crate::pipeline::validate;
use pdm_core::content::Digest;
use pdm_core::events::{Event, Reporter};
use pdm_core::scoring::{UnitLoss, loss_of, standard_error_of_difference, value_of};
use pdm_models::data::{Role, ValidDataset};
use pdm_models::tune::{Choice, RankedTrial, Trial, TrialEnding};

/// Name of the search in the events of stages.
const TUNE: &str = "tune";

/// What a search needs in addition to the pipeline.
#[derive(Debug, Clone)]
pub struct TuneRequest {
    /// What the command line set in the pipeline file, `KEY=VALUE`.
    pub set: Vec<String>,
    /// Where the tuned file goes.
    pub output: PathBuf,
    /// Whether to delete the results of earlier trials.
    pub fresh: bool,
}

/// Searches what the pipeline's `[tune]` names, chooses a trial, and writes the user's file with its values.
///
/// # Errors
/// The data are not valid, no trial could be scored, the journal or the file cannot be written, or a signal came; the
/// trials that are done are kept.
pub fn tune(context: &Context, job: &Job, request: &TuneRequest) -> Result<Tuned, EngineError> {
    let mut record = RunRecord::new(context, job);
    let result = search(context, job, request, &record);
    record.close(&result, || None);
    result
}

fn search(
    context: &Context,
    job: &Job,
    request: &TuneRequest,
    record: &RunRecord<'_>,
) -> Result<Tuned, EngineError> {
    let _project = context.lock_project()?;
    provision(context, job)?;
    provide_data(context, job)?;
    let (dataset, training_data) = read(context, job)?;
    let mut study = Study::open(context, job, &dataset, training_data, request.fresh)?;
    record.begin();
    let reporter = record.reporter();
    let started = Instant::now();
    reporter.emit(Event::StageStarted {
        stage: TUNE.to_owned(),
        why: format!(
            "study {}, {} trials done before",
            study.digest.short(),
            study.found.trials.len()
        ),
    });
    let mut tuned =
        run_study(&mut study, job, request, &reporter).map_err(|error| stopped(error, &study))?;
    let chosen = study
        .spec_of(&study.found.trials[tuned.chosen])
        .expect("the pipeline of a complete trial was made before");
    winner::write(context, job, request, &tuned, &chosen)?;
    tuned.run = record.id();
    let summary = format!("trial {} of {}", tuned.chosen, tuned.trials.len());
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    reporter.emit(Event::StageFinished {
        stage: TUNE.to_owned(),
        summary,
        elapsed_ms,
    });
    report_outcome(&tuned, &reporter);
    Ok(tuned)
}

/// Reads the data and the digest of its training part.
fn read(context: &Context, job: &Job) -> Result<(ValidDataset, Digest), EngineError> {
    let loaded = validate::load(&job.spec, &context.root);
    let (dataset, report) = loaded.map_err(EngineError::in_stage(Stage::Validate))?;
    let train = report
        .files
        .iter()
        .find(|file| file.role == Role::Train)
        .map(|file| file.sha256);
    Ok((
        dataset,
        train.expect("a data set is not read without its training part"),
    ))
}

fn run_study(
    study: &mut Study<'_>,
    job: &Job,
    request: &TuneRequest,
    reporter: &Reporter,
) -> Result<Tuned, EngineError> {
    study.search(|study, trial| report_trial(study, trial, reporter))?;
    let (choice, ranked) = study.choose()?;
    let confirmed = confirm(study, choice.chosen)?;
    Ok(outcome(study, job, request, choice, &ranked, confirmed))
}

fn report_trial(study: &Study<'_>, trial: &Trial, reporter: &Reporter) {
    let metric = study.options.metric;
    if let Some(value) = trial.value(metric)
        && trial.is_complete()
    {
        reporter.metric(format!("tune/{metric}"), trial.number as u64, value);
    }
    if let TrialEnding::Failed { why } = &trial.ending {
        reporter.warn(format!("trial {} failed: {why}", trial.number));
    }
}

fn report_outcome(tuned: &Tuned, reporter: &Reporter) {
    let tag = |key: &str, value: String| {
        reporter.emit(Event::Tag {
            key: key.to_owned(),
            value,
        })
    };
    tag("tune.study", tuned.study.to_string());
    tag("tune.best", tuned.best.to_string());
    tag("tune.chosen", tuned.chosen.to_string());
    let values = tuned
        .trial(tuned.chosen)
        .map(|row| serde_json::Value::from(row.values.clone()).to_string());
    tag("tune.values", values.unwrap_or_default());
    for (i, again) in tuned.confirmed.iter().enumerate() {
        reporter.metric(
            format!("tune/again/{}", tuned.metric),
            i as u64,
            again.chosen,
        );
    }
    reporter.emit(Event::Artifact {
        name: "tuned.toml".to_owned(),
        path: tuned.output.clone(),
    });
}

/// Scores the choice and the file again, each time on new folds.
fn confirm(study: &mut Study<'_>, chosen: usize) -> Result<Vec<Confirmation>, EngineError> {
    let metric = study.options.metric;
    let mut confirmed = Vec::new();
    for repeat in 0..study.options.confirm {
        let Some(ours) = study.score_again(chosen, repeat)? else {
            continue;
        };
        let file = if chosen == 0 {
            None
        } else {
            study.score_again(0, repeat)?
        };
        let error = |theirs: &Vec<UnitLoss>| {
            let ours: Vec<_> = ours.iter().collect();
            let theirs: Vec<_> = theirs.iter().collect();
            standard_error_of_difference(metric, &ours, &theirs)
        };
        confirmed.push(Confirmation {
            chosen: value_of(metric, &ours),
            file: file.as_ref().map(|file| value_of(metric, file)),
            difference: file
                .as_ref()
                .map(|file| loss_of(metric, &ours) - loss_of(metric, file)),
            standard_error: file.as_ref().map(error),
        });
    }
    Ok(confirmed)
}

fn outcome(
    study: &Study<'_>,
    job: &Job,
    request: &TuneRequest,
    choice: Choice,
    ranked: &[RankedTrial],
    confirmed: Vec<Confirmation>,
) -> Tuned {
    let simpler = study
        .space
        .dimensions()
        .iter()
        .filter(|dimension| dimension.simpler.is_some());
    Tuned {
        pipeline: job.spec.project.name.clone(),
        file: job.label.clone(),
        study: study.digest,
        run: None,
        method: study.options.method,
        metric: study.options.metric,
        trials: study
            .found
            .trials
            .iter()
            .map(|trial| row(study, trial, ranked))
            .collect(),
        exhausted: study.found.exhausted,
        best: choice.best,
        chosen: choice.chosen,
        rule: study.options.choose,
        within: choice.within,
        simpler_by: simpler.map(|dimension| dimension.key.clone()).collect(),
        confirmed,
        at_edge: at_edge(study, choice),
        output: request.output.clone(),
    }
}

/// Returns the values of the chosen trial, and of the best where that is another, that are at an end of their range.
fn at_edge(study: &Study<'_>, choice: Choice) -> Vec<EdgeRow> {
    let mut trials = vec![choice.chosen];
    if choice.best != choice.chosen {
        trials.push(choice.best);
    }
    let mut rows = Vec::new();
    for trial in trials {
        for edge in study.space.at_edge(&study.found.trials[trial].values) {
            rows.push(EdgeRow { trial, edge });
        }
    }
    rows
}

fn row(study: &Study<'_>, trial: &Trial, ranked: &[RankedTrial]) -> TrialRow {
    let rank = ranked.iter().find(|rank| rank.number == trial.number);
    let (ended, why) = match &trial.ending {
        TrialEnding::Complete => (Ended::Complete, None),
        TrialEnding::Pruned => (Ended::Pruned, None),
        TrialEnding::Failed { why } => (Ended::Failed, Some(why.clone())),
    };
    TrialRow {
        number: trial.number,
        ended,
        why,
        folds: trial.folds.len(),
        value: trial.value(study.options.metric),
        difference: rank.map(|rank| rank.difference),
        standard_error: rank.map(|rank| rank.standard_error),
        within: rank.is_some_and(|rank| rank.within),
        model_bytes: study.found.sizes.get(&trial.number).copied(),
        values: trial.values.clone(),
    }
}

/// Returns the error of a search; for a signal, with the number of trials done.
fn stopped(error: EngineError, study: &Study<'_>) -> EngineError {
    match error.interrupted() {
        Some(source) => TuneError::Interrupted {
            done: study.found.trials.len(),
            most: study.most(),
            source,
        }
        .into(),
        None => error,
    }
}
