//! `data diff`: compare two data sets.

use std::path::{Path, PathBuf};

use super::infer::named_files;
use super::profile::is_pipeline;
use crate::cli::args::{DiffArgs, PipelineArgs};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::outputs::Outputs;
use crate::cli::settings;
use crate::cli::ui::Ui;
use pdm_engine::engine;
use pdm_models::data::{ComparedData, InferFile, RawDataset, compare};
use pdm_report::report::profile;

pub(super) fn run(args: &DiffArgs, ui: &Ui) -> Result<Exit, CliError> {
    let paths = [&args.before, &args.after];
    let reads = paths.iter().fold(Outputs::default(), |outputs, path| {
        outputs.reads_file("A or B", Some(path))
    });
    reads.check(ui)?;
    let before = ReadSide::of(&args.before, ui)?;
    let after = ReadSide::of(&args.after, ui)?;
    let found = compare(&before.compared(), &after.compared())?;
    ui.show(&found, || profile::comparison(&found))?;
    Ok(if args.exit_code && found.differs {
        Exit::ChangesPending
    } else {
        Exit::Done
    })
}

/// One of the two data sets.
enum ReadSide {
    Files(Vec<InferFile>),
    Dataset(Box<RawDataset>),
}

impl ReadSide {
    fn of(path: &Path, ui: &Ui) -> Result<Self, CliError> {
        if !is_pipeline(path) {
            return Ok(Self::Files(named_files(&[PathBuf::from(path)], None)?));
        }
        let pipeline = PipelineArgs {
            pipeline: Some(path.to_owned()),
            ..PipelineArgs::default()
        };
        let (context, job) = settings::resolve(&pipeline, ui)?;
        Ok(Self::Dataset(Box::new(engine::raw_data(&context, &job)?)))
    }

    fn compared(&self) -> ComparedData<'_> {
        match self {
            Self::Files(files) => ComparedData::Files(files),
            Self::Dataset(raw) => ComparedData::Dataset(raw),
        }
    }
}
