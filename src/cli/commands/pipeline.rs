//! `train`, `evaluate` and their like: bring the pipeline up to a stage.

use crate::cli::args::{EvaluateArgs, StageArgs};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::outputs::Outputs;
use crate::cli::ui::Ui;
use crate::cli::{outcome, settings};
use crate::codes::Code;
use crate::engine::{self, Outcome, Turn};
use crate::pipeline::Stage;
use crate::report::{self, Document};
use crate::scoring::Verdict;

/// Brings the pipeline up to a stage and shows what came of it.
pub(super) fn run(args: &StageArgs, until: Stage, ui: &Ui) -> Result<Exit, CliError> {
    let (outcome, _turn) = bring_up(args, until, Outputs::default(), ui)?;
    show(&outcome, until, ui)
}

/// Registers the pipeline's model whatever its gates say. What they say is shown, and is no failure: it was asked for.
pub(super) fn register_refused(args: &StageArgs, ui: &Ui) -> Result<Exit, CliError> {
    let (context, job) = settings::resolve_file(&args.pipeline, ui)?;
    let _turn = context.turn()?;
    let outcome = engine::register_refused(&context, &job, args.reuse())?;
    ui.watch.outcome(&outcome);
    ui.show(&outcome, || outcome::text(&outcome, Stage::Register))?;
    if let Some(version) = &outcome.version {
        let (model, number) = (&version.model, version.version);
        ui.next(&format!("pdm-ml promote {} --model {model}/{number} --force --reason TEXT", job.label));
    }
    Ok(Exit::Done)
}

/// Scores the model, and writes the predictions where asked.
pub(super) fn evaluate(args: &EvaluateArgs, ui: &Ui) -> Result<Exit, CliError> {
    let outputs = Outputs::with_overwrite(args.overwrite || args.stage.force);
    let outputs = outputs.document("--predictions", args.predictions.as_deref(), Document::Predictions);
    let (outcome, _turn) = bring_up(&args.stage, Stage::Evaluate, outputs, ui)?;
    if let Some(path) = &args.predictions {
        report::write_predictions(&outcome.predictions()?, path)?;
    }
    show(&outcome, Stage::Evaluate, ui)
}

/// Brings the pipeline up to a stage; until the turn is dropped, nobody removes what the outcome names.
fn bring_up(args: &StageArgs, until: Stage, outputs: Outputs, ui: &Ui) -> Result<(Outcome, Turn), CliError> {
    let resolve = if until >= Stage::Gate { settings::resolve_file } else { settings::resolve };
    let (context, job) = resolve(&args.pipeline, ui)?;
    outputs.reads_pipeline(&context, &job).check(ui)?;
    let turn = context.turn()?;
    let outcome = engine::bring_up(&context, &job, until, args.reuse())?;
    ui.watch.outcome(&outcome);
    Ok((outcome, turn))
}

/// Shows what came of a line, and returns the exit its verdict asks for.
pub(super) fn show(outcome: &Outcome, until: Stage, ui: &Ui) -> Result<Exit, CliError> {
    ui.show(outcome, || outcome::text(outcome, until))?;
    let code = match outcome.gates.as_ref().map(|gates| gates.verdict) {
        Some(Verdict::Fail) => Some(Code::GateRefused),
        Some(Verdict::Undecided) => Some(Code::GateUndecided),
        Some(Verdict::Pass) | None => None,
    };
    let exit = code.map_or(Exit::Done, Exit::from);
    ui.more(code.as_slice());
    ui.next(&outcome::next(outcome, until, exit));
    Ok(exit)
}
