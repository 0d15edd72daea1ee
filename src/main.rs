//! The `pdm-ml` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    pdm_ml::cli::main().into()
}
