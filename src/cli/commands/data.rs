//! `data`: fetch, simulate, validate, infer, profile, diff.

mod diff;
mod infer;
mod profile;

use serde_json::json;

use super::fetch;
use crate::cli::args::{DataCommand, SimulateArgs, ValidateArgs};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::outputs::{self, Outputs};
use crate::cli::settings;
use crate::cli::ui::Ui;
use pdm_core::codes::Code;
use pdm_core::domain::redact_json;
use pdm_engine::engine;
use pdm_models::data::{SimulateOptions, simulate};
use pdm_report::report::{self, KnownFile};

pub(super) fn run(command: &DataCommand, ui: &Ui) -> Result<Exit, CliError> {
    match command {
        DataCommand::Fetch(args) => fetch::run(args, ui),
        DataCommand::Simulate(args) => write_fleet(args, ui),
        DataCommand::Validate(args) => validate(args, ui),
        DataCommand::Infer(args) => infer::run(args, ui),
        DataCommand::Profile(args) => profile::run(args, ui),
        DataCommand::Diff(args) => diff::run(args, ui),
    }
}

fn write_fleet(args: &SimulateArgs, ui: &Ui) -> Result<Exit, CliError> {
    let options = SimulateOptions {
        name: args.name.clone(),
        path: args.into.clone(),
        train_units: args.train_units,
        test_units: args.test_units,
        regimes: args.regimes,
        fault_modes: args.fault_modes,
        seed: args.seed,
    };
    if let Some(problem) = options.problems().into_iter().next() {
        let flag = problem.path.replace('_', "-");
        return Err(CliError::new(
            Code::ArgumentValue,
            format!("--{flag} {}", problem.message),
        ));
    }
    let fleet = simulate(&options);
    let files = if args.force {
        fleet.replace(&args.into)?
    } else {
        fleet.write(&args.into)?
    };
    let names: Vec<_> = files
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    ui.show(&json!({ "files": names }), || names.join("\n"))?;
    ui.next("pdm-ml run");
    Ok(Exit::Done)
}

fn validate(args: &ValidateArgs, ui: &Ui) -> Result<Exit, CliError> {
    let (context, job) = settings::resolve(&args.pipeline, ui)?;
    let outputs =
        Outputs::new(args.force).document("--report", args.report.as_deref(), KnownFile::Quality);
    outputs.reads_pipeline(&context, &job).check(ui)?;
    let quality = engine::quality(&context, &job)?;
    if let Some(path) = &args.report {
        let text = serde_json::to_string_pretty(&report::quality_json(&quality))
            .map_err(CliError::output)?;
        outputs::write(path, redact_json(&text).as_bytes())?;
    }
    ui.show(&report::quality_json(&quality), || {
        report::quality(&quality)
    })?;
    ui.more(&quality.codes());
    Ok(if quality.is_valid() {
        Exit::Done
    } else {
        quality.code().into()
    })
}
