//! Arguments in, words and an exit code out.
//!
//! `args` is what clap sees, `settings` what it means; each file in `commands` calls the engine or a storeroom and
//! hands a result to `ui`, which writes a table or JSON to standard output. Words go to standard error.

mod args;
mod commands;
mod environment;
mod error;
mod exit;
mod outcome;
mod progress;
mod settings;
mod signals;
mod threads;
mod tuned;
mod ui;

pub use exit::Exit;

use clap::Parser;

use args::Cli;
use error::CliError;
use ui::Ui;

/// Runs the command line and returns how it ended.
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ui::refuse(&error),
    };
    let ui = Ui::new(&cli.global);
    match prepare(&cli).and_then(|()| commands::run(cli, &ui)) {
        Ok(exit) => exit,
        Err(error) => ui.fail(&error),
    }
}

fn prepare(cli: &Cli) -> Result<(), CliError> {
    // Fails only where a provider is installed already, which is as good.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    if let Some(folder) = &cli.global.directory {
        std::env::set_current_dir(folder).map_err(|error| CliError::io("enter", folder, error))?;
    }
    threads::from_flag(cli.global.threads)
}
