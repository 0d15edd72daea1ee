//! `retrain`: train, judge and promote a new model if there is a reason to.

use std::time::Instant;

use serde::Serialize;

use super::judged;
use crate::cli::args::RetrainArgs;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::outputs::Outputs;
use crate::cli::summary::MayReplace;
use crate::cli::ui::Ui;
use crate::cli::{retrain_text, settings, summary, ui};
use pdm_core::codes::Code;
use pdm_engine::engine::{self, RetrainResult, Retrained};
use pdm_report::report::KnownFile;

pub(super) fn run(args: &RetrainArgs, ui: &Ui) -> Result<Exit, CliError> {
    let started = Instant::now();
    let summary_file = args.summary.as_deref();
    let resolved = settings::resolve_file(&args.pipeline, ui).inspect_err(|error| {
        summary::failed_early(
            summary_file,
            args.pipeline.pipeline.as_deref(),
            error,
            started.elapsed(),
        );
    });
    let (context, job) = resolved?;
    let outputs =
        Outputs::new(args.force).document("--summary", args.summary.as_deref(), KnownFile::Summary);
    outputs.reads_pipeline(&context, &job).check(ui)?;
    let when = match args.when.as_slice() {
        [] => job.spec.retrain.clone().unwrap_or_default().when,
        named => named.to_vec(),
    };
    let notify = if args.notify {
        job.spec.notify.as_slice()
    } else {
        &[]
    };
    if args.notify && notify.is_empty() {
        let what = "`--notify` has no effect: the pipeline has no [[notify]]";
        if ui.is_strict() {
            return Err(CliError::new(Code::Strict, format!("--strict: {what}"))
                .hint("add [[notify]], or remove `--notify`"));
        }
        ui::warn(what);
    }
    let may_replace = if args.force {
        MayReplace::Anything
    } else {
        MayReplace::Summary
    };
    summary::begin(
        summary_file,
        may_replace,
        &job.spec.project.name,
        &job.label,
        context.now,
    );
    match engine::retrain(&context, &job, &when) {
        Ok(retrained) => {
            ui.watch.retrained(&retrained);
            let exit = show(&retrained, args, ui);
            judged::send(
                notify,
                &engine::notice_of_retrain(&retrained, retrain_text::line(&retrained)),
                &context,
            );
            exit
        }
        Err(error) => {
            let error = CliError::from(error);
            let (name, file) = (job.spec.project.name.as_str(), Some(job.label.as_str()));
            let failed = summary::failure(&error, name, file, context.now, started.elapsed());
            summary::write(summary_file, &failed)?;
            ui::line(&retrain_text::failed_line(&failed));
            judged::notify_of_error(notify, &context, &job, &error);
            Err(error)
        }
    }
}

fn show(retrained: &Retrained, args: &RetrainArgs, ui: &Ui) -> Result<Exit, CliError> {
    let exit = match retrained.result {
        RetrainResult::Refused => Exit::GateRefused,
        RetrainResult::Undecided => Exit::GateUndecided,
        RetrainResult::Nothing | RetrainResult::Promoted | RetrainResult::Kept => Exit::Done,
    };
    let summary = RetrainSummary {
        retrained,
        exit: exit as u8,
    };
    summary::write(args.summary.as_deref(), &summary)?;
    if ui.is_for_people() {
        return ui
            .text(&ui::fitted(|| retrain_text::text(retrained)))
            .map(|()| exit);
    }
    ui.show(&summary, String::new)?;
    ui::line(&retrain_text::line(retrained));
    Ok(exit)
}

/// The JSON output: the result and the exit code. Notifications are made from it too.
#[derive(Serialize)]
struct RetrainSummary<'a> {
    #[serde(flatten)]
    retrained: &'a Retrained,
    exit: u8,
}
