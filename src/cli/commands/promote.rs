//! `promote`: promote the pipeline's own model, or a registered version.

use super::pipeline;
use crate::cli::args::{PromoteArgs, StageArgs};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::outcome;
use crate::cli::outputs::Outputs;
use crate::cli::settings;
use crate::cli::ui::Ui;
use pdm_core::scoring::Verdict;
use pdm_engine::config::Stage;
use pdm_engine::engine;
use pdm_store::registry::{ModelRef, RecordedRemark};

pub(super) fn run(args: &PromoteArgs, ui: &Ui) -> Result<Exit, CliError> {
    match &args.model {
        None => {
            let stage = StageArgs {
                pipeline: args.pipeline.clone(),
                ..Default::default()
            };
            pipeline::run(&stage, Stage::Promote, ui)
        }
        Some(reference) if args.approve => approve(args, &reference.parse()?, ui),
        Some(reference) => version(args, &reference.parse()?, ui),
    }
}

/// Approves a registered version; the gates are shown now, and checked again when it is promoted.
fn approve(args: &PromoteArgs, reference: &ModelRef, ui: &Ui) -> Result<Exit, CliError> {
    let (context, job) = settings::resolve_file(&args.pipeline, ui)?;
    Outputs::default()
        .reads_pipeline(&context, &job)
        .check(ui)?;
    let approval = engine::approve_version(&context, &job, reference, &args.reason)?;
    ui.show(&approval, || {
        let RecordedRemark { model, version, .. } = &approval.said;
        let by = approval.by.join(", ");
        format!(
            "{}\n\n{model} v{version} is approved for {} by {by}",
            outcome::gates(&approval.gates),
            approval.alias
        )
    })?;
    Ok(Exit::Done)
}

/// Judges a registered version by the pipeline's gates against the current version of the alias, and promotes it if they pass.
fn version(args: &PromoteArgs, reference: &ModelRef, ui: &Ui) -> Result<Exit, CliError> {
    let (context, job) = settings::resolve_file(&args.pipeline, ui)?;
    Outputs::default()
        .reads_pipeline(&context, &job)
        .check(ui)?;
    let promoted = engine::promote_version(&context, &job, reference, &args.reason, args.force)?;
    ui.watch.gates(&promoted.gates);
    ui.show(&promoted, || {
        let gates = outcome::gates(&promoted.gates);
        match &promoted.moved {
            Some(moved) => format!(
                "{gates}\n\n{} v{} is {}",
                moved.model, moved.to, moved.alias
            ),
            None => format!("{gates}\n\nnothing was promoted"),
        }
    })?;
    Ok(match promoted.gates.verdict {
        _ if promoted.moved.is_some() => Exit::Done,
        Verdict::Pass => Exit::Done,
        Verdict::Fail => Exit::GateRefused,
        Verdict::Undecided => Exit::GateUndecided,
    })
}
