//! The arguments as clap sees them; nothing here is resolved or checked against files.

mod cache;
mod explain;
mod gates;
mod layers;
mod observe;
mod predict;
mod retrain;
mod runs;
mod schedule;
mod schema;

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use jiff::{SignedDuration, Span, SpanRelativeTo};

pub(super) use explain::ExplainArgs;
pub(super) use gates::{JudgedArgs, NotifyCommand, ReportTarget};

pub(super) use self::cache::{CacheCommand, CacheGcArgs, LockArgs};
use super::exit::Exit;
use pdm_core::domain::redact;
use pdm_engine::engine::Reuse;

pub(super) use layers::MigrateArgs;
pub(super) use observe::{LogFormat, TraceArgs, WatchArgs};
pub(super) use predict::{InputFormat, PredictArgs};
pub(super) use retrain::{DriftArgs, RetrainArgs};
pub(super) use runs::{RunsGcArgs, RunsListArgs};
pub(super) use schedule::{Ci, ScheduleCommand, ScheduleExportArgs, ScheduleNextArgs};
pub(super) use schema::SchemaCommand;

const EXAMPLES: &str = "\
Examples:
  pdm-ml run                               the whole line on a simulated fleet: no network, no account
  pdm-ml data fetch cmapss --from CMAPSSData.zip
  pdm-ml run pipelines/fd001.toml          the same line on NASA's FD001
  pdm-ml predict --model turbofan-fd001@champion --input units.txt
  pdm-ml plan pipelines/fd001.toml         what would run, and why

Exit codes:
";

/// Returns what stands below the help: examples, and what a CI job may read from the exit code.
fn after_help() -> String {
    let codes = Exit::TABLE.map(|(exit, meaning)| format!("  {:>3}  {meaning}", exit as u8));
    format!(
        "{EXAMPLES}{}\n  101  a bug; please report it",
        codes.join("\n")
    )
}

/// Predictive maintenance in one command: from run-to-failure data to a promoted remaining-useful-life model
#[derive(Debug, Parser)]
#[command(name = "pdm-ml", version, about, after_help = after_help(), max_term_width = 120, arg_required_else_help = true)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

impl Cli {
    /// Reads the arguments, and returns them with the name of the command, such as `registry list`.
    ///
    /// # Errors
    /// What is wrong with them, or the answer to `--help` and `--version`.
    pub(super) fn parse_named() -> Result<(Self, String), clap::Error> {
        let matches = Self::command().try_get_matches()?;
        let names = std::iter::successors(matches.subcommand(), |(_, inner)| inner.subcommand())
            .map(|(name, _)| name);
        let name = names.collect::<Vec<_>>().join(" ");
        Ok((Self::from_arg_matches(&matches)?, name))
    }
}

/// Flags every command takes.
#[derive(Debug, Args)]
pub(super) struct Global {
    /// Write data as a table for people or as JSON for programs
    #[arg(long, global = true, value_enum, default_value_t)]
    pub(super) format: OutputFormat,
    /// Work as if started in this folder
    #[arg(short = 'C', long = "directory", global = true, value_name = "DIR")]
    pub(super) directory: Option<PathBuf>,
    /// Colour messages; `auto` means on a terminal without NO_COLOR
    #[arg(long, global = true, value_enum, default_value_t)]
    pub(super) color: Color,
    /// Show no progress and no notes
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// Use this many threads; 0 means what the pipeline's budget says, or one per core. The results do not depend on it
    #[arg(long, global = true, default_value_t = 0, value_name = "N",
          value_parser = clap::value_parser!(u16).range(0..=1024))]
    pub(super) threads: u16,
    #[command(flatten)]
    pub(super) watch: WatchArgs,
    /// End with an error where a warning changes what the job means, such as that there is no champion yet; docs/gates.md
    /// lists them
    #[arg(long, global = true)]
    pub(super) strict: bool,
    /// Wait this long at most for another command that changes the project, such as 60s; 0 does not wait, and without it
    /// the wait has no end
    #[arg(long, global = true, value_name = "TIME", value_parser = cache::patience)]
    pub(super) wait: Option<Duration>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    /// Tables for people
    #[default]
    Table,
    /// One JSON document
    Json,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

