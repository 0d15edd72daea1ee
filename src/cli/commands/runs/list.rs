//! `runs list`: recorded runs with their model, scores and overrides.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::open;
use crate::cli::args::RunsListArgs;
use crate::cli::error::CliError;
use crate::cli::ui::{self, Ui};
use pdm_core::scoring::Part;
use pdm_report::report::{Align, table};
use pdm_tracking::tracking::{ListedRun, ListedScore, RunFilter, RunListing};

pub(super) fn run(args: &RunsListArgs, ui: &Ui) -> Result<(), CliError> {
    let filter = RunFilter {
        since: args.since.map(|since| since.before(Timestamp::now())),
        status: args.status.iter().map(|status| (*status).into()).collect(),
        limit: args.limit,
    };
    let is_filtered = filter.since.is_some() || !filter.status.is_empty();
    let listing = open(&args.store, ui)?.listed(&filter)?;
    for run in &listing.unreadable {
        ui::warn(&format!("run {} cannot be read: {}", run.id, run.why));
    }
    ui.show(&listing, || text(&listing, is_filtered))
}

fn text(listing: &RunListing, is_filtered: bool) -> String {
    if listing.runs.is_empty() && listing.older == 0 {
        let none = if is_filtered {
            "no recorded run matches"
        } else {
            "no runs recorded yet"
        };
        return none.to_owned();
    }
    let runs: Vec<_> = listing.runs.iter().collect();
    let older = match listing.older {
        0 => String::new(),
        older => format!("\n… and {older} older; omit --limit to list all"),
    };
    format!("{}{older}", rows(&runs, None))
}

/// Returns runs as a table, optionally with the sizes of their folders.
pub(super) fn rows(runs: &[&ListedRun], sizes: Option<&[String]>) -> String {
    let mut header = vec![
        ("run", Align::Left),
        ("status", Align::Left),
        ("started (UTC)", Align::Left),
    ];
    if sizes.is_some() {
        header.push(("size", Align::Right));
    }
    header.extend([
        ("pipeline", Align::Left),
        ("model", Align::Left),
        ("rmse out of fold", Align::Right),
        ("rmse judged", Align::Right),
        ("--set", Align::Left),
    ]);
    let rows = runs.iter().enumerate().map(|(at, run)| {
        let started = TimeZone::UTC.to_datetime(run.summary.header.started);
        let mut row = vec![
            run.summary.short.clone(),
            run.summary.status.word().to_owned(),
            started.strftime("%Y-%m-%d %H:%M").to_string(),
        ];
        row.extend(sizes.and_then(|sizes| sizes.get(at)).cloned());
        row.extend([
            run.summary.header.pipeline.clone(),
            run.model.model.clone().unwrap_or_default(),
            run.model
                .score_out_of_fold
                .map(|score| score.metric.figure(score.value))
                .unwrap_or_default(),
            run.model.score.map(judged).unwrap_or_default(),
            run.model.set.join(" "),
        ]);
        row
    });
    table(&header, rows)
}

/// Returns the score that gates judge, with its part; nothing if it is the out-of-fold score, which has its own column.
fn judged(score: ListedScore) -> String {
    let part = match score.part {
        Part::Test => "test",
        Part::Holdout => "holdout",
        Part::OutOfFold => return String::new(),
    };
    format!("{} {part}", score.metric.figure(score.value))
}
