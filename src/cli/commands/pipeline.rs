//! `train`, `evaluate` and similar commands: run the pipeline up to a stage.

use serde::Serialize;

use super::runs::compare::part_text;
use crate::cli::args::{EvaluateArgs, StageArgs};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::outputs::Outputs;
use crate::cli::ui::{Ui, warn};
use crate::cli::{outcome, settings};
use pdm_core::codes::Code;
use pdm_core::scoring::Verdict;
use pdm_engine::config::Stage;
use pdm_engine::engine::{self, Against, ComparedModel, Job, Outcome, ProjectLock};
use pdm_report::report::{KnownFile, PredictionSheet};

/// Runs the pipeline up to a stage and shows the outcome.
pub(super) fn run(args: &StageArgs, until: Stage, ui: &Ui) -> Result<Exit, CliError> {
    let (job, outcome, _turn) = bring_up(args, until, Outputs::default(), ui)?;
    show(&outcome, &job, until, ui)
}

/// Registers the pipeline's model whatever its gates say. Their verdict is shown but is not an error, as requested.
pub(super) fn register_refused(args: &StageArgs, ui: &Ui) -> Result<Exit, CliError> {
    let (context, job) = settings::resolve_file(&args.pipeline, ui)?;
    let _turn = context.lock_project()?;
    let outcome = engine::register_refused(&context, &job, args.reuse())?;
    ui.watch.outcome(&outcome);
    ui.show(&outcome, || outcome::text(&outcome, Stage::Register))?;
    if let Some(version) = &outcome.version {
        let (model, number) = (&version.model, version.version);
        ui.next(&format!(
            "pdm-ml promote {} --model {model}/{number} --force --reason TEXT",
            job.label
        ));
    }
    Ok(Exit::Done)
}

/// Scores the model, and writes the predictions if requested.
pub(super) fn evaluate(args: &EvaluateArgs, ui: &Ui) -> Result<Exit, CliError> {
    let Some(reference) = &args.against else {
        let (job, outcome, _turn) = bring_up(&args.stage, Stage::Evaluate, outputs_of(args), ui)?;
        write_predictions(args, &outcome)?;
        return show(&outcome, &job, Stage::Evaluate, ui);
    };
    let (context, job) = settings::resolve(&args.stage.pipeline, ui)?;
    outputs_of(args).reads_pipeline(&context, &job).check(ui)?;
    // Resolved before anything runs, so that a typo does not cost a training.
    let opponent = ComparedModel::find(&context, &job, reference)?;
    let _turn = context.lock_project()?;
    let outcome = engine::bring_up(&context, &job, Stage::Evaluate, args.stage.reuse())?;
    ui.watch.outcome(&outcome);
    write_predictions(args, &outcome)?;
    let against = opponent.compare(&context, &job, &outcome)?;
    let evaluated = Evaluated {
        outcome: &outcome,
        against: &against,
    };
    ui.show(&evaluated, || {
        format!(
            "{}\n\n{}",
            outcome::text(&outcome, Stage::Evaluate),
            against_text(&against)
        )
    })?;
    Ok(exit_of(&against, ui))
}

/// An outcome compared with another model.
#[derive(Serialize)]
struct Evaluated<'a> {
    #[serde(flatten)]
    outcome: &'a Outcome,
    against: &'a Against,
}

fn outputs_of(args: &EvaluateArgs) -> Outputs {
    let outputs = Outputs::with_overwrite(args.overwrite || args.stage.force);
    outputs.document(
        "--predictions",
        args.predictions.as_deref(),
        KnownFile::Predictions,
    )
}

fn write_predictions(args: &EvaluateArgs, outcome: &Outcome) -> Result<(), CliError> {
    if let Some(path) = &args.predictions {
        let predictions = outcome.predictions()?;
        let truth_cap = outcome
            .scores
            .as_ref()
            .map(|scores| scores.scorecard.protocol.clip.upper);
        PredictionSheet {
            truth_cap,
            ..PredictionSheet::of(&predictions)
        }
        .write(path)?;
    }
    Ok(())
}

fn against_text(against: &Against) -> String {
    let parts = against
        .parts
        .iter()
        .map(|part| part_text(part, "other", "this"));
    let heading = format!("against {}", against.name);
    std::iter::once(heading)
        .chain(parts)
        .collect::<Vec<_>>()
        .join("\n\n")
}

/// Returns the exit of a comparison: it is an error if nothing could be compared.
fn exit_of(against: &Against, ui: &Ui) -> Exit {
    if against.is_any_compared() {
        return Exit::Done;
    }
    let name = &against.name;
    let (code, why) = if against.is_any_unlike() {
        let remedy = "score it with this one: name its bundle folder, or run its pipeline again";
        (
            Code::UnlikeProtocols,
            format!("{name} was scored with another protocol; {remedy}"),
        )
    } else {
        (
            Code::NothingCompared,
            format!("{name} has no scores of the same part"),
        )
    };
    // The document on standard output is complete, so this is only a warning.
    warn(&format!("[{code}] nothing was compared: {why}"));
    ui.more(&[code]);
    code.into()
}

/// Runs the pipeline up to a stage; the files of the outcome are not removed while the project lock is held.
fn bring_up(
    args: &StageArgs,
    until: Stage,
    outputs: Outputs,
    ui: &Ui,
) -> Result<(Job, Outcome, ProjectLock), CliError> {
    let resolve = if until >= Stage::Gate {
        settings::resolve_file
    } else {
        settings::resolve
    };
    let (context, job) = resolve(&args.pipeline, ui)?;
    outputs.reads_pipeline(&context, &job).check(ui)?;
    let turn = context.lock_project()?;
    let outcome = engine::bring_up(&context, &job, until, args.reuse())?;
    ui.watch.outcome(&outcome);
    Ok((job, outcome, turn))
}

/// Shows the outcome of a run, and returns the exit of its verdict.
pub(super) fn show(outcome: &Outcome, job: &Job, until: Stage, ui: &Ui) -> Result<Exit, CliError> {
    ui.show(outcome, || outcome::text(outcome, until))?;
    let code = match outcome.gates.as_ref().map(|gates| gates.verdict) {
        Some(Verdict::Fail) => Some(Code::GateRefused),
        Some(Verdict::Undecided) => Some(Code::GateUndecided),
        Some(Verdict::Pass) | None => None,
    };
    let exit = code.map_or(Exit::Done, Exit::from);
    ui.more(code.as_slice());
    let file = settings::file_of(job);
    ui.next(&outcome::next(outcome, file, until, exit));
    Ok(exit)
}
