//! `init`: create a project with a commented pipeline and its folders.

use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::json;

use crate::cli::args::{Ci, InitArgs, Template};
use crate::cli::ci;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::outputs;
use crate::cli::settings::{BUILT_IN, MAIN_PIPELINE};
use crate::cli::ui::Ui;
use pdm_core::codes::Code;
use pdm_engine::config::file_schema_text;

const SCHEMA: &str = "pipelines/pipeline.schema.json";
const IGNORE: &str =
    "/.pdm-ml/\n/datasets/*\n!/datasets/README.md\n/experiments/runs/\n/registry/store/\n";
const FOLDERS: [&str; 4] = ["pipelines", "experiments", "registry", "datasets"];

pub(super) fn run(args: &InitArgs, ui: &Ui) -> Result<Exit, CliError> {
    let folder = &args.folder;
    let main = folder.join(MAIN_PIPELINE);
    let there = main.exists();
    // A workflow or another pipeline may be added to an existing project.
    if there && args.ci.is_none() && args.template.is_none() {
        return Err(there_already(Code::ProjectExists, &main)
            .hint("choose another folder or edit the file; `--template fd001` adds a pipeline to this project"));
    }
    let workflow = args.ci.map(|ci| workflow(ci, folder)).transpose()?;
    let mut created = match (there, args.template) {
        (false, template) => start(template.unwrap_or_default(), folder, &main)?,
        (true, Some(template)) => vec![add(template, folder)?],
        (true, None) => Vec::new(),
    };
    if let Some(workflow) = &workflow {
        write(&workflow.path, &workflow.text)?;
        created.push(from_here(&workflow.path).display().to_string());
    }
    ui.show(&json!({ "created": created }), || created.join("\n"))?;
    match args.ci {
        Some(_) => {
            ui.next("set PDM_ML_INSTALL and the other variables listed at the top of the workflow")
        }
        None if there => ui.next(&next_of_added(args.template.unwrap_or_default(), folder)),
        None => ui.next(&next(args.template.unwrap_or_default(), folder)),
    }
    Ok(Exit::Done)
}

/// Adds a pipeline to an existing project, and returns its name.
fn add(template: Template, folder: &Path) -> Result<String, CliError> {
    let name = added_name(template);
    let path = folder.join(&name);
    if path.exists() {
        return Err(there_already(Code::ProjectExists, &path).hint("edit it, or move it away"));
    }
    let text = pipeline(template, folder).replacen(
        &format!("#:schema {SCHEMA}"),
        "#:schema pipeline.schema.json",
        1,
    );
    let schema = folder.join(SCHEMA);
    if !schema.exists() {
        write(&schema, &file_schema_text())?;
    }
    write(&path, &text)?;
    Ok(shown(folder, &name))
}

fn added_name(template: Template) -> String {
    let name = template
        .to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned());
    format!("pipelines/{name}.toml")
}

fn next_of_added(template: Template, folder: &Path) -> String {
    let enter = if folder == Path::new(".") {
        String::new()
    } else {
        format!("cd {} && ", folder.display())
    };
    format!("{enter}pdm-ml run {}", added_name(template))
}

/// Returns the workflow, unless the file already exists.
fn workflow(ci: Ci, folder: &Path) -> Result<ci::Workflow, CliError> {
    let whole = std::path::absolute(folder).map_err(|error| CliError::io("find", folder, error))?;
    let workflow = ci::workflow(ci, &whole)?;
    if workflow.path.exists() {
        return Err(there_already(Code::WorkflowExists, &workflow.path)
            .hint("edit it, or move it away to get a new one"));
    }
    Ok(workflow)
}

fn there_already(code: Code, path: &Path) -> CliError {
    CliError::new(
        code,
        format!(
            "`{}` already exists; nothing was changed",
            from_here(path).display()
        ),
    )
}

fn from_here(path: &Path) -> &Path {
    std::env::current_dir()
        .ok()
        .and_then(|here| path.strip_prefix(here).ok())
        .unwrap_or(path)
}

/// Writes the project's files and returns their names.
fn start(template: Template, folder: &Path, main: &Path) -> Result<Vec<String>, CliError> {
    let schema = folder.join(SCHEMA);
    if schema.exists() && !is_schema(&schema) {
        return Err(there_already(Code::WouldOverwrite, &schema)
            .hint("move it away, or choose another folder"));
    }
    for name in FOLDERS {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).map_err(|error| CliError::io("create", &folder, error))?;
    }
    write(&schema, &file_schema_text())?;
    let ignore = folder.join(".gitignore");
    if !ignore.exists() {
        write(&ignore, IGNORE)?;
    }
    // Written last, because its presence means that the project is complete.
    write(main, &pipeline(template, folder))?;
    Ok([MAIN_PIPELINE, SCHEMA, ".gitignore"]
        .iter()
        .map(|name| shown(folder, name))
        .collect())
}

/// Returns whether a file is a schema of pipelines that an earlier version of this program wrote.
fn is_schema(path: &Path) -> bool {
    let text = fs::read_to_string(path).unwrap_or_default();
    let schema: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let described = schema["properties"]["version"]["description"]
        .as_str()
        .unwrap_or_default();
    described.starts_with("Version of the file's format")
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    outputs::write(path, text.as_bytes())
}

fn shown(folder: &Path, name: &str) -> String {
    let path: PathBuf = folder
        .components()
        .filter(|part| part.as_os_str() != ".")
        .collect();
    path.join(name).display().to_string()
}

/// Returns the template, with the path of its schema relative to the project folder.
fn pipeline(template: Template, folder: &Path) -> String {
    let text = match template {
        Template::Simulated => BUILT_IN,
        Template::Fd001 => include_str!("../../../pipelines/fd001.toml"),
        Template::Fd002 => include_str!("../../../pipelines/fd002.toml"),
        Template::Fd003 => include_str!("../../../pipelines/fd003.toml"),
        Template::Fd004 => include_str!("../../../pipelines/fd004.toml"),
        Template::Table => include_str!("../../../pipelines/table.toml"),
    };
    let text = text.replacen(
        "#:schema pipeline.schema.json",
        &format!("#:schema {SCHEMA}"),
        1,
    );
    match template {
        Template::Table => match project_name(folder) {
            Some(name) => text.replacen("my-machines", &name, 1),
            None => text,
        },
        Template::Simulated
        | Template::Fd001
        | Template::Fd002
        | Template::Fd003
        | Template::Fd004 => text,
    }
}

/// Returns the folder's name if it is valid as the name of a project.
fn project_name(folder: &Path) -> Option<String> {
    let name = fs::canonicalize(folder)
        .ok()?
        .file_name()?
        .to_str()?
        .to_lowercase();
    name.parse::<pdm_store::registry::ModelName>()
        .is_ok()
        .then_some(name)
}

fn next(template: Template, folder: &Path) -> String {
    let enter = if folder == Path::new(".") {
        String::new()
    } else {
        format!("cd {} && ", folder.display())
    };
    match template {
        Template::Simulated => format!("{enter}pdm-ml run"),
        Template::Table => {
            format!("{enter}pdm-ml data validate   (after naming your columns in {MAIN_PIPELINE})")
        }
        Template::Fd001 | Template::Fd002 | Template::Fd003 | Template::Fd004 => {
            format!("{enter}pdm-ml data fetch cmapss --from <folder|zip|URL>")
        }
    }
}
