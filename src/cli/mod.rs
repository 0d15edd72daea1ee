//! Arguments in, words and an exit code out.
//!
//! `args` is what clap sees, `settings` what it means; each file in `commands` calls the engine or a storeroom and
//! hands a result to `ui`, which writes a table or JSON to standard output. Words go to standard error.

mod args;
mod ci;
mod commands;
mod consent;
mod environment;
mod error;
mod exit;
mod gate_reports;
mod night;
mod outcome;
mod outputs;
mod progress;
mod settings;
mod signals;
mod threads;
mod tuned;
mod ui;
mod watch;

pub use exit::Exit;

use args::Cli;
use error::CliError;
use ui::Ui;
use watch::Watch;

/// Runs the command line and returns how it ended.
pub fn main() -> Exit {
    let begun = Cli::parse_named().and_then(|(cli, name)| Ok((Watch::begin(&cli.global, &name)?, cli)));
    let (watch, cli) = match begun {
        Ok(begun) => begun,
        Err(error) => return ui::refuse(&error),
    };
    let ui = Ui::new(&cli.global, watch);
    let ended = prepare(&cli).and_then(|()| commands::run(cli, &ui));
    let exit = ended.as_ref().map_or_else(|error| ui.fail(error), |exit| *exit);
    ui.watch.end(exit, ended.err());
    exit
}

fn prepare(cli: &Cli) -> Result<(), CliError> {
    // Fails only where a provider is installed already, which is as good.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    if let Some(folder) = &cli.global.directory {
        std::env::set_current_dir(folder).map_err(|error| CliError::io("enter", folder, error))?;
    }
    threads::from_flag(cli.global.threads)
}
