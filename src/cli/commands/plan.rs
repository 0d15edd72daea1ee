//! `plan`: show which stages would run, and why.

use crate::cli::args::PlanArgs;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::outcome::seconds;
use crate::cli::settings;
use crate::cli::ui::Ui;
use pdm_core::events::{size, span};
use pdm_engine::config::{BudgetOptions, Stage};
use pdm_engine::engine::{self, PlannedStage};
use pdm_report::report::{Align, table};

pub(super) fn run(args: &PlanArgs, ui: &Ui) -> Result<Exit, CliError> {
    let (context, job) = settings::resolve_to_look(&args.pipeline, ui)?;
    let planned = engine::plan(&context, &job, Stage::Promote)?;
    ui.show(&planned, || text(&planned, &job.spec.project.budget))?;
    Ok(
        match (
            planned.iter().any(|stage| stage.runs),
            planned.iter().any(|stage| stage.over_budget),
        ) {
            _ if !args.exit_code => Exit::Done,
            (_, true) => Exit::BudgetExceeded,
            (true, false) => Exit::ChangesPending,
            (false, false) => Exit::Done,
        },
    )
}

fn text(planned: &[PlannedStage], budget: &BudgetOptions) -> String {
    let training = planned
        .iter()
        .find(|stage| stage.stage == Stage::Train && stage.runs);
    let cost = training.map(|stage| format!("\n\n{}", cost(stage, budget)));
    let others = others(planned, budget).map(|line| format!("\n{line}"));
    format!(
        "{}{}{}",
        stages(planned),
        cost.unwrap_or_default(),
        others.collect::<String>()
    )
}

/// Returns the memory estimates of stages other than training, if there is a budget.
fn others<'p>(
    planned: &'p [PlannedStage],
    budget: &BudgetOptions,
) -> impl Iterator<Item = String> + use<'p> {
    let limit = budget.memory.map(|limit| limit.bytes());
    let known = planned
        .iter()
        .filter(|stage| stage.runs && stage.stage != Stage::Train);
    known
        .filter_map(move |stage| Some((stage, stage.memory_bytes?, limit?)))
        .map(|(stage, needed, limit)| format!("{}: {}", stage.stage, against(needed, limit)))
}

/// Returns an estimate and its budget.
fn against(needed: u64, limit: u64) -> String {
    if needed > limit {
        return format!(
            "about {} of memory, more than the budget of {}: the stage would not start",
            size(needed),
            size(limit)
        );
    }
    format!(
        "at most about {} of memory, budget {}",
        size(needed),
        size(limit)
    )
}

/// Returns the estimated cost of training, as far as it is known.
fn cost(training: &PlannedStage, budget: &BudgetOptions) -> String {
    let limit = budget.memory.map(|limit| limit.bytes());
    let memory = match (training.memory_bytes, limit) {
        (None, _) => "memory unknown until the features are fitted".to_owned(),
        (Some(needed), None) => format!("at most about {} of memory", size(needed)),
        (Some(needed), Some(limit)) => against(needed, limit),
    };
    let last = training.last_elapsed_ms.map(seconds);
    let time = last.map_or(
        "time unknown, no training recorded yet".to_owned(),
        |last| {
            let held = training
                .last_peak_bytes
                .map(|bytes| format!(" and {}", size(bytes)));
            format!("last training {last}{}", held.unwrap_or_default())
        },
    );
    let limit = budget
        .time
        .map(|limit| format!(", stopped after {}", span(limit.duration())));
    format!("train: {memory}; {time}{}", limit.unwrap_or_default())
}

fn stages(planned: &[PlannedStage]) -> String {
    let header = [
        ("stage", Align::Left),
        ("", Align::Left),
        ("key", Align::Left),
        ("last", Align::Right),
        ("memory", Align::Right),
        ("why", Align::Left),
    ];
    let rows = planned.iter().map(|stage| {
        let action = if stage.runs { "run" } else { "keep" };
        let key = stage.key.map(|key| key.short()).unwrap_or_default();
        let last = stage.last_elapsed_ms.map(seconds).unwrap_or_default();
        let memory = stage.last_peak_bytes.map(size).unwrap_or_default();
        [
            stage.stage.to_string(),
            action.to_owned(),
            key,
            last,
            memory,
            stage.why.clone(),
        ]
    });
    table(&header, rows)
}
