//! `retrain`: the night job.

use std::path::Path;
use std::time::Instant;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::judged;
use crate::cli::args::RetrainArgs;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::outputs::{self, Outputs};
use crate::cli::ui::Ui;
use crate::cli::{night, settings, ui};
use crate::codes::Code;
use crate::engine::{self, Context, Job, NightResult, Retrained};
use crate::report::Document;

pub(super) fn run(args: &RetrainArgs, ui: &Ui) -> Result<Exit, CliError> {
    let (context, job) = settings::resolve_file(&args.pipeline, ui)?;
    let outputs = Outputs::new(args.force).document("--summary", args.summary.as_deref(), Document::Summary);
    outputs.reads_pipeline(&context, &job).check(ui)?;
    let when = match args.when.as_slice() {
        [] => job.spec.retrain.clone().unwrap_or_default().when,
        named => named.to_vec(),
    };
    let notify = if args.notify { job.spec.notify.as_slice() } else { &[] };
    if args.notify && notify.is_empty() {
        let what = "`--notify` tells nobody: the pipeline has no [[notify]]";
        if ui.is_strict() {
            return Err(CliError::new(Code::Strict, format!("--strict: {what}"))
                .hint("add [[notify]], or leave `--notify` out"));
        }
        ui::warn(what);
    }
    let started = Instant::now();
    match engine::retrain(&context, &job, &when) {
        Ok(retrained) => {
            ui.watch.night(&retrained);
            let exit = told(&retrained, args, ui);
            judged::send(notify, &engine::notice_of_night(&retrained, night::line(&retrained)), &context);
            exit
        }
        Err(error) => {
            let (error, elapsed) = (CliError::from(error), started.elapsed());
            let summary = failure(&error, &context, &job, u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX));
            write(args.summary.as_deref(), &summary)?;
            ui::line(&night::failed_line(&summary));
            judged::tell_of_error(notify, &context, &job, &error);
            Err(error)
        }
    }
}

fn told(retrained: &Retrained, args: &RetrainArgs, ui: &Ui) -> Result<Exit, CliError> {
    let exit = match retrained.result {
        NightResult::Refused => Exit::GateRefused,
        NightResult::Undecided => Exit::GateUndecided,
        NightResult::Nothing | NightResult::Promoted | NightResult::Kept => Exit::Done,
    };
    let summary = Summary { retrained, exit: exit as u8 };
    write(args.summary.as_deref(), &summary)?;
    if ui.is_for_people() {
        return ui.text(&night::text(retrained)).map(|()| exit);
    }
    ui.show(&summary, String::new)?;
    ui::line(&night::line(retrained));
    Ok(exit)
}

/// What is written for programs: what came of the night, and the exit code. The one value that notifications are made of.
#[derive(Serialize)]
struct Summary<'a> {
    #[serde(flatten)]
    retrained: &'a Retrained,
    exit: u8,
}

/// What is written of a night that failed, in the same words.
fn failure(error: &CliError, context: &Context, job: &Job, elapsed_ms: u64) -> Value {
    let mut summary = json!({
        "time": context.now.unwrap_or_else(Timestamp::now),
        "pipeline": job.spec.project.name,
        "file": job.label,
        "result": "failed",
        "exit": error.exit() as u8,
        "elapsed_ms": elapsed_ms,
    });
    let told = error.to_json();
    summary["why"] = told["message"].clone();
    summary["error"] = told;
    summary
}

fn write(path: Option<&Path>, summary: &impl Serialize) -> Result<(), CliError> {
    let Some(path) = path else { return Ok(()) };
    let text = serde_json::to_string_pretty(summary).map_err(CliError::output)? + "\n";
    outputs::write(path, text.as_bytes())
}
