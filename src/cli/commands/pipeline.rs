//! `train`, `evaluate` and their like: bring the pipeline up to a stage.

use serde::Serialize;

use super::runs::compare::part_text;
use crate::cli::args::{EvaluateArgs, StageArgs};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::ui::{Ui, warn};
use crate::cli::{outcome, settings};
use crate::codes::Code;
use crate::engine::{self, Against, Opponent, Outcome, Turn};
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
    let Some(reference) = &args.against else {
        let (outcome, _turn) = bring_up(&args.stage, Stage::Evaluate, ui)?;
        write_predictions(args, &outcome)?;
        return show(&outcome, Stage::Evaluate, ui);
    };
    let (context, job) = settings::resolve(&args.stage.pipeline, ui)?;
    // Found before anything runs: a typo costs no training.
    let opponent = Opponent::find(&context, &job, reference)?;
    let _turn = context.turn()?;
    let outcome = engine::bring_up(&context, &job, Stage::Evaluate, args.stage.reuse())?;
    ui.watch.outcome(&outcome);
    write_predictions(args, &outcome)?;
    let against = opponent.compare(&context, &job, &outcome)?;
    let evaluated = Evaluated { outcome: &outcome, against: &against };
    ui.show(&evaluated, || format!("{}\n\n{}", outcome::text(&outcome, Stage::Evaluate), against_text(&against)))?;
    Ok(exit_of(&against, ui))
}

/// An outcome beside another model.
#[derive(Serialize)]
struct Evaluated<'a> {
    #[serde(flatten)]
    outcome: &'a Outcome,
    against: &'a Against,
}

fn write_predictions(args: &EvaluateArgs, outcome: &Outcome) -> Result<(), CliError> {
    if let Some(path) = &args.predictions {
        let predictions = outcome.predictions()?;
        let truth_cap = outcome.scores.as_ref().map(|scores| scores.scorecard.protocol.clip.upper);
        PredictionSheet { truth_cap, ..PredictionSheet::of(&predictions) }.write(path)?;
    }
    Ok(())
}

fn against_text(against: &Against) -> String {
    let parts = against.parts.iter().map(|part| part_text(part, &against.reference, "this"));
    let heading = format!("against {}", against.name);
    std::iter::once(heading).chain(parts).collect::<Vec<_>>().join("\n\n")
}

/// Returns the exit of a comparison: one that was asked for and came to nothing is no success.
fn exit_of(against: &Against, ui: &Ui) -> Exit {
    if against.is_any_compared() {
        return Exit::Done;
    }
    let name = &against.name;
    let (code, why) = if against.is_any_unlike() {
        let remedy = "score it under this one: name its bundle folder, or run its pipeline again";
        (Code::UnlikeProtocols, format!("{name} was scored under another protocol; {remedy}"))
    } else {
        (Code::NothingCompared, format!("{name} keeps no scores of the same part"))
    };
    // The document on standard output says the rest, so this is no second one.
    warn(&format!("[{code}] nothing is compared: {why}"));
    ui.more(&[code]);
    code.into()
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
