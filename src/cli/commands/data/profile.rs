//! `data profile`: describe a data set.

use std::path::Path;

use super::infer::named_files;
use crate::cli::args::ProfileArgs;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::outputs::{self, Outputs};
use crate::cli::settings;
use crate::cli::ui::Ui;
use pdm_core::codes::Code;
use pdm_core::domain::redact;
use pdm_engine::engine;
use pdm_models::data::{DataSummary, profile_dataset, profile_files};
use pdm_report::report::KnownFile;
use pdm_report::report::profile;

pub(super) fn run(args: &ProfileArgs, ui: &Ui) -> Result<Exit, CliError> {
    let output = args.output.as_deref();
    let outputs = Outputs::new(args.force).document("--output", output, KnownFile::Profile);
    let summary = summary(args, outputs, ui)?;
    if let Some(path) = output {
        outputs::write(path, redact(&profile::page(&summary)).as_bytes())?;
    }
    ui.show(&summary, || profile::text(&summary))?;
    Ok(Exit::Done)
}

fn summary(args: &ProfileArgs, mut outputs: Outputs, ui: &Ui) -> Result<DataSummary, CliError> {
    if args.source.iter().any(|path| !is_pipeline(path)) {
        refuse_pipeline_options(args)?;
        for path in &args.source {
            outputs = outputs.reads_file("FILES", Some(path));
        }
        outputs.check(ui)?;
        return Ok(profile_files(&named_files(&args.source, None)?)?);
    }
    if args.source.len() > 1 {
        let error = CliError::new(Code::ArgumentValue, "more than one pipeline is given");
        return Err(error.hint("compare two data sets by `pdm-ml data diff A B`"));
    }
    let (context, job) = settings::resolve(&args.pipeline(), ui)?;
    outputs.reads_pipeline(&context, &job).check(ui)?;
    Ok(profile_dataset(&engine::raw_data(&context, &job)?))
}

/// Returns whether a path is that of a pipeline file; everything else is data.
pub(super) fn is_pipeline(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("toml"))
}

fn refuse_pipeline_options(args: &ProfileArgs) -> Result<(), CliError> {
    let option = match (&args.profile, args.set.first()) {
        (Some(_), _) => "--profile",
        (None, Some(_)) => "--set",
        (None, None) => return Ok(()),
    };
    let error = CliError::new(
        Code::ArgumentValue,
        format!("`{option}` has no effect on data files"),
    );
    Err(error.hint("remove it, or give a pipeline file"))
}
