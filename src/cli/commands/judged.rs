//! `gate` and `run`: run a pipeline, write reports for CI and send notifications.

use super::pipeline::show;
use crate::cli::args::JudgedArgs;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::gate_reports::{self, Repository};
use crate::cli::ui::{Ui, warn};
use crate::cli::{settings, ui};
use pdm_core::codes::{Code, unmarked};
use pdm_engine::config::Stage;
use pdm_engine::engine::{self, Context, Job, Outcome};
use pdm_tracking::notify::{self, Notice, NotifyOptions, Occasion};

/// Runs the pipeline up to a stage and shows the outcome; reports are written in any case.
pub(super) fn run(args: &JudgedArgs, until: Stage, ui: &Ui) -> Result<Exit, CliError> {
    gate_reports::check(&args.report, ui)?;
    let resolve = if until == Stage::Promote {
        settings::resolve_to_run
    } else {
        settings::resolve_file
    };
    let (context, mut job) = resolve(&args.stage.pipeline, ui).inspect_err(|error| {
        // The error itself is more important than one about its report.
        warn_of(report_unread(args, error, ui));
    })?;
    let outputs = gate_reports::outputs(&args.report, args.overwrite || args.stage.force);
    outputs.reads_pipeline(&context, &job).check(ui)?;
    if let Some(verdict) = args.when_no_champion {
        let comparing = job.spec.gates.iter_mut().filter(|gate| gate.compares());
        comparing.for_each(|gate| gate.when_no_champion = verdict.into());
    }
    if args.notify {
        require_receiver(&job.spec.notify, ui)?;
    }
    let result =
        engine::bring_up(&context, &job, until, args.stage.reuse()).map_err(CliError::from);
    if let Ok(outcome) = &result {
        ui.watch.outcome(outcome);
    }
    let exit = result
        .as_ref()
        .map(|outcome| show(outcome, &job, until, ui));
    let reported = report(args, &context, &job, &result, ui);
    if args.notify {
        notify_of_result(&context, &job, &result);
    }
    match exit {
        // A verdict that stops a job is more important than its report.
        Ok(Ok(Exit::Done)) => reported.map(|()| Exit::Done),
        Ok(exit) => {
            warn_of(reported);
            exit
        }
        Err(_) => {
            warn_of(reported);
            result.map(|_| Exit::Failed)
        }
    }
}

/// Reports a pipeline that cannot be read. The files it extends are unknown, so only earlier reports are overwritten, even
/// with `--force`.
fn report_unread(args: &JudgedArgs, error: &CliError, ui: &Ui) -> Result<(), CliError> {
    let outputs = gate_reports::outputs(&args.report, false);
    outputs
        .reads_pipeline_file(args.stage.pipeline.pipeline.as_deref())
        .check(ui)?;
    gate_reports::write(
        &args.report,
        &gate_reports::unread(&args.stage.pipeline, error),
        ui,
    )
}

fn report(
    args: &JudgedArgs,
    context: &Context,
    job: &Job,
    result: &Result<Outcome, CliError>,
    ui: &Ui,
) -> Result<(), CliError> {
    if args.report.is_empty() {
        return Ok(());
    }
    let judgement = gate_reports::judgement(job, result, &Repository::of(&context.root))?;
    gate_reports::write(&args.report, &judgement, ui)
}

/// Sends the notification for a result. Work that was interrupted by a person is not reported.
fn notify_of_result(context: &Context, job: &Job, result: &Result<Outcome, CliError>) {
    match result {
        Ok(outcome) => send(&job.spec.notify, &engine::notice(outcome), context),
        Err(error) => notify_of_error(&job.spec.notify, context, job, error),
    }
}

/// Sends the notification for work that failed, unless a person interrupted it.
pub(super) fn notify_of_error(
    to: &[NotifyOptions],
    context: &Context,
    job: &Job,
    error: &CliError,
) {
    if !matches!(error.exit(), Exit::Interrupted | Exit::Terminated) {
        let name = &job.spec.project.name;
        send(
            to,
            &engine::notice_of_error(name, occasion(error.exit()), &error.render(false)),
            context,
        );
    }
}

/// Warns that `--notify` has no receiver; with `--strict` this is an error.
///
/// # Errors
/// There is no receiver, and `--strict` was given.
pub(super) fn require_receiver(to: &[NotifyOptions], ui: &Ui) -> Result<(), CliError> {
    if !to.is_empty() {
        return Ok(());
    }
    let what = "`--notify` has no effect: the pipeline has no [[notify]]";
    if ui.is_strict() {
        let error = CliError::new(Code::Strict, format!("--strict: {what}"));
        return Err(error.hint("add [[notify]], or remove `--notify`"));
    }
    warn(what);
    Ok(())
}

/// Sends a notification; a receiver that cannot be reached is a warning.
pub(super) fn send(to: &[NotifyOptions], notice: &Notice, context: &Context) {
    for problem in notify::send(to, notice, &context.variable) {
        warn(&problem.in_one_line());
    }
}

/// A promotion that is judged again may end with an error of the registry.
fn occasion(exit: Exit) -> Occasion {
    match exit {
        Exit::GateRefused => Occasion::Refused,
        Exit::GateUndecided => Occasion::Undecided,
        _ => Occasion::Failure,
    }
}

fn warn_of(written: Result<(), CliError>) {
    if let Err(error) = written {
        ui::warn(unmarked(&error.render(false)));
    }
}
