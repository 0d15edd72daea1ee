//! The arguments as clap sees them; nothing here is resolved or checked against files.

mod cache;
mod data;
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

pub(super) use data::{DiffArgs, InferArgs, ProfileArgs};
pub(super) use layers::MigrateArgs;
pub(super) use observe::{LogFormat, TraceArgs, WatchArgs};
pub(super) use predict::{InputFormat, PredictArgs};
pub(super) use retrain::{DriftArgs, RetrainArgs};
pub(super) use runs::{RunsGcArgs, RunsListArgs};
pub(super) use schedule::{Ci, ScheduleCommand, ScheduleExportArgs, ScheduleNextArgs};
pub(super) use schema::SchemaCommand;

const EXAMPLES: &str = "\
Examples:
  pdm-ml run                               the whole pipeline on a simulated fleet: no network, no account
  pdm-ml data fetch cmapss --from CMAPSSData.zip
  pdm-ml run pipelines/fd001.toml          the same on NASA's FD001
  pdm-ml predict --model turbofan-fd001@champion --input units.txt
  pdm-ml plan pipelines/fd001.toml         what would run, and why

Exit codes:
";

/// Returns the text below the help: examples, and the exit codes for CI jobs.
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
    /// The arguments are invalid, or they are `--help` or `--version`.
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
    /// Output format: a table for people, or JSON for programs
    #[arg(long, global = true, value_enum, default_value_t)]
    pub(super) format: OutputFormat,
    /// Change to this folder first
    #[arg(short = 'C', long = "directory", global = true, value_name = "DIR")]
    pub(super) directory: Option<PathBuf>,
    /// Colour messages; `auto` means on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, default_value_t)]
    pub(super) color: Color,
    /// Show no progress and no notes
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// Number of threads; 0 uses the pipeline's budget, else one per core. Results do not depend on it
    #[arg(long, global = true, default_value_t = 0, value_name = "N",
          value_parser = clap::value_parser!(u16).range(0..=1024))]
    pub(super) threads: u16,
    #[command(flatten)]
    pub(super) watch: WatchArgs,
    /// Fail on warnings that change what the job does, for example that there is no champion yet; docs/gates.md lists them
    #[arg(long, global = true)]
    pub(super) strict: bool,
    /// Wait at most this long, such as 60s, for another command that is changing the project; 0 does not wait; without
    /// this flag there is no limit
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
    /// Pipeline file [default: `pdm.toml` in this folder or the nearest one above; without one, `run` and commands that only
    /// show something use a built-in pipeline on a simulated fleet]
    #[arg(value_name = "PIPELINE")]
    pub(super) pipeline: Option<PathBuf>,
    /// Apply the pipeline's table [profile.NAME] [default: the one named by PDM_ML_PROFILE, if set]
    #[arg(short, long, value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// Override a value, such as `--set model.rounds=500`; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
}

/// What `doctor` checks.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    pub(super) pipeline: PipelineArgs,
    /// Test whether this store, a folder or URL, is safe for a registry: an object that exists cannot be created again
    #[arg(long, value_name = "URL", conflicts_with_all = ["pipeline", "profile", "set", "purpose"])]
    pub(super) registry: Option<String>,
    /// Check everything that a job needs: pipeline, data, secrets, lock, registry, champion, clock, tracking; exit with the
    /// code of the first error that the job would hit
    #[arg(long = "for", value_enum, value_name = "PURPOSE")]
    pub(super) purpose: Option<ProjectPurpose>,
}

/// What the project is checked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ProjectPurpose {
    /// A CI job
    Ci,
}

/// A pipeline to run up to some stage.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct StageArgs {
    #[command(flatten)]
    pub(super) pipeline: PipelineArgs,
    /// Compute every stage again, even if it is cached, and overwrite existing output files; registered versions are kept
    #[arg(long)]
    pub(super) force: bool,
    /// Whether to continue a training that was interrupted, or to start it from scratch
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
    /// Discard them and start from scratch
    Never,
}