/// Which pipeline, and what to change in it.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct PipelineArgs {
    /// Pipeline TOML; without it `pdm.toml` here or above; where there is none, `run` and what only shows something take the
    /// embedded default on a simulated fleet
    #[arg(value_name = "PIPELINE")]
    pub(super) pipeline: Option<PathBuf>,
    /// Lay the pipeline's table [profile.NAME] over it; without this the one that PDM_ML_PROFILE names, if any
    #[arg(short, long, value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// Override a value, such as `--set model.rounds=500`; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
}

/// What `doctor` looks at.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    pub(super) pipeline: PipelineArgs,
    /// Prove by experiment that this registry, a folder or URL, keeps its promise: what is created once stays
    #[arg(long, value_name = "URL", conflicts_with_all = ["pipeline", "profile", "set", "purpose"])]
    pub(super) registry: Option<String>,
    /// Check all that a job needs: pipeline, data, secrets, lock, registry, champion, clock, tracking; exit with the code that
    /// the job would meet first
    #[arg(long = "for", value_enum, value_name = "PURPOSE")]
    pub(super) purpose: Option<ProjectPurpose>,
}

/// What a project is to be ready for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ProjectPurpose {
    /// A job of a CI service
    Ci,
}

/// A pipeline to bring up to some stage.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct StageArgs {
    #[command(flatten)]
    pub(super) pipeline: PipelineArgs,
    /// Compute every stage again, cached or not, and write over files that are in the way; what is registered already stays
    /// registered
    #[arg(long)]
    pub(super) force: bool,
    /// Go on with a training that was stopped, or remove what it left and start afresh
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_value_t, default_missing_value = "auto")]
    pub(super) resume: Resume,
    #[command(flatten)]
    pub(super) lock: LockArgs,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Resume {
    /// Keep finished folds and checkpoints
    #[default]
    Auto,
    /// Start afresh
    Never,
}

impl StageArgs {
    /// Returns what of earlier work may be used.
    pub(super) fn reuse(&self) -> Reuse {
        Reuse {
            cached: !self.force,
            partial: self.resume == Resume::Auto,
            lock: self.lock.mode(),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Start a project: a commented pipeline and the folders it uses
    Init(InitArgs),
    /// Check this machine and project, and say what is missing
    Doctor(DoctorArgs),
    /// Fetch, simulate or validate data
    #[command(subcommand)]
    Data(DataCommand),
    /// Fit features and rank the sensors
    Features(FeaturesArgs),
    /// Cross-validate and fit the model
    Train(StageArgs),
    /// Search the options named in [tune] by cross-validation, and write the winner
    Tune(TuneArgs),
    /// Score the model under the pipeline's protocol
    Evaluate(EvaluateArgs),
    /// Judge the model by its gates, against the champion too
    Gate(JudgedArgs),
    /// Promote the model, or a registered version, if its gates pass
    Promote(PromoteArgs),
    /// Predict remaining useful life with a bundle or a registered model
    Predict(PredictArgs),
    /// Write a model in a form that programs without pdm-ml can load
    #[command(subcommand)]
    Export(ExportCommand),
    /// Run the whole line: validate, features, train, calibrate, evaluate, gate, register, promote
    Run(JudgedArgs),
    /// The night job: make, judge and promote a new model if there is a reason; twice does nothing, a kill loses nothing
    Retrain(RetrainArgs),
    /// Tell whether the units that came in differ from those the champion learnt from
    Drift(DriftArgs),
    /// Show what `run` would do, and why
    Plan(PlanArgs),
    /// List, explain or remove cached results of stages
    #[command(subcommand)]
    Cache(CacheCommand),
    /// List, show or compare recorded runs
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Send recorded runs to MLflow
    #[command(subcommand)]
    Track(TrackCommand),
    /// Try the notices of `run --notify`
    #[command(subcommand)]
    Notify(NotifyCommand),
    /// Read and change the model registry
    #[command(subcommand)]
    Registry(RegistryCommand),
    /// Show when the pipeline runs next, or write its [schedule] for cron, systemd, GitHub, Airflow, Kubernetes or Argo
    #[command(subcommand)]
    Schedule(ScheduleCommand),
    /// Show the resolved pipeline or its JSON schema
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the JSON schemas of the documents that `--format json` prints
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// Explain an error by its code, or list all codes
    Explain(ExplainArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pdm-ml init bearings\n  pdm-ml init engines --template fd001 --ci github\n  pdm-ml init --template fd001   in a project that is there: pipelines/fd001.toml\n  pdm-ml init --ci gitlab    in a project that is there: only the workflow"
)]
pub(super) struct InitArgs {
    /// Folder to make the project in
    #[arg(default_value = ".")]
    pub(super) folder: PathBuf,
    /// Pipeline to start from, `simulated` where none is named; in a project that is there, one more pipeline to write into
    /// `pipelines/`
    #[arg(long, value_enum)]
    pub(super) template: Option<Template>,
    /// Write a workflow for this service too: pull requests are judged, the main branch runs and promotes
    #[arg(long, value_enum)]
    pub(super) ci: Option<Ci>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Template {
    /// A simulated fleet; needs no data
    #[default]
    Simulated,
    /// NASA C-MAPSS FD001
    Fd001,
    /// NASA C-MAPSS FD002
    Fd002,
    /// NASA C-MAPSS FD003
    Fd003,
    /// NASA C-MAPSS FD004
    Fd004,
    /// Your own CSV or Parquet table
    Table,
}

#[derive(Debug, Subcommand)]
pub(super) enum DataCommand {
    /// Check a published data set's digests and install it
    #[command(
        after_help = "Examples:\n  pdm-ml data fetch cmapss --from ~/Downloads/CMAPSSData.zip\n  pdm-ml data fetch cmapss --from https://example.org/CMAPSSData.zip"
    )]
    Fetch(FetchArgs),
    /// Write a simulated turbofan fleet in the C-MAPSS text format
    #[command(
        after_help = "Example:\n  pdm-ml data simulate --regimes 6 --fault-modes 2 --seed 7 --name SIM004"
    )]
    Simulate(SimulateArgs),
    /// Check the pipeline's data against its expectations
    Validate(ValidateArgs),
}

