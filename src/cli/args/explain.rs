use clap::Args;

/// Which error to explain.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pdm-ml explain            every code with its title and exit code\n  pdm-ml explain E0107\n  pdm-ml explain 107        the same\n  pdm-ml explain E0107 --format json"
)]
pub(in crate::cli) struct ExplainArgs {
    /// Code in brackets after `error`; without it, all codes are listed
    #[arg(value_name = "CODE")]
    pub(in crate::cli) code: Option<String>,
}
