//! `train`, `evaluate` and their like: bring the pipeline up to a stage.

use crate::cli::args::{EvaluateArgs, StageArgs};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::ui::Ui;
use crate::cli::{outcome, settings};
use crate::codes::Code;
use crate::engine::{self, Outcome, Turn};
use crate::pipeline::Stage;
use crate::report::PredictionSheet;
use crate::scoring::Verdict;

/// Brings the pipeline up to a stage and shows what came of it.
pub(super) fn run(args: &StageArgs, until: Stage, ui: &Ui) -> Result<Exit, CliError> {
    let (outcome, _turn) = bring_up(args, until, ui)?;
    show(&outcome, until, ui)
}

/// Scores the model, and writes the predictions where asked.
pub(super) fn evaluate(args: &EvaluateArgs, ui: &Ui) -> Result<Exit, CliError> {
    let (outcome, _turn) = bring_up(&args.stage, Stage::Evaluate, ui)?;
    if let Some(path) = &args.predictions {
        let predictions = outcome.predictions()?;
        let truth_cap = outcome.scores.as_ref().map(|scores| scores.scorecard.protocol.clip.upper);
        PredictionSheet { truth_cap, ..PredictionSheet::of(&predictions) }.write(path)?;
    }
    show(&outcome, Stage::Evaluate, ui)
}

/// Brings the pipeline up to a stage; until the turn is dropped, nobody removes what the outcome names.
fn bring_up(args: &StageArgs, until: Stage, ui: &Ui) -> Result<(Outcome, Turn), CliError> {
    let (context, job) = settings::resolve(&args.pipeline, ui)?;
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
