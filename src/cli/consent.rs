use std::io::{self, IsTerminal, Write};

use super::error::CliError;
use pdm_core::codes::Code;
use pdm_core::domain::visible;

/// Asks whoever sits at the terminal whether all that is listed may go; a job must have said yes.
pub(super) fn ask(yes: bool, list: &str) -> Result<(), CliError> {
    if yes {
        return Ok(());
    }
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        let error = CliError::new(Code::NobodyToAsk, "nobody is there to be asked");
        return Err(error.hint("`--dry-run` says what would be removed, `--yes` removes it"));
    }
    let asked = write!(
        io::stderr(),
        "{}\nremove all of this for good? [y/N] ",
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
