//! Reads a Parquet file with all its columns, for `data infer`, `data profile` and `data diff`.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use polars::io::parquet::read::FileMetadata;
use polars::prelude::*;

use super::{
    ColumnContent, MOST_CELLS, ReadColumn, WantedColumn, content_of, decoded, floats, physical,
    values_of,
};
use crate::data::infer::{TextCells, WholeCells, WholeColumn, WholeTable};

/// Seconds of a day.
const DAY: f64 = 86_400.0;

/// What a column is read as.
#[derive(Debug, Clone, Copy, PartialEq)]
enum WholeContent {
    /// As the reader of rows reads it.
    Plain(ColumnContent),
    /// Whole numbers of which so many are a second.
    Timestamp(f64),
    /// Days since 1970.
    Date,
}

/// Reads all columns that hold numbers, texts or times; columns of other types are empty.
///
/// # Errors
/// What is wrong with the file, as a predicate.
pub(in crate::data) fn whole_table(bytes: &[u8], file: &str) -> Result<WholeTable, String> {
    if !(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1")) {
        return Err("is not a Parquet file, or is incomplete".to_owned());
    }
    // Polars panics on some damaged files.
    let table = catch_unwind(AssertUnwindSafe(|| read(bytes, file)));
    let table = table.unwrap_or_else(|_| Err(polars_err!(ComputeError: "it is damaged")));
    table.map_err(|error| format!("cannot be read as Parquet: {error}"))
}

fn read(bytes: &[u8], file: &str) -> PolarsResult<WholeTable> {
    let mut reader = ParquetReader::new(Cursor::new(bytes));
    let metadata = reader.get_metadata()?.clone();
    let fields = metadata.schema_descr.fields();
    let names: Vec<String> = fields.iter().map(|field| field.name().to_owned()).collect();
    let rows = metadata.num_rows;
    polars_ensure!(rows <= MOST_CELLS / names.len().max(1), ComputeError: "it claims to hold {rows} rows");
    polars_ensure!(
        names.iter().collect::<BTreeSet<_>>().len() == names.len(),
        ComputeError: "two of its columns have the same name"
    );
    let mut plain = (*metadata).clone();
    plain.key_value_metadata = None;
    let plain = Arc::new(plain);
    let bare = physical::bare(&metadata);
    let plain_schema = polars::io::parquet::read::infer_schema(&plain)?;
    let schema = reader
        .schema()
        .map_or(plain_schema, |schema| (*schema).clone());
    let mut contents = Vec::new();
    let mut wanted = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let dtype = schema
            .get(name.as_str())
            .map(|field| values_of(&field.dtype).clone());
        let Some(dtype) = dtype else { continue };
        let content = whole_content(&dtype);
        let Some(column) = wanted_column(content, dtype, at, &plain, &bare) else {
            continue;
        };
        contents.push(content);
        wanted.push(column);
    }
    let positions: Vec<usize> = wanted.iter().map(|column| column.at).collect();
    let read = decoded(bytes, &names, wanted)?;
    let mut columns: Vec<_> = names
        .iter()
        .map(|name| WholeColumn::new(name, WholeCells::Empty))
        .collect();
    for ((at, content), column) in positions.into_iter().zip(contents).zip(read) {
        columns[at].cells = cells(&column, content)?;
    }
    Ok(WholeTable {
        file: file.to_owned(),
        rows,
        columns,
        writing: None,
        misshapen: 0,
    })
}

fn whole_content(dtype: &ArrowDataType) -> WholeContent {
    match dtype {
        ArrowDataType::Timestamp(ArrowTimeUnit::Second, _) => WholeContent::Timestamp(1.0),
        ArrowDataType::Timestamp(ArrowTimeUnit::Millisecond, _) | ArrowDataType::Date64 => {
            WholeContent::Timestamp(1e3)
        }
        ArrowDataType::Timestamp(ArrowTimeUnit::Microsecond, _) => WholeContent::Timestamp(1e6),
        ArrowDataType::Timestamp(ArrowTimeUnit::Nanosecond, _) => WholeContent::Timestamp(1e9),
        ArrowDataType::Date32 => WholeContent::Date,
        _ => WholeContent::Plain(content_of(dtype)),
    }
}

/// Returns how to read a column; `None` if its values cannot be used.
fn wanted_column(
    content: WholeContent,
    dtype: ArrowDataType,
    at: usize,
    plain: &Arc<FileMetadata>,
    bare: &Arc<FileMetadata>,
) -> Option<WantedColumn> {
    let (content, dtype, metadata) = match content {
        WholeContent::Timestamp(_) => (ColumnContent::Whole, ArrowDataType::Int64, bare),
        WholeContent::Date => (ColumnContent::Whole, ArrowDataType::Int32, bare),
        WholeContent::Plain(content) => match content {
            ColumnContent::Unusable { .. } => return None,
            ColumnContent::Whole | ColumnContent::Number | ColumnContent::Half => {
                (content, dtype, bare)
            }
            ColumnContent::Boolean | ColumnContent::Text | ColumnContent::Bytes => {
                (content, dtype, plain)
            }
        },
    };
    Some(WantedColumn {
        content,
        dtype,
        at,
        metadata: Arc::clone(metadata),
    })
}

fn cells(column: &ReadColumn, content: WholeContent) -> PolarsResult<WholeCells> {
    if let WholeContent::Plain(ColumnContent::Text | ColumnContent::Bytes) = content {
        let texts = column.values.cast(&DataType::String)?;
        let mut cells = TextCells::default();
        for text in texts.str()?.iter() {
            cells.push(text.unwrap_or_default().trim());
        }
        return Ok(if cells.names.is_empty() {
            WholeCells::Empty
        } else {
            WholeCells::Texts(cells)
        });
    }
    let numbers = floats(column)?.into_iter();
    let numbers: Vec<f64> = numbers
        .map(|value| value.filter(|value| value.is_finite()).unwrap_or(f64::NAN))
        .collect();
    if numbers.iter().all(|value| value.is_nan()) {
        return Ok(WholeCells::Empty);
    }
    Ok(match content {
        WholeContent::Timestamp(per_second) => WholeCells::Times {
            seconds: numbers.iter().map(|value| value / per_second).collect(),
            form: None,
        },
        WholeContent::Date => WholeCells::Times {
            seconds: numbers.iter().map(|days| days * DAY).collect(),
            form: None,
        },
        WholeContent::Plain(_) => WholeCells::Numbers(numbers),
    })
}
