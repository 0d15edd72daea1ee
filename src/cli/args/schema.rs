//! The arguments of `schema`.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SchemaCommand {
    /// List the documents that `--format json` prints, or print the JSON schema of one
    #[command(
        after_help = "Examples:\n  pdm-ml schema outputs\n  pdm-ml schema outputs outcome > outcome.schema.json"
    )]
    Outputs {
        /// Name of a document; without it all are listed, with the commands that print them
        name: Option<String>,
    },
}
