//! `registry keygen`: a key to sign with, and what a policy says to trust it.

use std::path::Path;

use serde::Serialize;

use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::settings;
use crate::cli::ui::{self, Ui};
use pdm_store::registry::{NewKey, Signer};

#[derive(Serialize)]
struct Made {
    #[serde(flatten)]
    key: NewKey,
    actor: String,
}

pub(super) fn run(file: &Path, ui: &Ui) -> Result<Exit, CliError> {
    let actor = settings::context_here(ui)?.actor;
    let made = Made {
        key: Signer::generate(file)?,
        actor,
    };
    ui.show(&made, || {
        let actor = toml::Value::from(made.actor.as_str());
        format!("[[key]]\nactor = {actor}\npublic = \"{}\"", made.key.public)
    })?;
    ui::note(&format!(
        "the secret half is in {}, for you alone; put the lines above into a file of the project's folder `registry`, and name \
         the secret half in PDM_ML_SIGNING_KEY_FILE",
        made.key.secret_file.display()
    ));
    Ok(Exit::Done)
}
