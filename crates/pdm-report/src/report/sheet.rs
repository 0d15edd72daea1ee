//! Tables written as CSV or Parquet.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::ReportError;
use pdm_core::content::atomic_replace;
use polars::prelude::{
    Column, CsvWriter, DataFrame, IntoColumn, NamedFrom, ParquetWriter, SerWriter, Series,
};

/// Columns of equal length, to be written as CSV or Parquet.
#[derive(Debug, Default)]
pub struct Sheet {
    columns: Vec<Column>,
}

impl Sheet {
    /// Returns the sheet with a column of text.
    #[must_use]
    pub fn text(mut self, name: &str, values: Vec<String>) -> Self {
        self.columns
            .push(Series::new(name.into(), values).into_column());
        self
    }

    /// Returns the sheet with a column of text; `None` is an empty cell.
    #[must_use]
    pub fn maybe_text(mut self, name: &str, values: Vec<Option<String>>) -> Self {
        self.columns
            .push(Series::new(name.into(), values).into_column());
        self
    }

    /// Returns the sheet with a column of whole numbers.
    #[must_use]
    pub fn whole(mut self, name: &str, values: Vec<u32>) -> Self {
        self.columns
            .push(Series::new(name.into(), values).into_column());
        self
    }

    /// Returns the sheet with a column of numbers; `None` is an empty cell.
    #[must_use]
    pub fn number(mut self, name: &str, values: Vec<Option<f64>>) -> Self {
        self.columns
            .push(Series::new(name.into(), values).into_column());
        self
    }

    /// Returns the sheet with a column of booleans.
    #[must_use]
    pub fn truth(mut self, name: &str, values: Vec<bool>) -> Self {
        self.columns
            .push(Series::new(name.into(), values).into_column());
        self
    }

    fn frame(self) -> Result<DataFrame, ReportError> {
        let height = self.columns.first().map_or(0, Column::len);
        Ok(DataFrame::new(height, self.columns)?)
    }

    /// Returns the sheet as CSV with a header.
    ///
    /// # Errors
    /// Columns of unequal length.
    pub fn csv(self) -> Result<Vec<u8>, ReportError> {
        let mut bytes = Vec::new();
        CsvWriter::new(&mut bytes).finish(&mut self.frame()?)?;
        Ok(bytes)
    }

    fn parquet(self, file: &File) -> Result<(), ReportError> {
        ParquetWriter::new(file).finish(&mut self.frame()?)?;
        Ok(())
    }
}

/// Refuses a path whose extension is not a table format; checked before the table is computed.
///
/// # Errors
/// An extension other than `.csv` and `.parquet`.
pub fn require_table_format(path: &Path) -> Result<(), ReportError> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("csv" | "parquet") => Ok(()),
        _ => Err(ReportError::UnknownFormat(path.to_owned())),
    }
}

/// Writes a sheet as CSV or Parquet, by the file's extension: to a temporary name first, then renamed.
///
/// # Errors
/// Another extension, or a folder that cannot be written.
pub fn write_sheet(sheet: Sheet, path: &Path) -> Result<(), ReportError> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let written = match extension {
        Some("csv") => {
            let bytes = sheet.csv()?;
            atomic_replace(path, |mut file| Ok(file.write_all(&bytes)?))
        }
        Some("parquet") => atomic_replace(path, |file| sheet.parquet(file)),
        _ => return Err(ReportError::UnknownFormat(path.to_owned())),
    };
    written.map_err(|error: ReportError| error.at(path))
}
