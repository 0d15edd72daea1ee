//! Tests of the preparation: sorting, averaging, filling, gaps, lives and events.

use crate::data::{DatasetOptions, QualityReport};
use crate::data::{
    Finding, Severity, TableOptions, Trajectory, ValidDataset, ValidateOptions, ingest, validate,
};

/// Writes a project with these files, and validates the data set that `options` describe.
fn dataset(files: &[(&str, &str)], options: &str) -> (QualityReport, Option<ValidDataset>) {
    let project = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(project.path().join(name), text).unwrap();
    }
    let options: TableOptions = toml::from_str(options).unwrap();
    assert_eq!(options.problems(), []);
    let raw = ingest(&DatasetOptions::Table(options), project.path()).unwrap();
    let validation = validate(raw, &ValidateOptions::default());
    (validation.report, validation.dataset)
}

fn errors(report: &QualityReport) -> Vec<String> {
    let errors = report
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error);
    errors.map(Finding::to_string).collect()
}

fn shape(units: &[Trajectory]) -> Vec<(String, Vec<u32>, Vec<f64>, u32)> {
    units
        .iter()
        .map(|unit| {
            let cycles = unit.cycles.iter().map(|cycle| cycle.0).collect();
            (
                unit.unit.to_string(),
                cycles,
                unit.channels[0].clone(),
                unit.rest,
            )
        })
        .collect()
}

const HOURLY: &str = "train = 'a.csv'\nsensors = ['x']\n[time]\ncolumn = 't'\nstep = '1h'\n";

#[test]
fn rows_are_sorted_averaged_and_filled_on_the_grid() {
    let table = "unit,t,x\n\
        p,2026-01-01 03:10,4\n\
        p,2026-01-01 00:05,1\n\
        p,2026-01-01 01:00,2\n\
        p,2026-01-01 01:40,3\n\
        p,2026-01-01 00:05,1\n";
    let (report, data) = dataset(&[("a.csv", table)], HOURLY);
    let data = data.unwrap_or_else(|| panic!("{:?}", errors(&report)));
    let expected = [(
        "p".to_owned(),
        vec![1, 2, 3, 4],
        vec![1.0, 2.5, 2.5, 4.0],
        0,
    )];
    assert_eq!(shape(data.train()), expected);
    let preparation = report.preparation.unwrap();
    assert_eq!(preparation.filled_steps, 1);
    assert_eq!(preparation.averaged_rows, 1);
    assert_eq!(preparation.repeated_rows, 1);
    assert_eq!(preparation.disordered_rows, 4);
    let linear = format!("{HOURLY}fill = 'linear'\n");
    let (_, data) = dataset(&[("a.csv", table)], &linear);
    assert_eq!(data.unwrap().train()[0].channels[0], [1.0, 2.5, 3.25, 4.0]);
}

#[test]
fn a_gap_beyond_the_limit_is_an_error_or_begins_a_new_history() {
    let table = "unit,t,x\n\
        p,2026-01-01 00:00,1\n\
        p,2026-01-01 02:00,2\n\
        p,2026-01-01 09:00,3\n\
        p,2026-01-01 10:00,4\n";
    let limited = format!("{HOURLY}limit = '2h'\n");
    let (report, data) = dataset(&[("a.csv", table)], &limited);
    assert!(data.is_none());
    assert_eq!(
        errors(&report),
        [
            "a.csv:4: unit p has no values for 6 steps of 1h before this row, and gaps are filled up to 2h: \
            `longer = \"split\"` under [dataset.time] begins a new history here"
        ]
    );
    let split = format!("{limited}longer = 'split'\n");
    let (_, data) = dataset(&[("a.csv", table)], &split);
    let expected = [
        ("p".to_owned(), vec![1, 2, 3], vec![1.0, 1.0, 2.0], 8),
        ("p#2".to_owned(), vec![10, 11], vec![3.0, 4.0], 0),
    ];
    let data = data.unwrap();
    assert_eq!(shape(data.train()), expected);
    assert_eq!(data.train()[0].rul_at(0), 10.0);
    assert_eq!(data.machines().of(&data.train()[1].unit).as_str(), "p");
}

