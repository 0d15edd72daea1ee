//! The arguments of `data infer`, `data profile` and `data diff`.

use std::path::PathBuf;

use clap::Args;

use super::PipelineArgs;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pdm-ml data infer plant.csv > pdm.toml\n  pdm-ml data infer telemetry.parquet failures.csv --out pdm.toml\n  pdm-ml data infer data/P-*.csv --format json\n\nSeveral files are one data set: files with the same columns are joined, a file with failures or replacements by unit and\ntime is the events file. The comments of the draft give the reason for each value."
)]
pub(in crate::cli) struct InferArgs {
    /// CSV or Parquet files of one data set
    #[arg(required = true, value_name = "FILES")]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// Write the pipeline to this file, which must not exist [default: standard output]
    #[arg(short, long = "out", alias = "output", value_name = "FILE")]
    pub(in crate::cli) out: Option<PathBuf>,
    /// Overwrite an existing file
    #[arg(long, requires = "out")]
    pub(in crate::cli) force: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pdm-ml data profile\n  pdm-ml data profile plant.csv --output plant.html\n  pdm-ml data profile pipelines/fd001.toml --format json\n\nA pipeline names the columns of its training data; those of a file are inferred, as by `data infer`."
)]
pub(in crate::cli) struct ProfileArgs {
    /// Data files, or a pipeline file [default: the project's main pipeline]
    #[arg(value_name = "FILES|PIPELINE")]
    pub(in crate::cli) source: Vec<PathBuf>,
    /// Write the profile as an HTML page to this file
    #[arg(short, long = "output", alias = "out", value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,
    /// Overwrite a file that is not an earlier profile
    #[arg(long, requires = "output")]
    pub(in crate::cli) force: bool,
    /// Apply the pipeline's table [profile.NAME]
    #[arg(short, long, value_name = "NAME")]
    pub(in crate::cli) profile: Option<String>,
    /// Override a value of the pipeline, such as `--set dataset.subset=FD002`; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(in crate::cli) set: Vec<String>,
}

impl ProfileArgs {
    /// Returns which pipeline is meant, if the source is not a data file.
    pub(in crate::cli) fn pipeline(&self) -> PipelineArgs {
        PipelineArgs {
            pipeline: self.source.first().cloned(),
            profile: self.profile.clone(),
            set: self.set.clone(),
        }
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pdm-ml data diff january.csv february.csv\n  pdm-ml data diff pipelines/old.toml pipelines/new.toml --exit-code\n\nUnits are compared by the columns that both have, values as 32-bit floats. Without --exit-code the exit code is 0 whether or\nnot the data sets differ."
)]
pub(in crate::cli) struct DiffArgs {
    /// Data file or pipeline file
    #[arg(value_name = "A")]
    pub(in crate::cli) before: PathBuf,
    /// Data file or pipeline file to compare with it
    #[arg(value_name = "B")]
    pub(in crate::cli) after: PathBuf,
    /// Exit with 3 if a unit or a column differs
    #[arg(long)]
    pub(in crate::cli) exit_code: bool,
}
