//! Records runs: their parameters, metrics, artifacts and results.
//!
//! The journal comes first and the network second. An [`ActiveRun`] listens to events and writes each to its journal
//! immediately; a [`BestEffort`] thread follows the journal and copies it to an MLflow server, and never delays the work.
//! [`sync`] does the same later; it can be repeated with the same result.
//!
//! | part | purpose |
//! | --- | --- |
//! | `journal` | the file format: one JSON object per line, the first opens the run, the last ends it |
//! | `local` | the store: folders, locks, the run being written, the list, the reaper |
//! | [`Run`], [`compare`] | a journal read back: parameters, metrics by step, artifacts, stages, status |
//! | `mlflow` | the REST client and the idempotent replay |
//! | [`mirror`] | a registry's models, shown on the server |
//! | `system` | metrics of the machine |
//! | [`TrackingOptions`] | the table `[tracking]` of the pipeline file |
//!
//! On disk, under `experiments/runs`:
//!
//! ```text
//! <run-id>/
//! ├── journal.ndjson     append-only record of the run
//! ├── artifacts/…        copies of the files the run declared
//! ├── lock               held by the process that writes; free without an end line means killed
//! ├── mlflow.json        hint for the next replay; may be deleted
//! └── mlflow.lock        held by the process that replays
//! looks.ndjson           which models were scored on which test part or holdout
//! ```

mod best_effort;
mod catalog;
mod clock;
mod compare;
mod error;
mod journal;
mod local;
mod mlflow;
mod number;
mod options;
mod parts;
mod run;
mod run_id;
mod secret;
mod system;

pub use best_effort::BestEffort;
pub use catalog::{Catalog, CatalogModel, CatalogVersion};
pub use compare::{ComparedRun, MetricRow, ParamRow, RunComparison, compare};
pub use error::TrackingError;
pub use journal::{RunHeader, RunOutcome};
pub use local::{
    ActiveRun, KeptRun, ListedRun, ListedScore, Listing, Looks, RecordedModel, RemovableRun,
    RunFilter, RunListing, RunPolicy, RunRemoval, RunStore, RunSummary, RunsToRemove, Unreadable,
};
pub use mlflow::{
    Connection, LostRun, MirrorReport, MlflowClient, SyncReport, SyncState, lost, mirror, sync,
};
pub use number::Number;
pub use options::TrackingOptions;
pub use run::{
    InputRecord, KeptArtifact, MetricPoint, PartRecord, Run, RunStatus, StageRecord, StageState,
};
pub use run_id::{ParseRunIdError, RunId};
pub use secret::{Credentials, Secret};
pub use system::{SystemOptions, SystemWatch};

pub use pdm_core::retry::RetryPolicy;

/// The tag of a run that holds what the command line set for it: a list of texts, as JSON.
pub const SET_TAG: &str = "set";
