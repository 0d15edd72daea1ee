//! `registry keygen`: create a signing key, and print the policy lines that trust it.

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
        "the secret key is in {} and readable only by you; add the lines above to a .toml file in the project's folder \
         `registry`, and set PDM_ML_SIGNING_KEY_FILE to the path of the secret key",
        made.key.secret_file.display()
    ));
    Ok(Exit::Done)
}