impl StageArgs {
    /// Returns which results of earlier work may be used.
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
    /// Create a project: a commented pipeline and its folders
    Init(InitArgs),
    /// Check this machine and project, and report what is missing
    Doctor(DoctorArgs),
    /// Fetch, simulate, validate, describe or compare data, or draft a pipeline from files
    #[command(subcommand)]
    Data(DataCommand),
    /// Fit features and rank the sensors
    Features(FeaturesArgs),
    /// Cross-validate and fit the model
    Train(StageArgs),
    /// Search the options named in [tune] by cross-validation, and write a pipeline with the best ones
    Tune(TuneArgs),
    /// Score the model under the pipeline's protocol
    Evaluate(EvaluateArgs),
    /// Judge the model by its gates, including those that compare it with the champion
    Gate(JudgedArgs),
    /// Promote the model, or a registered version, if its gates pass
    Promote(PromoteArgs),
    /// Predict remaining useful life with a bundle or a registered model
    Predict(PredictArgs),
    /// Export a model for programs without pdm-ml
    #[command(subcommand)]
    Export(ExportCommand),
    /// Run all stages: validate, features, train, calibrate, evaluate, gate, register, promote
    Run(JudgedArgs),
    /// For scheduled jobs: train, judge and promote a new model if there is a reason to; safe to repeat and to interrupt
    Retrain(RetrainArgs),
    /// Test whether new units differ from those that the champion was trained on
    Drift(DriftArgs),
    /// Show which stages `run` would run, and why
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
    /// Test the notifications of `--notify`
    #[command(subcommand)]
    Notify(NotifyCommand),
    /// Read and change the model registry
    #[command(subcommand)]
    Registry(RegistryCommand),
    /// Show the next scheduled times, or export [schedule] for cron, systemd, GitHub, Airflow, Kubernetes or Argo
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
    after_help = "Examples:\n  pdm-ml init bearings\n  pdm-ml init engines --template fd001 --ci github\n  pdm-ml init --template fd001   in an existing project: adds pipelines/fd001.toml\n  pdm-ml init --ci gitlab        in an existing project: adds only the workflow"
)]
pub(super) struct InitArgs {
    /// Folder to create the project in
    #[arg(default_value = ".")]
    pub(super) folder: PathBuf,
    /// Template of the pipeline [default: simulated]; in an existing project, adds a pipeline to `pipelines/`
    #[arg(long, value_enum)]
    pub(super) template: Option<Template>,
    /// Also write a workflow for this service that judges pull requests, and runs and promotes on the main branch
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
    /// Draft a pipeline from data files: units, time, settings, sensors and ends of lives, each with the reason
    Infer(InferArgs),
    /// Describe a data set: distributions, lives with a Kaplan-Meier curve, prognostic value, regimes
    Profile(ProfileArgs),
    /// Compare two data sets: units, columns, distributions
    Diff(DiffArgs),
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
    /// Overwrite files that have the name of a published file but other contents
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
    /// Name used in the file names, such as train_NAME.txt
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
    /// Overwrite files that this command did not write
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
    /// Overwrite a file that is not an earlier quality report
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
    /// Overwrite a file that is not an earlier table of features (--force does so too)
    #[arg(long, requires = "output")]
    pub(super) overwrite: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pdm-ml tune pipelines/fd001.toml --dry-run\n  pdm-ml tune pipelines/fd001.toml --trials 60\n\nRun the same command again to continue a search that was interrupted."
)]
pub(super) struct TuneArgs {
    #[command(flatten)]
    pub(super) pipeline: PipelineArgs,
    /// Maximum number of trials, not counting the file's own values; the same as `--set tune.trials=N`
    #[arg(long, value_name = "N")]
    pub(super) trials: Option<usize>,
    /// Write the tuned pipeline to this file [default: `x.tuned.toml` next to `x.toml`]
    #[arg(short, long, alias = "out", value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Overwrite an existing file
    #[arg(long)]
    pub(super) force: bool,
    /// Discard the finished trials of this search and start from scratch
    #[arg(long)]
    pub(super) fresh: bool,
    /// Show what would be searched, without running a trial
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
    /// Overwrite a file that is not an earlier table of predictions (--force does so too)
    #[arg(long, requires = "predictions")]
    pub(super) overwrite: bool,
    /// Compare with this model on the same units, with paired intervals for every score: the start of a run id, a
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
    /// Reason to record in the log
    #[arg(long, default_value = "", value_name = "TEXT", value_parser = without_secrets, requires = "model")]
    pub(super) reason: String,
    /// Promote even if gates do not pass; the log records this and the reason
    #[arg(long, requires = "model", requires = "reason")]
    pub(super) force: bool,
    /// Approve the version, for another person to promote it; required by `approvals` in `registry/*.toml`
    #[arg(long, requires = "model", conflicts_with = "force")]
    pub(super) approve: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum ExportCommand {
    /// Write the model as an ONNX graph from its input tensor to the predicted remaining useful life
    #[command(
        after_help = "Example:\n  pdm-ml export onnx turbofan-fd001@champion --output model.onnx"
    )]
    Onnx(ExportArgs),
    /// Write an MLflow model folder for `mlflow.pyfunc.load_model` and `mlflow models serve`
    #[command(
        after_help = "Examples:\n  pdm-ml export mlflow turbofan-fd001@champion --output model\n  mlflow models serve -m model --env-manager local"
    )]
    Mlflow {
        #[command(flatten)]
        export: ExportArgs,
        /// Use these units (C-MAPSS text, CSV or Parquet) as the input example [default: a unit at the medians of the training
        /// data]
        #[arg(short, long, value_name = "FILE")]
        input: Option<PathBuf>,
    },
    /// Write the model inputs of units at their last cycles, as a request to `mlflow models serve`
    #[command(
        after_help = "Example:\n  pdm-ml export inputs turbofan-fd001@champion --input units.csv --output inputs.json\n  curl -H 'Content-Type: application/json' -d @inputs.json http://127.0.0.1:5000/invocations"
    )]
    Inputs {
        #[command(flatten)]
        export: ExportArgs,
        /// C-MAPSS text, CSV or Parquet with the columns the model needs
        #[arg(short, long, value_name = "FILE")]
        input: PathBuf,
        /// Write only these units; may be repeated
        #[arg(long, value_name = "UNIT")]
        unit: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Bundle folder, or `name@alias`, or `name/version`
    #[arg(value_name = "BUNDLE|REF")]
    pub(super) model: String,
    /// File or folder to write; an earlier export is replaced
    #[arg(short, long = "output", alias = "out", value_name = "PATH")]
    pub(super) out: PathBuf,
    /// Overwrite files that are not an earlier export
    #[arg(long)]
    pub(super) force: bool,
    #[command(flatten)]
    pub(super) registry: RegistryArgs,
}

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    pub(super) pipeline: PipelineArgs,
    /// Exit with 3 if a stage would run
    #[arg(long)]
    pub(super) exit_code: bool,
}