#[derive(Debug, Args)]
pub(super) struct FetchArgs {
    /// Data set
    #[arg(value_enum)]
    pub(super) dataset: PublishedDataset,
    /// Folder, zip file or https URL that holds the published files
    #[arg(long, value_name = "FOLDER|ZIP|URL")]
    pub(super) from: String,
    /// Folder to install into
    #[arg(long, default_value = "datasets/cmapss", value_name = "DIR")]
    pub(super) into: PathBuf,
    /// Write over files with the names of published ones and other contents
    #[arg(long)]
    pub(super) force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PublishedDataset {
    /// NASA's simulated turbofans, FD001 to FD004
    Cmapss,
}

#[derive(Debug, Args)]
pub(super) struct SimulateArgs {
    /// Folder to write into
    #[arg(long, default_value = "datasets/simulated", value_name = "DIR")]
    pub(super) into: PathBuf,
    /// Name in the file names, such as train_NAME.txt
    #[arg(long, default_value = "SIM001")]
    pub(super) name: String,
    /// Run-to-failure units in the training part
    #[arg(long, default_value_t = 100)]
    pub(super) train_units: u32,
    /// Units in the test part
    #[arg(long, default_value_t = 100)]
    pub(super) test_units: u32,
    /// Operating regimes, 1 or 6
    #[arg(long, default_value_t = 1)]
    pub(super) regimes: u32,
    /// Fault modes, 1 or 2
    #[arg(long, default_value_t = 1)]
    pub(super) fault_modes: u32,
    /// Seed of all random numbers
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Write over files that were not simulated
    #[arg(long)]
    pub(super) force: bool,
}

#[derive(Debug, Args)]
pub(super) struct ValidateArgs {
    #[command(flatten)]
    pub(super) pipeline: PipelineArgs,
    /// Write the full quality report as JSON to this file
    #[arg(long, aliases = ["output", "out"], value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    /// Write over a file that is no earlier quality report
    #[arg(long, requires = "report")]
    pub(super) force: bool,
}

#[derive(Debug, Args)]
pub(super) struct FeaturesArgs {
    #[command(flatten)]
    pub(super) stage: StageArgs,
    /// Write the training units' feature table to this CSV or Parquet file
    #[arg(short, long, alias = "out", value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Write over a file that is no earlier table of features; so does --force
    #[arg(long, requires = "output")]
    pub(super) overwrite: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pdm-ml tune pipelines/fd001.toml --dry-run\n  pdm-ml tune pipelines/fd001.toml --trials 60\n\nA search that was stopped goes on where it stopped when the same command is run again."
)]
pub(super) struct TuneArgs {
    #[command(flatten)]
    pub(super) pipeline: PipelineArgs,
    /// Try at most this many values beside the file's own; the same as `--set tune.trials=N`
    #[arg(long, value_name = "N")]
    pub(super) trials: Option<usize>,
    /// Write the tuned pipeline to this file; without it `x.tuned.toml` beside `x.toml`
    #[arg(short, long, alias = "out", value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long)]
    pub(super) force: bool,
    /// Begin anew: forget what this search has found out
    #[arg(long)]
    pub(super) fresh: bool,
    /// Show what would be searched, and try nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pdm-ml evaluate pipelines/fd001.toml\n  pdm-ml evaluate pipelines/fd001.toml --set model.rounds=400 --against turbofan-fd001@champion\n  pdm-ml evaluate --against 0193a1b2"
)]
pub(super) struct EvaluateArgs {
    #[command(flatten)]
    pub(super) stage: StageArgs,
    /// Write the judged predictions to this CSV or Parquet file
    #[arg(long, aliases = ["output", "out"], value_name = "FILE")]
    pub(super) predictions: Option<PathBuf>,
    /// Write over a file that is no earlier table of predictions; so does --force
    #[arg(long, requires = "predictions")]
    pub(super) overwrite: bool,
    /// Compare with this model on the same units, score by score with paired intervals: the beginning of a run's id, a
    /// registered version such as `turbofan@champion` or `turbofan:v3`, or a bundle folder
    #[arg(long, value_name = "REF")]
    pub(super) against: Option<String>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pdm-ml promote pipelines/fd001.toml\n  pdm-ml promote pipelines/fd001.toml --model turbofan-fd001/3 --reason \"shadow week was good\""
)]
pub(super) struct PromoteArgs {
    #[command(flatten)]
    pub(super) pipeline: PipelineArgs,
    /// Promote this registered version, such as `turbofan/3`, instead of the pipeline's own
    #[arg(long, value_name = "NAME/VERSION")]
    pub(super) model: Option<String>,
    /// Why, for the log
    #[arg(long, default_value = "", value_name = "TEXT", value_parser = without_secrets, requires = "model")]
    pub(super) reason: String,
    /// Promote past the gates; the log remembers that, and the reason
    #[arg(long, requires = "model", requires = "reason")]
    pub(super) force: bool,
    /// Approve the version in your name, for somebody else to promote; asked for by `approvals` in `registry/*.toml`
    #[arg(long, requires = "model", conflicts_with = "force")]
    pub(super) approve: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum ExportCommand {
    /// Write the model as an ONNX graph, from its input tensor to the predicted remaining useful life
    #[command(
        after_help = "Example:\n  pdm-ml export onnx turbofan-fd001@champion --output model.onnx"
    )]
    Onnx(ExportArgs),
    /// Write the folder of an MLflow model, for `mlflow.pyfunc.load_model` and `mlflow models serve`
    #[command(
        after_help = "Examples:\n  pdm-ml export mlflow turbofan-fd001@champion --output model\n  mlflow models serve -m model --env-manager local"
    )]
    Mlflow {
        #[command(flatten)]
        export: ExportArgs,
        /// Show the input of these units as the example, from C-MAPSS text, CSV or Parquet; without it, that of a unit at the
        /// medians of the training data
        #[arg(short, long, value_name = "FILE")]
        input: Option<PathBuf>,
    },
    /// Write what the exported model reads of some units, at their last cycles, as a request to `mlflow models serve`
    #[command(
        after_help = "Example:\n  pdm-ml export inputs turbofan-fd001@champion --input units.csv --output inputs.json\n  curl -H 'Content-Type: application/json' -d @inputs.json http://127.0.0.1:5000/invocations"
    )]
    Inputs {
        #[command(flatten)]
        export: ExportArgs,
        /// C-MAPSS text, CSV or Parquet with the columns the model needs
        #[arg(short, long, value_name = "FILE")]
        input: PathBuf,
        /// Only these units; may be repeated
        #[arg(long, value_name = "UNIT")]
        unit: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Bundle folder, or `name@alias`, or `name/version`
    #[arg(value_name = "BUNDLE|REF")]
    pub(super) model: String,
    /// Write here; an earlier export is written over
    #[arg(short, long = "output", alias = "out", value_name = "PATH")]
    pub(super) out: PathBuf,
    /// Write over files that are no earlier export
    #[arg(long)]
    pub(super) force: bool,
    #[command(flatten)]
    pub(super) registry: RegistryArgs,
}

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    pub(super) pipeline: PipelineArgs,
    /// Exit with 3 when something would run
    #[arg(long)]
    pub(super) exit_code: bool,
}

