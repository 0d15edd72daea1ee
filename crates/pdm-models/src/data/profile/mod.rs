//! Describes data sets for people: distributions, prognostic value, regimes and life lengths; and compares two of them.
//!
//! [`profile_files`] and [`profile_dataset`] describe one data set, [`compare`] two. Cells without a value are left out of every
//! figure and counted.

mod compare;
mod prognostic;
mod regimes;
mod shift;
mod source;
pub(super) mod statistics;
mod subject;
mod summary;
mod survival;

pub use compare::{ColumnChange, ComparedData, DataComparison, UnitChanges, compare};
pub use prognostic::Prognostic;
pub use regimes::OperatingRegime;
pub use shift::ColumnShift;
pub use source::ProfileSource;
pub use summary::{ColumnSummary, DataSummary, LifeSummary, profile_dataset, profile_files};
pub use survival::{SurvivalCurve, SurvivalStep, survival};

use subject::ProfiledData;
