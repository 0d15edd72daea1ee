use std::path::PathBuf;

use clap::Args;

/// Files to convert to the newest format version.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pdm-ml config migrate pdm.toml                        print the converted file\n  pdm-ml config migrate --check --exit-code pipelines/*.toml\n  pdm-ml config migrate --write pipelines/*.toml"
)]
pub(in crate::cli) struct MigrateArgs {
    /// Pipeline files, and files they extend [default: `pdm.toml` in this folder or the nearest one above]
    #[arg(value_name = "PIPELINE")]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// Write the files; without this flag nothing is written
    #[arg(long, conflicts_with = "check")]
    pub(in crate::cli) write: bool,
    /// List what would change instead of printing the converted file
    #[arg(long)]
    pub(in crate::cli) check: bool,
    /// With --check: exit with 3 if something would change
    #[arg(long, requires = "check")]
    pub(in crate::cli) exit_code: bool,
}