#[derive(Debug, Args)]
pub(super) struct RunStoreArgs {
    /// Folder of recorded runs; without it the pipeline's
    #[arg(long, value_name = "DIR")]
    pub(super) runs: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum RunsCommand {
    /// List recorded runs, newest first: what they learnt, how well, and what was set
    List(RunsListArgs),
    /// Show one run: parameters, final metrics, artifacts
    Show {
        /// Run id, or the beginning of one
        run: String,
        #[command(flatten)]
        store: RunStoreArgs,
    },
    /// Write a run's timeline as a Chrome trace, for Perfetto and chrome://tracing
    Trace(TraceArgs),
    /// Print how to see the runs in MLflow's own pages: start a server on a file, and replay them to it
    Ui {
        #[command(flatten)]
        pipeline: PipelineArgs,
        /// Port of the server
        #[arg(long, default_value_t = 5000)]
        port: u16,
    },
    /// Remove old runs; names all of them first
    Gc(RunsGcArgs),
    /// Compare runs side by side: what differs, the final metrics, and the scores with paired intervals over the same units
    #[command(
        after_help = "Example:\n  pdm-ml runs compare 0193a1b2 0193a1c3\n\nEach later run is compared with the first, out of fold and on the part that gates judge; runs that were scored under\ndifferent protocols are not compared, and the table says in what they differ."
    )]
    Compare {
        /// Run ids, or the beginnings of them
        #[arg(required = true, num_args = 2..)]
        run: Vec<String>,
        #[command(flatten)]
        store: RunStoreArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum TrackCommand {
    /// Replay recorded runs to an MLflow server, and bring its models in step with the registry; safe to repeat
    Sync(SyncArgs),
}

#[derive(Debug, Args)]
pub(super) struct SyncArgs {
    #[command(flatten)]
    pub(super) pipeline: PipelineArgs,
    /// Address of the server; without it the pipeline's, else MLFLOW_TRACKING_URI
    #[arg(long, value_name = "URL")]
    pub(super) to: Option<String>,
    /// Bring back what was deleted on the server: the experiments of these runs, and the runs themselves
    #[arg(long)]
    pub(super) restore: bool,
}

#[derive(Debug, Args)]
pub(super) struct RegistryArgs {
    /// Registry: a folder or URL; without it the pipeline's
    #[arg(long, value_name = "URL")]
    pub(super) registry: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct GcArgs {
    /// Only say what would be removed
    #[arg(long)]
    pub(super) dry_run: bool,
    /// How long a version must have been retired, and how old a file must be; at least 2d
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = grace)]
    pub(super) grace: SignedDuration,
    /// Do not ask
    #[arg(long, conflicts_with = "dry_run")]
    pub(super) yes: bool,
    /// Remove blobs that no entry of the log names even where they are most of all bytes
    #[arg(long)]
    pub(super) force: bool,
    #[command(flatten)]
    pub(super) registry: RegistryArgs,
}

