//! `config`: show the pipeline with all defaults, its schema and reference, and convert files of older formats.

mod migrate;

use crate::cli::args::ConfigCommand;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::settings;
use crate::cli::ui::Ui;
use pdm_engine::config::{Origins, file_reference, file_schema_text};
use pdm_report::report::{Align, table};

pub(super) fn run(command: &ConfigCommand, ui: &Ui) -> Result<Exit, CliError> {
    match command {
        ConfigCommand::Schema => ui.text(&file_schema_text())?,
        ConfigCommand::Reference => ui.text(&file_reference())?,
        ConfigCommand::Migrate(args) => return migrate::run(args, ui),
        ConfigCommand::Show { pipeline, origin } => {
            let (_, job) = settings::resolve(pipeline, ui)?;
            if *origin {
                ui.show(&job.origins, || origins(&job.origins))?;
            } else {
                ui.show_verbatim(&job.spec, || job.spec.to_toml())?;
            }
        }
    }
    Ok(Exit::Done)
}

fn origins(origins: &Origins) -> String {
    let header = [
        ("key", Align::Left),
        ("value", Align::Left),
        ("layer", Align::Left),
        ("from", Align::Left),
    ];
    let rows = origins.as_slice().iter().map(|origin| {
        let from = origin.source.place().unwrap_or_default();
        [
            origin.key.clone(),
            origin.value.to_string(),
            origin.layer.to_string(),
            from,
        ]
    });
    table(&header, rows)
}
