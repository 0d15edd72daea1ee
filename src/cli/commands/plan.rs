//! `plan`: what would run, and why.

use crate::cli::args::PlanArgs;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::outcome::seconds;
use crate::cli::settings;
use crate::cli::ui::Ui;
use crate::engine::{self, PlannedStage};
use crate::pipeline::Stage;
use crate::report::{Align, table};

pub(super) fn run(args: &PlanArgs, ui: &Ui) -> Result<Exit, CliError> {
    let (context, job) = settings::resolve(&args.pipeline, ui)?;
    let planned = engine::plan(&context, &job, Stage::Promote)?;
    ui.show(&planned, || text(&planned))?;
    let changes = planned.iter().any(|stage| stage.runs);
    Ok(if args.exit_code && changes { Exit::ChangesPending } else { Exit::Done })
}

fn text(planned: &[PlannedStage]) -> String {
    let header =
        [("stage", Align::Left), ("", Align::Left), ("key", Align::Left), ("last", Align::Right), ("why", Align::Left)];
    let rows = planned.iter().map(|stage| {
        let action = if stage.runs { "run" } else { "keep" };
        let key = stage.key.map(|key| key.short()).unwrap_or_default();
        let last = stage.last_elapsed_ms.map(seconds).unwrap_or_default();
        [stage.stage.to_string(), action.to_owned(), key, last, stage.why.clone()]
    });
    table(&header, rows)
}
