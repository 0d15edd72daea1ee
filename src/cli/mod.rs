//! The command line: reads arguments, runs a command, and returns an exit code.
//!
//! `args` declares the arguments for clap, `settings` resolves them; each file in `commands` calls the engine or a store and
//! passes a result to `ui`, which writes a table or JSON to standard output. Messages go to standard error.

mod args;
mod ci;
mod commands;
mod consent;
mod crash;
mod environment;
mod error;
mod exit;
mod gate_reports;
mod inputs;
mod limits;
mod outcome;
mod output_schemas;
mod outputs;
mod predicted;
mod progress;
mod refused;
mod retrain_text;
mod settings;
mod signals;
mod summary;
mod threads;
mod tuned;
mod ui;
mod watch;

use std::panic::AssertUnwindSafe;
use std::time::Instant;

pub use exit::Exit;

use args::{Cli, Command, RetrainArgs};
use error::CliError;
use ui::Ui;
use watch::Watch;

/// Runs the command line and returns how it ended.
pub fn main() -> Exit {
    environment::learn_secrets();
    crash::install();
    let begun =
        Cli::parse_named().and_then(|(cli, name)| Ok((Watch::begin(&cli.global, &name)?, cli)));
    let (watch, cli) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            if error.use_stderr() {
                refused::replace_outputs(&error.render().to_string());
            }
            return ui::refuse(&error);
        }
    };
    let (begun, retrain) = (Instant::now(), retrain_args(&cli));
    let ui = Ui::new(&cli.global, watch);
    let ended = crash::caught(AssertUnwindSafe(|| {
        prepare(&cli).and_then(|()| commands::run(cli, &ui))
    }));
    if let (Some(args), Err(error)) = (&retrain, &ended) {
        // The summary of this run was not written yet.
        let pipeline = args.pipeline.pipeline.as_deref();
        summary::failed_early(args.summary.as_deref(), pipeline, error, begun.elapsed());
    }
    let exit = ended
        .as_ref()
        .map_or_else(|error| ui.fail(error), |exit| *exit);
    ui.watch.end(exit, ended.err());
    exit
}

/// Returns the arguments of `retrain`, if it is the command.
fn retrain_args(cli: &Cli) -> Option<RetrainArgs> {
    if let Command::Retrain(args) = &cli.command {
        Some(args.clone())
    } else {
        None
    }
}

fn prepare(cli: &Cli) -> Result<(), CliError> {
    pdm_store::tls::install_provider();
    if let Some(folder) = &cli.global.directory {
        std::env::set_current_dir(folder).map_err(|error| CliError::io("enter", folder, error))?;
    }
    limits::check(cli.global.threads)?;
    threads::from_flag(cli.global.threads)
}
