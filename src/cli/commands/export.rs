//! `export`: onnx, mlflow, inputs.

use std::path::Path;

use serde_json::json;

use super::model::{self, OpenedModel};
use super::predict::wanted;
use crate::cli::args::{ExportArgs, ExportCommand};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::outputs::{Outputs, write};
use crate::cli::ui::Ui;
use pdm_core::content::Digest;
use pdm_models::data::read_units;
use pdm_models::export::{
    MLFLOW_FILES, OPSET, input_specs, inputs, mlflow_model, onnx, output_spec,
};
use pdm_report::report::KnownFile;

pub(super) fn run(command: &ExportCommand, ui: &Ui) -> Result<Exit, CliError> {
    match command {
        ExportCommand::Onnx(args) => graph(args, ui),
        ExportCommand::Mlflow { export, input } => folder(export, input.as_deref(), ui),
        ExportCommand::Inputs {
            export,
            input,
            unit,
        } => tensors(export, input, unit, ui),
    }
}

fn graph(args: &ExportArgs, ui: &Ui) -> Result<Exit, CliError> {
    let outputs = Outputs::new(args.force).document("--output", Some(&args.out), KnownFile::Onnx);
    let OpenedModel { bundle, .. } = model::open(&args.model, &args.registry, outputs, ui)?;
    let bytes = onnx(&bundle)?;
    write(&args.out, &bytes)?;
    let kind = bundle.manifest().model.kind();
    let written = json!({
        "file": args.out,
        "bytes": bytes.len(),
        "sha256": Digest::of(&bytes),
        "bundle": bundle.digest(),
        "kind": kind,
        "opset": OPSET,
        "inputs": input_specs(&bundle),
        "outputs": [output_spec()],
    });
    ui.show(&written, || {
        format!(
            "{}: {kind}, {} bytes, opset {OPSET}",
            args.out.display(),
            bytes.len()
        )
    })?;
    Ok(Exit::Done)
}

fn folder(args: &ExportArgs, input: Option<&Path>, ui: &Ui) -> Result<Exit, CliError> {
    let outputs = MLFLOW_FILES
        .iter()
        .fold(Outputs::new(args.force), |outputs, name| {
            outputs.document("--output", Some(&args.out.join(name)), KnownFile::Model)
        });
    let outputs = outputs.reads_file("--input", input);
    let OpenedModel { bundle, version } = model::open(&args.model, &args.registry, outputs, ui)?;
    let units = match input {
        Some(path) => read_units(path, &bundle.manifest().schema)?,
        None => Vec::new(),
    };
    let created = version.map(|version| {
        version
            .origin
            .created
            .strftime("%Y-%m-%d %H:%M:%S%.6f")
            .to_string()
    });
    let files = mlflow_model(&bundle, &units, created.as_deref())?;
    for file in &files {
        write(&args.out.join(file.path), &file.bytes)?;
    }
    let kind = bundle.manifest().model.kind();
    let paths: Vec<_> = files.iter().map(|file| file.path).collect();
    let written =
        json!({ "folder": args.out, "files": paths, "bundle": bundle.digest(), "kind": kind });
    ui.show(&written, || {
        format!("{}: {kind}, {}", args.out.display(), paths.join(", "))
    })?;
    Ok(Exit::Done)
}

fn tensors(args: &ExportArgs, input: &Path, names: &[String], ui: &Ui) -> Result<Exit, CliError> {
    let outputs =
        Outputs::new(args.force).document("--output", Some(&args.out), KnownFile::Request);
    let outputs = outputs.reads_file("--input", Some(input));
    let OpenedModel { bundle, .. } = model::open(&args.model, &args.registry, outputs, ui)?;
    let units = wanted(read_units(input, &bundle.manifest().schema)?, names)?;
    write(&args.out, &inputs(&bundle, &units)?.to_request())?;
    let known = units.iter().filter(|unit| !unit.is_empty());
    let rows: Vec<_> = known
        .map(|unit| json!({ "unit": unit.unit, "cycle": unit.last_cycle() }))
        .collect();
    let count = rows.len();
    let written = json!({ "file": args.out, "rows": rows });
    ui.show(&written, || {
        format!("{}: the inputs of {count} units", args.out.display())
    })?;
    Ok(Exit::Done)
}
