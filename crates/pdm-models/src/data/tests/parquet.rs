//! Tests: Parquet files of this and other programs.

use polars::prelude::*;

use super::{
    DatasetOptions, RequestedCsv, TableOptions, ValidDataset, ValidateOptions, Validation, errors,
    ingest, read_input, read_units, validate,
};

fn written(columns: Vec<Column>) -> (tempfile::TempDir, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let mut frame = DataFrame::new_infer_height(columns).unwrap();
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut frame).unwrap();
    std::fs::write(folder.path().join("t.parquet"), &bytes).unwrap();
    (folder, bytes)
}

fn options() -> TableOptions {
    TableOptions {
        train: "t.parquet".into(),
        sensors: vec!["x".into(), "n".into()],
        ..TableOptions::default()
    }
}

fn report(folder: &tempfile::TempDir) -> Vec<String> {
    let raw = ingest(&DatasetOptions::Table(options()), folder.path()).unwrap();
    errors(&validate(raw, &ValidateOptions::default()).report)
}

fn whole() -> Vec<Column> {
    vec![
        Column::new("unit".into(), [3_i64, 3, 12, 12]),
        Column::new("cycle".into(), [1_u32, 2, 1, 2]),
        Column::new("x".into(), [0.5_f32, 1.5, 2.5, 3.5]),
        Column::new("n".into(), [1_i32, 2, 3, 4]),
        Column::new("comment".into(), ["a", "b", "c", "d"]),
    ]
}

#[test]
fn columns_of_any_numeric_type_are_read() {
    let (folder, _) = written(whole());
    assert_eq!(report(&folder), [""; 0]);
    let units = read_units(&folder.path().join("t.parquet"), &options().schema()).unwrap();
    assert_eq!(
        units
            .iter()
            .map(|unit| unit.unit.as_str())
            .collect::<Vec<_>>(),
        ["3", "12"]
    );
    assert_eq!(units[1].channels, [[2.5, 3.5], [3.0, 4.0]]);
}

#[test]
fn gaps_and_wrong_types_are_reported_with_their_row() {
    let mut columns = whole();
    columns[1] = Column::new("cycle".into(), [1.0, 2.5, 1.0, 2.0]);
    columns[2] = Column::new("x".into(), [Some(0.5), None, Some(f64::NAN), Some(1.0)]);
    columns[3] = Column::new("n".into(), ["1", "2", "3", "4"]);
    let (folder, _) = written(columns);
    assert_eq!(
        report(&folder),
        [
            "types t.parquet:2: `2.5` is not a whole number",
            "types t.parquet: column n holds text, where numbers are expected",
            "finite t.parquet:2: column x is empty",
            "finite t.parquet:3: column x holds NaN, not a finite number",
        ]
    );
    let mut columns = whole();
    columns.remove(2);
    let (folder, _) = written(columns);
    assert_eq!(
        report(&folder),
        ["columns t.parquet: has no column `x`; it has `unit`, `cycle`, `n`, `comment`"]
    );
}

#[test]
fn damaged_files_are_refused() {
    let (folder, bytes) = written(whole());
    let path = folder.path().join("t.parquet");
    for damaged in [&bytes[..bytes.len() / 2], b"PAR1PAR1", b"", &[0; 5000]] {
        std::fs::write(&path, damaged).unwrap();
        assert_eq!(report(&folder).len(), 1);
    }
    // The footer says where everything is; polars checks it before it believes the pages.
    let footer =
        u32::from_le_bytes(bytes[bytes.len() - 8..bytes.len() - 4].try_into().unwrap()) as usize;
    for at in bytes.len() - 8 - footer..bytes.len() - 4 {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x55;
        std::fs::write(&path, &flipped).unwrap();
        report(&folder);
    }
}

