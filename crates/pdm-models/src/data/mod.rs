//! Reads data files and validates them.
//!
//! [`ingest`] reads the files that [`DatasetOptions`] name and takes their digests, [`validate`] checks them against the
//! expectations of [`ValidateOptions`], and only a [`QualityReport`] without errors yields a [`ValidDataset`].
//! [`Folds`] assigns every training unit to exactly one fold and returns [`TrainingUnits`], the units that features and
//! models may learn from.
//!
//! Damage in a file is a [`Finding`] with file and line, never a panic, and all of it is reported at once. A file that
//! cannot be read at all is a [`DataError`].
//!
//! - `cmapss` and `table` implement the formats, `frame` reads well-formed files with polars, `scan` diagnoses the others;
//! - [`infer`] drafts a pipeline from files, [`profile_files`] describes them, and [`compare`] compares two data sets;
//! - `manifest` has the digests of the files NASA published, [`install`] installs such files;
//! - [`simulate`] simulates a fleet in the same text format.

mod address;
mod causes;
mod cmapss;
mod cmapss_options;
mod contents;
mod csv;
mod encoding;
mod error;
mod expectations;
mod files;
mod findings;
mod frame;
mod groups;
mod header;
mod hive;
mod holdout;
mod infer;
mod ingest;
mod install;
mod life_options;
mod lives;
mod machines;
mod manifest;
mod number;
mod options;
mod packed;
mod parquet;
mod part;
mod prepare;
mod profile;

mod quality;
mod records;
mod rows;
mod scan;
mod schema;
mod simulate;
mod source;
mod split;
mod table;
mod time;
mod trajectory;
mod unit_from;
mod units;
mod valid;
mod validate;
mod write;

pub use causes::{Cause, causes};
pub use cmapss_options::{CmapssOptions, Verify};
pub use contents::{Changes, Contents};
pub use csv::RequestedCsv;
pub use encoding::Encoding;
pub use error::DataError;
pub use expectations::{Level, SeverityOptions, ValidateOptions};
pub use findings::{Expectation, Finding, Severity};
pub use groups::Groups;
pub use holdout::{Holdout, HoldoutOptions};
pub use infer::{
    FileUse, InferError, InferFile, Inference, InferredColumn, InferredEnd, InferredEvents,
    InferredFile, InferredLife, InferredRole, InferredSplit, InferredTime, InferredTimeKind,
    InferredUnit, ObservedLife, TextWriting, infer,
};
pub use ingest::{RawDataset, ingest};
pub use install::{InstallReport, RefusedFile, install};
pub use life_options::{EndOfLife, LifeOptions};
pub use lives::Lives;
pub use machines::Machines;
pub use options::{DatasetOptions, TableOptions};
pub use part::{InputDigest, PartFile, Role, input_digests, input_files, part_digest, parts};
pub use prepare::{LifeEnd, LifeRecord, PreparationReport};
pub use profile::{
    ColumnChange, ColumnShift, ColumnSummary, ComparedData, DataComparison, DataSummary,
    LifeSummary, OperatingRegime, ProfileSource, Prognostic, SurvivalCurve, SurvivalStep,
    UnitChanges, compare, profile_dataset, profile_files, survival,
};
pub use quality::{Check, CheckOutcome, FileReport, FindingCounts, Pinned, QualityReport};
pub use schema::Schema;
pub use simulate::{SimulateOptions, SimulatedFleet, is_simulated, simulate};
pub use split::{Folds, SplitError, SplitOptions, TrainingUnits};
pub use time::{Epoch, Fill, GridLength, LongerGap, TimeKind, TimeOptions};
pub use trajectory::Trajectory;
pub use unit_from::UnitFromPath;
pub use units::{SkippedUnit, UnitFormat, UnitInput, parse_input, read_input, read_units};
pub use valid::{TestPart, ValidDataset};
pub use validate::{Validation, validate};

#[cfg(test)]
mod tests;