#[test]
fn events_divide_a_machine_into_lives() {
    let mut table = "unit,t,x\n".to_owned();
    for unit in ["P-101", "P-102"] {
        for hour in 0..12 {
            table.push_str(&format!("{unit},2026-01-01 {hour:02}:00,{hour}\n"));
        }
    }
    let events = "machine;date;event;component\n\
        P-101;2026-01-01 03:30;failure;seal\n\
        P-101;2026-01-01 06:00;inspected;\n\
        P-101;2026-01-01 08:00;failure;bearing\n\
        P-102;2026-01-01 05:00;replaced;\n\
        P-999;2026-01-01 05:00;failure;seal\n";
    let options = format!(
        "{HOURLY}[life]\nend = 'events'\nevents = 'e.csv'\nunit = 'machine'\ntime = 'date'\nkind = 'event'\n\
        failures = ['failure']\nreplacements = ['replaced']\nmode = 'component'\n"
    );
    let files = [("a.csv", table.as_str()), ("e.csv", events)];
    let (report, data) = dataset(&files, &options);
    let data = data.unwrap_or_else(|| panic!("{:?}", errors(&report)));
    let names = |units: &[Trajectory]| {
        units
            .iter()
            .map(|unit| (unit.unit.to_string(), unit.len()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names(data.train()),
        [("P-101".to_owned(), 4), ("P-101/2".to_owned(), 5)]
    );
    assert_eq!(
        names(data.running()),
        [
            ("P-101/3".to_owned(), 3),
            ("P-102".to_owned(), 6),
            ("P-102/2".to_owned(), 6)
        ]
    );
    let preparation = report.preparation.as_ref().unwrap();
    assert_eq!(
        (
            preparation.failed,
            preparation.replaced,
            preparation.running
        ),
        (2, 1, 2)
    );
    assert_eq!(preparation.machines_that_failed, 1);
    let modes: Vec<_> = preparation.failures_by_mode.iter().collect();
    assert_eq!(
        modes,
        [(&"bearing".to_owned(), &1), (&"seal".to_owned(), &1)]
    );
    let warned = report
        .findings
        .iter()
        .any(|finding| finding.message == "unit P-999 has events, but no rows");
    assert!(warned, "{:?}", report.findings);

    let only_seals = format!("{options}modes = ['seal']\n");
    let (_, data) = dataset(&files, &only_seals);
    assert_eq!(names(data.unwrap().train()), [("P-101".to_owned(), 4)]);
}

#[test]
fn a_column_may_mark_the_end_of_a_life() {
    let table = "unit,t,x,failed\np,1,5,0\np,2,6,1\np,3,5,0\np,4,6,1\np,5,7,0\nq,1,5,0\nq,2,7,0\n";
    let options = "train = 'a.csv'\nsensors = ['x']\n[time]\ncolumn = 't'\nkind = 'counter'\n\
        [life]\nend = 'column'\ncolumn = 'failed'\n";
    let (report, data) = dataset(&[("a.csv", table)], options);
    let data = data.unwrap_or_else(|| panic!("{:?}", errors(&report)));
    let expected = [
        ("p".to_owned(), vec![1, 2], vec![5.0, 6.0], 0),
        ("p/2".to_owned(), vec![1, 2], vec![5.0, 6.0], 0),
    ];
    assert_eq!(shape(data.train()), expected);
    assert_eq!(data.running().len(), 2);
    // Without [dataset.time] the cycles are counted.
    let cycles = "train = 'a.csv'\nsensors = ['x']\ncycle = 't'\n[life]\nend = 'column'\ncolumn = 'failed'\n";
    let (_, by_cycle) = dataset(&[("a.csv", table)], cycles);
    assert_eq!(shape(by_cycle.unwrap().train()), expected);
    let none_failed = table.replace(",1\n", ",0\n");
    let (report, data) = dataset(&[("a.csv", &none_failed)], options);
    assert!(data.is_none());
    assert_eq!(
        errors(&report),
        [
            "a.csv: none of the 2 units has failed: a remaining life can only be learnt from units that did"
        ]
    );
}

#[test]
fn missing_cells_are_filled_or_named() {
    let table = "unit;t;x;y\n\
        p;1.1.2026 0:00;n/a;1\n\
        p;1.1.2026 1:00;1,5;2\n\
        p;1.1.2026 2:00;;3\n\
        p;1.1.2026 3:00;1'002,5;n/a\n";
    let options = "train = 'a.csv'\nsensors = ['x', 'y']\nmissing = ['n/a']\nthousands = \"'\"\ndecimal = ','\n\
        [time]\ncolumn = 't'\nstep = '1h'\nformat = '%d.%m.%Y %H:%M'\n";
    let (report, data) = dataset(&[("a.csv", table)], options);
    let data = data.unwrap_or_else(|| panic!("{:?}", errors(&report)));
    assert_eq!(
        data.train()[0].channels,
        [vec![1.5, 1.5, 1002.5], vec![2.0, 3.0, 3.0]]
    );
    assert_eq!(report.preparation.as_ref().unwrap().incomplete_steps, 1);
    let empty = table.replace("1,5", "").replace("1'002,5", "n/a");
    let (report, data) = dataset(&[("a.csv", &empty)], options);
    assert!(data.is_none());
    assert_eq!(
        errors(&report),
        ["a.csv:2: unit p has no value of column `x`"]
    );
}

#[test]
fn the_hour_that_clocks_repeat_is_read_in_the_order_of_the_file() {
    let table = "unit,t,x\n\
        p,2026-10-25 01:30,1\n\
        p,2026-10-25 02:30,2\n\
        p,2026-10-25 02:30,3\n\
        p,2026-10-25 03:30,4\n";
    let options = format!("{HOURLY}zone = 'Europe/Berlin'\n");
    let (report, data) = dataset(&[("a.csv", table)], &options);
    assert_eq!(data.unwrap().train()[0].channels[0], [1.0, 2.0, 3.0, 4.0]);
    let preparation = report.preparation.unwrap();
    assert_eq!(
        (preparation.repeated_hour_rows, preparation.disordered_rows),
        (2, 0)
    );
}

#[test]
fn one_time_cell_that_is_no_time_is_named() {
    let table = "unit,t,x\np,2026-01-01 00:00,1\np,soon,2\n";
    let (report, data) = dataset(&[("a.csv", table)], HOURLY);
    assert!(data.is_none());
    assert_eq!(errors(&report).len(), 1);
    assert!(errors(&report)[0].starts_with("a.csv:3: `soon` in column 2 (t) is not a date-time"));
}

#[test]
fn a_grid_that_is_far_too_fine_is_an_error() {
    let table = "unit,t,x\np,1000-01-01,1\np,2026-01-01,2\n";
    let options = HOURLY.replace("1h", "1s");
    let (report, data) = dataset(&[("a.csv", table)], &options);
    assert!(data.is_none());
    assert!(
        errors(&report)[0].contains("set a longer `step`"),
        "{:?}",
        errors(&report)
    );
}

#[test]
fn prediction_continues_the_count_of_steps_after_the_last_long_gap() {
    let table = "unit,t,x\nq,2026-01-01 00:00,1\np,2026-01-01 00:00,1\np,2026-01-01 09:00,3\np,2026-01-01 10:00,4\n";
    let options: TableOptions = toml::from_str(&format!("{HOURLY}limit = '2h'\n")).unwrap();
    let input = crate::data::parse_input(
        "a.csv",
        table.as_bytes().to_vec(),
        crate::data::UnitFormat::Csv,
        &options.schema(),
        options.csv(),
    )
    .unwrap();
    let expected = [
        ("p".to_owned(), vec![10, 11], vec![3.0, 4.0], 0),
        ("q".to_owned(), vec![1], vec![1.0], 0),
    ];
    assert_eq!(shape(&input.units), expected);
}
