//! Tests: CSV tables.

use super::*;

const TRAIN: &str = "pump,day,mode,temp,note\nA1,1,0,20.5,ok\nA1,2,0,21.0,\"fine, so far\"\nB,1,1,19.5,\nB,2,1,20.25,x\nB,3,0,22,x\n";
const TEST: &str = "pump,day,mode,temp\nnew,1,0,20.5\nnew,2,0,20.75\n7,1,0,20.125\n";
const RUL: &str = "rul,pump\n12,7\n30.5,new\n";

fn options() -> TableOptions {
    TableOptions {
        train: "train.csv".into(),
        test: Some("test.csv".into()),
        rul: Some("rul.csv".into()),
        unit: "pump".into(),
        cycle: "day".into(),
        settings: vec!["mode".into()],
        sensors: vec!["temp".into()],
        ..TableOptions::default()
    }
}

fn read(train: &str, test: &str, rul: &str) -> Validation {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("train.csv", train), ("test.csv", test), ("rul.csv", rul)] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let rules = ValidateOptions {
        minimum_cycles: 1,
        ..ValidateOptions::default()
    };
    validate(
        ingest(&DatasetOptions::Table(options()), folder.path()).unwrap(),
        &rules,
    )
}

#[test]
fn a_table_becomes_a_data_set_whatever_its_units_are_called() {
    let Validation { report, dataset } = read(TRAIN, TEST, RUL);
    assert_eq!(errors(&report), [""; 0]);
    let dataset = dataset.unwrap();
    assert_eq!(
        (dataset.name(), dataset.train()[1].unit.as_str()),
        ("train", "B")
    );
    assert_eq!(
        dataset.train()[1].channels,
        [vec![1.0, 1.0, 0.0], vec![19.5, 20.25, 22.0]]
    );
    let test = dataset.test().unwrap();
    assert_eq!(
        test.units
            .iter()
            .map(|unit| unit.unit.as_str())
            .collect::<Vec<_>>(),
        ["7", "new"]
    );
    assert_eq!(test.rul, [12.0, 30.5]);
}

#[test]
fn damage_in_a_table_is_reported_with_its_line() {
    let train = TRAIN
        .replace("A1,2", ",2.5")
        .replace("19.5,", "hot,")
        .replace("B,2,1,20.25,x", "B,2,1")
        .replace("22", "");
    assert_eq!(
        errors(&read(&train, TEST, RUL).report),
        [
            "columns train.csv:5: 3 columns instead of 5",
            "types train.csv:3: `2.5` in column 2 (day) is not a whole number",
            "types train.csv:4: `hot` in column 4 (temp) is not a number",
            "finite train.csv:3: column 1 (pump) is empty",
            "finite train.csv:6: column 4 (temp) is empty",
        ]
    );
}

#[test]
fn missing_and_repeated_columns_are_named() {
    let train = TRAIN.replace("temp,note", "heat,mode");
    assert_eq!(
        errors(&read(&train, TEST, RUL).report),
        [
            "columns train.csv:1: has more than one column `mode`",
            "columns train.csv:1: has no column `temp`; it has `pump`, `day`, `mode`, `heat`, `mode`",
        ]
    );
    assert_eq!(
        errors(&read("", TEST, RUL).report),
        ["complete train.csv:1: is empty: the first line should name the columns"]
    );
    assert_eq!(
        errors(&read("pump,day,mode,temp\n", TEST, RUL).report),
        ["complete train.csv: has no rows"]
    );
}

#[test]
fn truth_is_matched_by_unit() {
    let report = read(TRAIN, TEST, "pump,rul\n7,12\n7,12\nold,5\n").report;
    assert_eq!(
        errors(&report),
        [
            "rul_rows rul.csv:3: unit 7 is listed twice",
            "rul_rows rul.csv:4: unit old is not in the test part",
            "rul_rows rul.csv: test unit new is missing",
        ]
    );
}

#[test]
fn a_named_test_part_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("train.csv"), TRAIN).unwrap();
    let error = ingest(&DatasetOptions::Table(options()), folder.path()).unwrap_err();
    assert!(matches!(
        error,
        DataError::Missing {
            role: Role::Test,
            ..
        }
    ));
}

#[test]
fn prediction_input_may_begin_anywhere_and_hold_more_columns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("now.csv");
    let schema = options().schema();
    std::fs::write(
        &path,
        "day,temp,who,pump,mode\n17,20.5,x,z9,0\n19,21,y,z9,0\n",
    )
    .unwrap();
    let units = read_units(&path, &schema).unwrap();
    assert_eq!((units.len(), units[0].last_cycle().0), (1, 19));
    assert_eq!(units[0].channels, [[0.0, 0.0], [20.5, 21.0]]);

    std::fs::write(
        &path,
        "day,pump,mode,temp\n17,a,0,1\n17,a,0,2\n1,b,0,3\n18,a,0,nan\n",
    )
    .unwrap();
    let error = read_units(&path, &schema).unwrap_err();
    let DataError::Invalid {
        findings, total, ..
    } = &error
    else {
        panic!("{error}")
    };
    let messages: Vec<_> = findings
        .iter()
        .map(|finding| finding.message.as_str())
        .collect();
    assert_eq!(
        messages,
        [
            "`nan` in column 4 (temp) is not a finite number",
            "unit a has cycle 17 after cycle 17",
            "unit a appears again; it first appeared at line 2"
        ]
    );
    assert_eq!(*total, 3);
    assert!(
        error
            .to_string()
            .ends_with("now.csv:5: `nan` in column 4 (temp) is not a finite number (and 2 more)")
    );

    let unknown = read_units(&folder.path().join("now.xlsx"), &schema).unwrap_err();
    assert!(matches!(unknown, DataError::UnknownFormat { .. }));
}

#[test]
fn prediction_input_may_be_c_mapss_text() {
    let project = TestProject::new();
    let units = read_units(
        &project.root().join("sim/test_SIM001.txt"),
        &Schema::cmapss(),
    )
    .unwrap();
    assert_eq!(units, simulate(&small_fleet()).test);
}
