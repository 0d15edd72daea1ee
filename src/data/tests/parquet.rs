use polars::prelude::*;

use super::{DatasetOptions, TableOptions, ValidateOptions, errors, ingest, read_units, validate};

fn written(columns: Vec<Column>) -> (tempfile::TempDir, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let mut frame = DataFrame::new_infer_height(columns).unwrap();
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut frame).unwrap();
    std::fs::write(folder.path().join("t.parquet"), &bytes).unwrap();
    (folder, bytes)
}

fn options() -> TableOptions {
    TableOptions { train: "t.parquet".into(), sensors: vec!["x".into(), "n".into()], ..TableOptions::default() }
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
    assert_eq!(units.iter().map(|unit| unit.unit.as_str()).collect::<Vec<_>>(), ["3", "12"]);
    assert_eq!(units[1].channels, [[2.5, 3.5], [3.0, 4.0]]);
}

#[test]
fn gaps_and_wrong_types_are_told_with_their_row() {
    let mut columns = whole();
    columns[1] = Column::new("cycle".into(), [1.0, 2.5, 1.0, 2.0]);
    columns[2] = Column::new("x".into(), [Some(0.5), None, Some(f64::NAN), Some(1.0)]);
    columns[3] = Column::new("n".into(), ["1", "2", "3", "4"]);
    let (folder, _) = written(columns);
    assert_eq!(
        report(&folder),
        [
            "types t.parquet: column n holds str, where numbers are expected",
            "types t.parquet:2: `2.5` is not a whole number",
            "finite t.parquet:2: column x is empty",
            "finite t.parquet:3: column x holds NaN, not a finite number",
        ]
    );
    let mut columns = whole();
    columns.remove(2);
    let (folder, _) = written(columns);
    assert_eq!(report(&folder), ["columns t.parquet: has no column `x`; it has `unit`, `cycle`, `n`, `comment`"]);
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
    let footer = u32::from_le_bytes(bytes[bytes.len() - 8..bytes.len() - 4].try_into().unwrap()) as usize;
    for at in bytes.len() - 8 - footer..bytes.len() - 4 {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x55;
        std::fs::write(&path, &flipped).unwrap();
        report(&folder);
    }
}
