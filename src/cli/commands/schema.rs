//! `schema`: the JSON schemas of what commands print.

use serde::Serialize;

use crate::cli::args::SchemaCommand;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output_schemas::{OUTPUTS, OutputSchema};
use crate::cli::ui::Ui;
use pdm_core::codes::Code;
use pdm_report::report::{Align, table};

/// A schema in the list.
#[derive(Serialize)]
struct ListedSchema {
    name: &'static str,
    title: String,
    commands: &'static [&'static str],
}

pub(super) fn run(command: &SchemaCommand, ui: &Ui) -> Result<Exit, CliError> {
    match command {
        SchemaCommand::Outputs { name: None } => {
            let all: Vec<_> = OUTPUTS.iter().map(listed).collect();
            ui.show(&all, || list(&all))?;
        }
        SchemaCommand::Outputs { name: Some(name) } => {
            let schema = OutputSchema::named(name).ok_or_else(|| unknown(name))?;
            ui.as_it_is(schema.text)?;
        }
    }
    Ok(Exit::Done)
}

fn listed(schema: &OutputSchema) -> ListedSchema {
    ListedSchema {
        name: schema.name,
        title: schema.title(),
        commands: schema.commands,
    }
}

fn unknown(name: &str) -> CliError {
    let error = CliError::new(
        Code::ArgumentValue,
        format!("no document has the name `{name}`"),
    );
    error.hint("`pdm-ml schema outputs` lists all documents")
}

fn list(all: &[ListedSchema]) -> String {
    let header = [
        ("schema", Align::Left),
        ("document", Align::Left),
        ("printed by", Align::Left),
    ];
    let rows = all.iter().map(|schema| {
        [
            schema.name.to_owned(),
            schema.title.clone(),
            schema.commands.join(", "),
        ]
    });
    table(&header, rows)
}