#[derive(Debug, Args)]
pub(super) struct RunStoreArgs {
    /// Folder of recorded runs [default: that of the pipeline]
    #[arg(long, value_name = "DIR")]
    pub(super) runs: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum RunsCommand {
    /// List recorded runs, newest first, with model, scores and overrides
    List(RunsListArgs),
    /// Show one run: parameters, final metrics, artifacts
    Show {
        /// Run id, or the start of one
        run: String,
        #[command(flatten)]
        store: RunStoreArgs,
    },
    /// Write a run's timeline as a Chrome trace, for Perfetto and chrome://tracing
    Trace(TraceArgs),
    /// Print the commands that show the runs in MLflow's web pages: start a local server, and send the runs to it
    Ui {
        #[command(flatten)]
        pipeline: PipelineArgs,
        /// Port of the server
        #[arg(long, default_value_t = 5000)]
        port: u16,
    },
    /// Remove old runs, after listing them and asking
    Gc(RunsGcArgs),
    /// Compare runs side by side: differences, final metrics, and scores with paired intervals on the same units
    #[command(
        after_help = "Example:\n  pdm-ml runs compare 0193a1b2 0193a1c3\n\nEach later run is compared with the first, out of fold and on the part that gates judge; runs that were scored under\ndifferent protocols are not compared, and the table shows how the protocols differ."
    )]
    Compare {
        /// Run ids, or the starts of them
        #[arg(required = true, num_args = 2..)]
        run: Vec<String>,
        #[command(flatten)]
        store: RunStoreArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum TrackCommand {
    /// Send recorded runs to an MLflow server, and update its models from the registry; safe to repeat
    Sync(SyncArgs),
}

#[derive(Debug, Args)]
pub(super) struct SyncArgs {
    #[command(flatten)]
    pub(super) pipeline: PipelineArgs,
    /// Address of the server [default: that of the pipeline, else MLFLOW_TRACKING_URI]
    #[arg(long, value_name = "URL")]
    pub(super) to: Option<String>,
    /// Restore experiments and runs that were deleted on the server
    #[arg(long)]
    pub(super) restore: bool,
}

#[derive(Debug, Args)]
pub(super) struct RegistryArgs {
    /// Registry: a folder or URL [default: that of the pipeline]
    #[arg(long, value_name = "URL")]
    pub(super) registry: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct GcArgs {
    /// Only list what would be removed
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Minimum time since a version was retired, and minimum age of a file; at least 2d
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = grace)]
    pub(super) grace: SignedDuration,
    /// Do not ask for confirmation
    #[arg(long, conflicts_with = "dry_run")]
    pub(super) yes: bool,
    /// Remove blobs that the log does not reference even if they are more than half of the registry
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

/// Reads text that is stored permanently, and removes secrets from it.
fn without_secrets(text: &str) -> Result<String, Infallible> {
    Ok(redact(text).into_owned())
}

/// The provider of a bucket.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Keeper {
    /// Amazon S3, or a store that understands its policies
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
    /// Moves aliases, without permission to overwrite anything
    Promoter,
    /// Removes files that are no longer referenced
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
    /// Show how two versions differ: files, scores, options, origin; the exit code is 0 whether or not they differ
    Diff {
        /// `name@alias` or `name/version`
        a: String,
        /// `name@alias` or `name/version`
        b: String,
        /// Registry of the second version: a folder or URL [default: that of the first]
        #[arg(long, value_name = "URL")]
        to: Option<String>,
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Show the log, of all models or of one: who changed what, and when
    History {
        /// Model name
        model: Option<String>,
        /// Show where the aliases pointed at this time (RFC 3339 or YYYY-MM-DD)
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Check the hash chain and every stored byte
    Verify {
        /// Head that you noted earlier, as a digest or entry number; it must still be part of the log
        #[arg(long, value_name = "DIGEST|ENTRY")]
        head: Option<String>,
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Copy a version and everything it depends on from the pipeline's registry to another; aliases are not changed
    Push {
        /// `name@alias` or `name/version`
        model: String,
        /// Registry to copy to: a folder or URL
        #[arg(long, value_name = "URL")]
        to: String,
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Copy a version and everything it depends on from another registry to the pipeline's; aliases are not changed
    Pull {
        /// `name@alias` or `name/version`
        model: String,
        /// Registry to copy from: a folder or URL
        #[arg(long, value_name = "URL")]
        from: String,
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Copy all versions of all models, or of the named ones, from one registry to another
    Copy {
        /// Registry to copy from: a folder or URL
        from: String,
        /// Registry to copy to: a folder or URL
        to: String,
        /// Model names
        #[arg(value_name = "MODEL")]
        models: Vec<String>,
    },
    /// Write the files of a version into a folder, with every digest verified
    Fetch {
        /// `name@alias` or `name/version`
        model: String,
        /// Folder to write into; created if it does not exist
        #[arg(long, value_name = "FOLDER")]
        into: PathBuf,
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Write a version as an OCI image layout, which `oras` and `skopeo` push to a container registry
    Export {
        /// `name@alias` or `name/version`
        model: String,
        /// Folder to write; must not exist yet
        #[arg(long, value_name = "FOLDER")]
        oci: PathBuf,
        /// Tag in the layout [default: v and the version number]
        #[arg(long, value_name = "TAG")]
        tag: Option<String>,
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Remove files of retired versions and leftovers of killed jobs, after listing them and asking
    Gc(GcArgs),
    /// Run the pipeline up to a registered version, without promoting it
    Register {
        #[command(flatten)]
        stage: StageArgs,
        /// Register the model even if a gate failed or is undecided; promoting it then needs `promote --model … --force`
        #[arg(long)]
        refused: bool,
    },
    /// Print the minimum permissions that a job needs on the registry's bucket, as a policy for its provider
    Policy {
        /// Provider of the bucket
        #[arg(value_enum)]
        keeper: Keeper,
        /// What the job does
        #[arg(long, value_enum, default_value_t)]
        role: RoleArg,
        /// ARN of the job's identity; prints a bucket policy instead of an identity policy
        #[arg(long, value_name = "ARN")]
        principal: Option<String>,
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Create a signing key: the secret key in FILE, the public key in a file next to it
    Keygen {
        /// File for the secret key; must not exist
        file: PathBuf,
    },
    /// Add a note about a version to the log
    Annotate {
        /// `name@alias` or `name/version`
        model: String,
        /// Text of the note
        #[arg(long, value_name = "TEXT", value_parser = without_secrets)]
        note: String,
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Take a version out of use: aliases can no longer point to it
    Retire {
        /// `name/version`
        model: String,
        /// Reason to record in the log
        #[arg(long, value_name = "TEXT", value_parser = without_secrets)]
        reason: String,
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Move an alias back to the version it pointed to before
    Rollback {
        /// `name@alias`, such as `turbofan@champion`
        model: String,
        /// Reason to record in the log
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
        /// Show where each value comes from
        #[arg(long)]
        origin: bool,
    },
    /// Print the JSON schema of the pipeline file, for editors
    Schema,
    /// Print the reference of all keys of the pipeline file, as Markdown
    Reference,
    /// Convert files to the newest format version, keeping comments; older versions stay readable
    Migrate(MigrateArgs),
}
