//! Values to tables and drawings for people, and to CSV and Parquet for programs.
//!
//! A renderer takes a result struct and returns text; nothing here prints.

pub mod gate;

mod axis;
mod chart;
mod curves;
mod error;
mod plot;
mod predictions;
mod quality;
mod recognise;
mod scores;
mod sheet;
mod table;

pub use curves::{CurvePoint, Curves};
pub use error::ReportError;
pub use predictions::{predictions_csv, predictions_table, write_predictions};
pub use quality::{quality, quality_json};
pub use recognise::Document;
pub use scores::{figure, group_scores, named, scores, scores_in_a_line};
pub use sheet::{Sheet, require_table_format, write_sheet};
pub use table::{Align, table};
