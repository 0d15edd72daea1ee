//! Renders results as tables and drawings for people, and as CSV and Parquet for programs.
//!
//! A renderer takes a result struct and returns text; nothing here prints.

pub mod gate;
pub mod profile;

mod axis;
mod chart;
mod comparison;
mod curves;
mod error;
mod fit;
mod plot;
mod predictions;
mod quality;
mod recognise;
mod scores;
mod sheet;
mod table;

pub use comparison::side_by_side;
pub use curves::{CurvePoint, Curves};
pub use error::ReportError;
pub use fit::within;
pub use predictions::{PredictionSheet, predictions_table};
pub use quality::{quality, quality_json};
pub use recognise::KnownFile;
pub use scores::{group_scores, scores, scores_in_a_line};
pub use sheet::{Sheet, require_table_format, write_sheet};
pub use table::{Align, table};
