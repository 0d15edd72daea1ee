//! `drift`: test whether new units differ from those that the champion was trained on.

use crate::cli::args::DriftArgs;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::outputs::Outputs;
use crate::cli::settings;
use crate::cli::ui::Ui;
use pdm_core::codes::Code;
use pdm_engine::engine::{self, Drift};
use pdm_models::monitor::{DriftRow, DriftVerdict};
use pdm_report::report::{Align, table};

/// Number of tests shown if nothing drifted.
const SHOWN: usize = 5;

pub(super) fn run(args: &DriftArgs, ui: &Ui) -> Result<Exit, CliError> {
    let (context, job) = settings::resolve(&args.pipeline, ui)?;
    Outputs::default()
        .reads_pipeline(&context, &job)
        .check(ui)?;
    let drift = engine::drift(&context, &job)?;
    ui.watch.drift(&drift.report);
    ui.show(&drift, || text(&drift))?;
    let code = match drift.report.verdict {
        DriftVerdict::None => return Ok(Exit::Done),
        DriftVerdict::Drift => Code::Drift,
        DriftVerdict::TooLittleData => Code::TooFewNewUnits,
    };
    ui.more(&[code]);
    Ok(code.into())
}

fn text(drift: &Drift) -> String {
    let report = &drift.report;
    let summary = format!("{} {}", report.summary(), drift.window);
    let verdict = match report.verdict {
        // The summary already states the verdict.
        DriftVerdict::TooLittleData => summary,
        DriftVerdict::None | DriftVerdict::Drift => format!("{}: {summary}", report.verdict),
    };
    let shown = report.drifted().count().max(SHOWN).min(report.tests.len());
    match report.tests.get(..shown) {
        Some(tests @ [_, ..]) => format!("{}\n{verdict}", tests_of(tests)),
        _ => verdict,
    }
}

fn tests_of(tests: &[DriftRow]) -> String {
    let header = [
        ("test", Align::Left),
        ("training", Align::Right),
        ("new", Align::Right),
        ("distance", Align::Right),
        ("q", Align::Right),
        ("", Align::Left),
    ];
    let rows = tests.iter().map(|test| {
        let medians = [test.reference_median, test.new_median].map(|value| format!("{value:.4}"));
        let [reference, new] = medians;
        let word = if test.drifted { "drift" } else { "" };
        [
            test.to_string(),
            reference,
            new,
            format!("{:.2}", test.distance),
            format!("{:.1e}", test.q),
            word.to_owned(),
        ]
    });
    table(&header, rows)
}