/// Reads a file of `tests/it/parquet` as a training file, and returns its data set or its errors.
fn foreign(name: &str) -> Result<ValidDataset, Vec<String>> {
    let file = format!("{name}.parquet");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/it/parquet");
    let options = TableOptions {
        train: file.into(),
        sensors: vec!["x".into()],
        ..TableOptions::default()
    };
    let raw = ingest(
        &DatasetOptions::Table(options),
        std::path::Path::new(folder),
    )
    .unwrap();
    let rules = ValidateOptions {
        minimum_cycles: 1,
        ..ValidateOptions::default()
    };
    let Validation { dataset, report } = validate(raw, &rules);
    dataset.ok_or_else(|| errors(&report))
}

#[test]
fn files_of_other_programs_are_read_exactly() {
    let plain = [
        "int8",
        "int16",
        "uint8",
        "uint16",
        "float16",
        "float32",
        "decimal",
        "large_string",
        "string_view",
        "binary",
        "category",
        "pandas",
        "polars",
        "polars_enum",
        "duckdb",
        "unread",
        "repeated",
    ];
    for name in plain {
        let dataset = foreign(name).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
        let units: Vec<_> = dataset
            .train()
            .iter()
            .map(|unit| unit.unit.as_str())
            .collect();
        assert_eq!(units, ["a", "b"], "{name}");
        assert_eq!(dataset.train()[0].channels, [[0.0, 1.0, 2.0]], "{name}");
        assert_eq!(dataset.train()[1].channels, [[3.0, 4.0, 5.0]], "{name}");
    }
    let boolean = foreign("boolean").unwrap();
    assert_eq!(boolean.train()[0].channels, [[0.0, 1.0, 0.0]]);
    for name in ["float_units", "float16_units"] {
        let numbered = foreign(name).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
        assert_eq!(
            numbered
                .train()
                .iter()
                .map(|unit| unit.unit.as_str())
                .collect::<Vec<_>>(),
            ["7", "12"]
        );
    }
}

#[test]
fn types_without_numbers_are_named_with_what_to_do() {
    let cases = [
        (
            "timestamp",
            "column cycle holds timestamps: write a column of whole numbers instead",
        ),
        (
            "date",
            "column cycle holds dates: write a column of whole numbers instead",
        ),
        (
            "duration",
            "column x holds durations: write them as numbers, such as seconds",
        ),
        (
            "nested",
            "column x holds lists: write one column for each number",
        ),
        (
            "uuid",
            "column unit holds bytes of a fixed length, such as UUIDs: write them as text",
        ),
        (
            "decimal256",
            "column x holds decimals of more than 38 digits: write them as 64-bit floats",
        ),
        (
            "null",
            "column x holds no value at all: fill it, or leave the column out",
        ),
    ];
    for (name, expected) in cases {
        let errors = foreign(name).unwrap_err();
        assert_eq!(errors.len(), 1, "{name}: {errors:?}");
        assert!(
            errors[0].starts_with(&format!("types {name}.parquet: {expected}")),
            "{errors:?}"
        );
    }
}

#[test]
fn an_empty_cell_leaves_out_its_unit_and_no_other() {
    let columns = vec![
        Column::new(
            "unit".into(),
            [
                Some("a"),
                Some("a"),
                Some("b"),
                Some("b"),
                Some("c"),
                None,
                Some("c"),
                Some("d"),
            ],
        ),
        Column::new(
            "cycle".into(),
            [
                Some(1),
                Some(2),
                Some(1),
                None,
                Some(1),
                Some(2),
                Some(3),
                Some(1),
            ],
        ),
        Column::new("x".into(), [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5]),
        Column::new("n".into(), [1, 2, 3, 4, 5, 6, 7, 8]),
    ];
    let (folder, _) = written(columns);
    let input = read_input(
        &folder.path().join("t.parquet"),
        None,
        &options().schema(),
        RequestedCsv::default(),
    )
    .unwrap();
    assert_eq!(
        input
            .units
            .iter()
            .map(|unit| unit.unit.as_str())
            .collect::<Vec<_>>(),
        ["a", "d"]
    );
    assert_eq!(input.units[1].channels, [[7.5], [8.0]]);
    let skipped: Vec<_> = input
        .skipped
        .iter()
        .map(|unit| (unit.unit.as_str(), unit.findings[0].line))
        .collect();
    assert_eq!(skipped, [("b", Some(4)), ("c", Some(6))]);
}
