//! One file per subcommand.

mod cache;
mod config;
mod data;
mod doctor;
mod drift;
mod explain;
mod export;
mod features;
mod fetch;
mod init;
mod judged;
mod keygen;
mod model;
mod notify;
mod pipeline;
mod plan;
mod predict;
mod promote;
mod registry;
mod retrain;
mod runs;
mod schedule;
mod schema;
mod track;
mod tune;

use clap::CommandFactory;

use super::args::{Cli, Command};
use super::error::CliError;
use super::exit::Exit;
use super::ui::Ui;
use pdm_engine::config::Stage;

/// Runs the chosen subcommand.
pub(super) fn run(cli: Cli, ui: &Ui) -> Result<Exit, CliError> {
    match cli.command {
        Command::Init(args) => init::run(&args, ui),
        Command::Doctor(args) => doctor::run(&args, ui),
        Command::Data(command) => data::run(&command, ui),
        Command::Features(args) => features::run(&args, ui),
        Command::Train(args) => pipeline::run(&args, Stage::Calibrate, ui),
        Command::Tune(args) => tune::run(&args, ui),
        Command::Evaluate(args) => pipeline::evaluate(&args, ui),
        Command::Gate(args) => judged::run(&args, Stage::Gate, ui),
        Command::Promote(args) => promote::run(&args, ui),
        Command::Predict(args) => predict::run(&args, ui),
        Command::Export(command) => export::run(&command, ui),
        Command::Run(args) => judged::run(&args, Stage::Promote, ui),
        Command::Retrain(args) => retrain::run(&args, ui),
        Command::Drift(args) => drift::run(&args, ui),
        Command::Plan(args) => plan::run(&args, ui),
        Command::Cache(command) => cache::run(&command, ui),
        Command::Runs(command) => runs::run(&command, ui),
        Command::Track(command) => track::run(&command, ui),
        Command::Notify(command) => notify::run(&command, ui),
        Command::Registry(command) => registry::run(&command, ui),
        Command::Schedule(command) => schedule::run(&command, ui),
        Command::Config(command) => config::run(&command, ui),
        Command::Schema(command) => schema::run(&command, ui),
        Command::Explain(args) => explain::run(&args, ui),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "pdm-ml", &mut script);
            ui.bytes(&script).map(|()| Exit::Done)
        }
    }
}
