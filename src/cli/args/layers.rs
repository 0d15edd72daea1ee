use std::path::PathBuf;

use clap::Args;

/// Files to bring to the newest version of the format.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pdm-ml config migrate pdm.toml                        print it as it would be\n  pdm-ml config migrate --check --exit-code pipelines/*.toml\n  pdm-ml config migrate --write pipelines/*.toml"
)]
pub(in crate::cli) struct MigrateArgs {
    /// Pipeline TOMLs, and files they extend [default: `pdm.toml`, here or above]
    #[arg(value_name = "PIPELINE")]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// Write the files anew; without this nothing is written
    #[arg(long, conflicts_with = "check")]
    pub(in crate::cli) write: bool,
    /// Say what would change, instead of printing a file as it would be
    #[arg(long)]
    pub(in crate::cli) check: bool,
    /// With --check: exit with 3 where something would change
    #[arg(long, requires = "check")]
    pub(in crate::cli) exit_code: bool,
}
