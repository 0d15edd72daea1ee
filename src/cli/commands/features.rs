//! `features`: fit features and rank the sensors.

use std::path::Path;

use crate::cli::args::FeaturesArgs;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::outcome;
use crate::cli::outputs::Outputs;
use crate::cli::settings;
use crate::cli::ui::Ui;
use pdm_engine::config::Stage;
use pdm_engine::engine::{self, Context, Job};
use pdm_models::features::SensorRank;
use pdm_report::report::{Align, KnownFile, Sheet, table, write_sheet};

pub(super) fn run(args: &FeaturesArgs, ui: &Ui) -> Result<Exit, CliError> {
    let (context, job) = settings::resolve(&args.stage.pipeline, ui)?;
    let outputs = Outputs::with_overwrite(args.overwrite || args.stage.force);
    let outputs = outputs.document("--output", args.output.as_deref(), KnownFile::Features);
    outputs.reads_pipeline(&context, &job).check(ui)?;
    let _turn = context.lock_project()?;
    let outcome = engine::bring_up(&context, &job, Stage::Features, args.stage.reuse())?;
    if let Some(path) = &args.output {
        export(&context, &job, path)?;
    }
    ui.show(&outcome, || {
        let ranking = outcome.ranking.as_deref().map(ranking).unwrap_or_default();
        format!("{}\n\n{ranking}", outcome::text(&outcome, Stage::Features))
    })?;
    let file = settings::file_of(&job);
    ui.next(&outcome::next(&outcome, file, Stage::Features, Exit::Done));
    Ok(Exit::Done)
}

fn ranking(ranking: &[SensorRank]) -> String {
    let header = [
        ("sensor", Align::Left),
        ("monotonicity", Align::Right),
        ("trendability", Align::Right),
        ("prognosability", Align::Right),
        ("mean", Align::Right),
    ];
    let rows = ranking.iter().map(|rank| {
        let figures = [
            rank.monotonicity,
            rank.trendability,
            rank.prognosability,
            rank.fitness(),
        ];
        std::iter::once(rank.sensor.clone())
            .chain(figures.map(|figure| format!("{figure:.2}")))
            .collect::<Vec<_>>()
    });
    table(&header, rows)
}

/// Writes one row per unit and cycle: unit, cycle, true RUL, features.
fn export(context: &Context, job: &Job, path: &Path) -> Result<(), CliError> {
    let (dataset, fitted) = engine::fitted_features(context, job)?;
    let (mut units, mut cycles, mut rul) = (Vec::new(), Vec::new(), Vec::new());
    let names = fitted.table_names();
    let mut columns = vec![Vec::new(); names.len()];
    for unit in dataset.train() {
        let table = fitted.table(unit);
        for row in 0..unit.len() {
            units.push(unit.unit.to_string());
            cycles.push(unit.cycles[row].0);
            rul.push(Some(unit.rul_at(row)));
            columns
                .iter_mut()
                .zip(table.row(row))
                .for_each(|(column, value)| column.push(Some(f64::from(*value))));
        }
    }
    let sheet = Sheet::default()
        .text("unit", units)
        .whole("cycle", cycles)
        .number("rul", rul);
    // The table's own `cycle` repeats the column before the features.
    let features = names
        .iter()
        .zip(columns)
        .filter(|(name, _)| *name != "cycle");
    let sheet = features.fold(sheet, |sheet, (name, column)| sheet.number(name, column));
    Ok(write_sheet(sheet, path)?)
}