/// Reads `7d`, `2 weeks` or `72h`.
fn grace(text: &str) -> Result<SignedDuration, String> {
    let span = text.parse::<Span>();
    let grace = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()));
    grace.map_err(|_| "expected a time such as 7d or 72h".to_owned())
}

/// Reads words that are kept for good, where a secret would stay for good, too.
fn without_secrets(text: &str) -> Result<String, Infallible> {
    Ok(redact(text).into_owned())
}

/// Who keeps a bucket.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Keeper {
    /// Amazon S3, or who understands its policies
    S3,
}

/// What a job does with a registry.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(super) enum RoleArg {
    /// Lists and fetches models
    #[default]
    Reader,
    /// Registers models and moves aliases
    Publisher,
    /// Moves aliases, and can overwrite nothing
    Promoter,
    /// Removes what nothing rests on any more
    Collector,
}

#[derive(Debug, Subcommand)]
pub(super) enum RegistryCommand {
    /// List models with their versions and aliases
    List(RegistryArgs),
    /// Show one version: digests, scores, gates
    Show {
        /// `name@alias` or `name/version`
        model: String,
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Show what differs between two versions: files, scores, options, origin; exit code 0 whether or not they differ
    Diff {
        /// `name@alias` or `name/version`
        a: String,
        /// `name@alias` or `name/version`
        b: String,
        /// The registry of the second version: a folder or URL
        #[arg(long, value_name = "URL")]
        to: Option<String>,
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Show who moved what when; the whole log or one model's
    History {
        /// Model name
        model: Option<String>,
        /// Show the aliases as they stood at this time (RFC 3339 or YYYY-MM-DD)
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Check the hash chain and every stored byte
    Verify {
        /// A head noted earlier, as a digest or an entry's number, that must still be part of the log
        #[arg(long, value_name = "DIGEST|ENTRY")]
        head: Option<String>,
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Copy a version from the pipeline's registry to another, with everything it rests on; aliases stay
    Push {
        /// `name@alias` or `name/version`
        model: String,
        /// The registry to copy to: a folder or URL
        #[arg(long, value_name = "URL")]
        to: String,
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Copy a version from another registry into the pipeline's, with everything it rests on; aliases stay
    Pull {
        /// `name@alias` or `name/version`
        model: String,
        /// The registry to copy from: a folder or URL
        #[arg(long, value_name = "URL")]
        from: String,
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Copy all versions of all models, or of those named, from one registry to another
    Copy {
        /// The registry to copy from: a folder or URL
        from: String,
        /// The registry to copy to: a folder or URL
        to: String,
        /// Model names
        #[arg(value_name = "MODEL")]
        models: Vec<String>,
    },
    /// Write the files of a version into a folder, every byte verified
    Fetch {
        /// `name@alias` or `name/version`
        model: String,
        /// The folder; it is made where it is missing
        #[arg(long, value_name = "FOLDER")]
        into: PathBuf,
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Write a version as an OCI image layout, which `oras` and `skopeo` push to a registry of containers
    Export {
        /// `name@alias` or `name/version`
        model: String,
        /// The folder to write; must not be there yet
        #[arg(long, value_name = "FOLDER")]
        oci: PathBuf,
        /// Tag in the layout [default: v and the number of the version]
        #[arg(long, value_name = "TAG")]
        tag: Option<String>,
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Remove files of retired versions, and what killed jobs left; names all of it first
    Gc(GcArgs),
    /// Bring the pipeline up to a registered version, without promoting it
    Register {
        #[command(flatten)]
        stage: StageArgs,
        /// Register the model even where its gates refuse it or cannot tell; `promote --model … --force` is then up to you
        #[arg(long)]
        refused: bool,
    },
    /// Print the least rights a job needs on the registry's bucket, as a policy for its keeper
    Policy {
        /// Who keeps the bucket
        #[arg(value_enum)]
        keeper: Keeper,
        /// What the job does
        #[arg(long, value_enum, default_value_t)]
        role: RoleArg,
        /// ARN of the job's identity: prints a policy of the bucket instead of one of the identity
        #[arg(long, value_name = "ARN")]
        principal: Option<String>,
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Make a key to sign with: the secret half in FILE, the public half beside it
    Keygen {
        /// File for the secret half; must not exist
        file: PathBuf,
    },
    /// Keep a note about a version in the log
    Annotate {
        /// `name@alias` or `name/version`
        model: String,
        /// What to say
        #[arg(long, value_name = "TEXT", value_parser = without_secrets)]
        note: String,
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Take a version out of use: no alias can be pointed to it any more
    Retire {
        /// `name/version`
        model: String,
        /// Why, for the log
        #[arg(long, value_name = "TEXT", value_parser = without_secrets)]
        reason: String,
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Point an alias back at what it pointed to before
    Rollback {
        /// `name@alias`, such as `turbofan@champion`
        model: String,
        /// Why, for the log
        #[arg(long, default_value = "", value_name = "TEXT", value_parser = without_secrets)]
        reason: String,
        #[command(flatten)]
        registry: RegistryArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Print the pipeline with every default filled in
    Show {
        #[command(flatten)]
        pipeline: PipelineArgs,
        /// Say where each value comes from
        #[arg(long)]
        origin: bool,
    },
    /// Print the JSON schema of the pipeline file, for editors
    Schema,
    /// Print the reference of the pipeline file, every key of it, as Markdown
    Reference,
    /// Bring files to the newest version of the format, comments and all; older versions stay readable
    Migrate(MigrateArgs),
}
