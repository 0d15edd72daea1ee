use std::io::{self, IsTerminal, Write};

use super::error::CliError;
use pdm_core::codes::Code;
use pdm_core::domain::visible;

/// Asks at the terminal whether everything in `list` may be removed; a job must pass `--yes`.
pub(super) fn ask(yes: bool, list: &str) -> Result<(), CliError> {
    if yes {
        return Ok(());
    }
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        let error = CliError::new(
            Code::NobodyToAsk,
            "confirmation needed, but standard input is not a terminal",
        );
        return Err(error.hint("pass `--yes`; `--dry-run` lists what would be removed"));
    }
    let asked = write!(
        io::stderr(),
        "{}\nremove all of this permanently? [y/N] ",
        visible(list)
    );
    asked
        .and_then(|()| io::stderr().flush())
        .map_err(CliError::resources)?;
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .map_err(CliError::resources)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(CliError::new(Code::Declined, "nothing was removed")),
    }
}
