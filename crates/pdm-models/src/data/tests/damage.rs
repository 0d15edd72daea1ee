//! Tests: damaged files and the findings they cause.

use super::*;
use crate::data::findings::LISTED;

const TRAIN: &str = "train_SIM001.txt";

fn with_cell(line: &str, column: usize, text: &str) -> String {
    let mut fields: Vec<_> = line.split_ascii_whitespace().collect();
    fields[column - 1] = text;
    format!("{}  \n", fields.join(" "))
}

fn after_cell(line: usize, column: usize, text: &str) -> Vec<String> {
    let project = TestProject::without_origin();
    project.edit_line(TRAIN, line, |row| with_cell(row, column, text));
    errors(&project.report())
}

#[test]
fn a_bad_cell_is_reported_with_line_column_and_text() {
    let cases = [
        (
            5,
            16,
            "NAN",
            "finite sim/train_SIM001.txt:5: `NAN` in column 16 (s_11) is not a finite number",
        ),
        (
            5,
            7,
            "inf",
            "finite sim/train_SIM001.txt:5: `inf` in column 7 (s_2) is not a finite number",
        ),
        (
            9,
            7,
            "1e999",
            "finite sim/train_SIM001.txt:9: `1e999` in column 7 (s_2) is too large for a number",
        ),
        (
            9,
            3,
            "0x1F",
            "types sim/train_SIM001.txt:9: `0x1F` in column 3 (op_1) is not a number",
        ),
        (
            9,
            2,
            "9.5",
            "types sim/train_SIM001.txt:9: `9.5` in column 2 (cycle) is not a whole number",
        ),
        (
            9,
            2,
            "-9",
            "types sim/train_SIM001.txt:9: `-9` in column 2 (cycle) is negative",
        ),
        (
            9,
            1,
            "one",
            "types sim/train_SIM001.txt:9: `one` in column 1 (unit) is not a number",
        ),
        (
            9,
            1,
            "1e30",
            "types sim/train_SIM001.txt:9: `1e30` in column 1 (unit) is too large to count cycles or units",
        ),
    ];
    for (line, column, text, expected) in cases {
        assert_eq!(after_cell(line, column, text), [expected]);
    }
}

#[test]
fn rows_of_the_wrong_shape_are_reported_once_and_nothing_follows_from_them() {
    let project = TestProject::without_origin();
    project.edit_line(TRAIN, 1, |row| format!("unit cycle op1 op2 op3 s1\n{row}"));
    project.edit_line(TRAIN, 7, |_| "1 6 0.1\n".to_owned());
    project.edit_line(TRAIN, 9, |row| format!("{} 5  \n", row.trim_end()));
    project.edit_line(TRAIN, 11, |_| "\n".to_owned());
    assert_eq!(
        errors(&project.report()),
        [
            "columns sim/train_SIM001.txt:1: a header row, `unit cycle op1 op2 op3 s1`: this format has no header, \
             every line is a row of numbers",
            "columns sim/train_SIM001.txt:7: 3 columns instead of 26",
            "columns sim/train_SIM001.txt:9: 27 columns instead of 26",
            "columns sim/train_SIM001.txt:11: 0 columns instead of 26",
        ]
    );
}

#[test]
fn commas_are_recognised() {
    let project = TestProject::without_origin();
    project.edit(TRAIN, |contents| {
        *contents = String::from_utf8_lossy(contents)
            .replace("  \n", "\n")
            .replace(' ', ",")
            .into_bytes();
    });
    let report = project.report();
    assert_eq!(
        report.findings[0].to_string(),
        "sim/train_SIM001.txt:1: 1 column instead of 26; fields are separated by commas, not spaces"
    );
    let check = report
        .checks
        .iter()
        .find(|check| check.expectation == Expectation::Columns)
        .unwrap();
    assert!(
        check.findings > 1000 && check.listed == check.findings,
        "{check:?}"
    );
}

#[test]
fn a_cut_file_is_refused_wherever_it_is_cut() {
    let lines = WRITTEN[0].1.iter().filter(|byte| **byte == b'\n').count();
    let cases = [
        (100, "the file ends in the middle of a row: "),
        (
            10,
            "the last line does not end like the first one: its last value may be cut off",
        ),
        (
            4,
            "the last line does not end like the first one: its last value may be cut off",
        ),
    ];
    for (cut, expected) in cases {
        let project = TestProject::without_origin();
        project.edit(TRAIN, |contents| contents.truncate(contents.len() - cut));
        let errors = errors(&project.report());
        // Cut ten bytes before the end, the last column may be gone altogether.
        let is_reported = errors.iter().any(|error| {
            let location = error.strip_prefix(&format!("complete sim/train_SIM001.txt:{lines}: "));
            location.is_some_and(|it| {
                it.starts_with(expected) || it.starts_with("the file ends in the middle of a row: ")
            })
        });
        assert!(is_reported, "{cut}: {errors:?}");
    }
}

#[test]
fn a_missing_line_end_alone_is_a_warning() {
    let project = TestProject::without_origin();
    project.edit(TRAIN, |contents| contents.truncate(contents.len() - 1));
    let report = project.report();
    assert!(report.is_valid());
    assert!(
        messages(&report, Severity::Warning)[0]
            .ends_with("the last line has no line break; it is read as complete")
    );
}

#[test]
fn lost_rows_are_reported_where_they_are_missed() {
    let project = TestProject::without_origin();
    let text = String::from_utf8(WRITTEN[0].1.clone()).unwrap();
    let first_of_2 = text
        .lines()
        .position(|line| line.starts_with("2 "))
        .unwrap()
        + 1;
    project.edit_line(TRAIN, first_of_2, |_| String::new());
    project.edit_line(TRAIN, 30, |_| String::new());
    project.edit_line(TRAIN, 1, |_| String::new());
    let line = first_of_2 - 2;
    assert_eq!(
        errors(&project.report()),
        [
            "contiguous_cycles sim/train_SIM001.txt:1: unit 1 begins at cycle 2 instead of 1"
                .to_owned(),
            "contiguous_cycles sim/train_SIM001.txt:29: unit 1 goes from cycle 29 to 31".to_owned(),
            format!(
                "contiguous_cycles sim/train_SIM001.txt:{line}: unit 2 begins at cycle 2 instead of 1"
            ),
        ]
    );
}

#[test]
fn lost_and_scattered_units_are_reported() {
    let project = TestProject::without_origin();
    let text = String::from_utf8(WRITTEN[0].1.clone()).unwrap();
    let of = |unit: &str| {
        text.split_inclusive('\n')
            .filter(|l| l.starts_with(&format!("{unit} ")))
            .collect::<String>()
    };
    let (rest, late) = (
        text.replace(&of("3"), ""),
        of("5")
            .split_inclusive('\n')
            .next_back()
            .unwrap()
            .to_owned(),
    );
    project.edit(TRAIN, |contents| {
        *contents = format!("{rest}{late}").into_bytes()
    });
    let errors = errors(&project.report());
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert!(
        errors[0].contains(": unit 5 appears again; it first appeared at line "),
        "{errors:?}"
    );
    assert!(
        errors[1].ends_with(": unit 4 is found where unit 3 is expected"),
        "{errors:?}"
    );
    assert_eq!(
        errors[2],
        "unit_counts sim/train_SIM001.txt: has 11 units, expected 12"
    );
}

#[test]
fn a_copied_row_is_reported_by_its_cycle_and_by_its_values() {
    let project = TestProject::without_origin();
    project.edit_line(TRAIN, 40, |row| row.repeat(2));
    let report = project.report();
    assert_eq!(
        errors(&report),
        ["ascending_cycles sim/train_SIM001.txt:41: unit 1 has cycle 40 after cycle 40"]
    );
    let warning = "duplicate_rows sim/train_SIM001.txt:41: has the same values as line 40 of sim/train_SIM001.txt";
    assert_eq!(messages(&report, Severity::Warning), [warning]);
}

#[test]
fn a_training_unit_among_the_test_units_is_noticed() {
    let project = TestProject::without_origin();
    let leaked: String = String::from_utf8(WRITTEN[0].1.clone())
        .unwrap()
        .split_inclusive('\n')
        .take(20)
        .collect();
    project.edit("test_SIM001.txt", |contents| {
        let text = String::from_utf8(std::mem::take(contents)).unwrap();
        let rest = text
            .split_inclusive('\n')
            .skip_while(|line| line.starts_with("1 "));
        *contents = (leaked + &rest.collect::<String>()).into_bytes();
    });
    let report = project.report();
    assert_eq!(report.counts.warnings, 20);
    assert!(
        messages(&report, Severity::Warning)[0]
            .contains("test_SIM001.txt:1: has the same values as line 1 of sim/train")
    );
}

#[test]
fn a_frozen_sensor_is_a_warning_and_a_coarse_one_is_not() {
    let project = TestProject::without_origin();
    let text = String::from_utf8(WRITTEN[0].1.clone()).unwrap();
    let lines = text.lines().filter(|line| line.starts_with("1 ")).count();
    for line in lines - 24..=lines {
        project.edit_line(TRAIN, line, |row| with_cell(row, 16, "47.50"));
    }
    let warning = format!(
        "stuck_sensors sim/train_SIM001.txt:{}: s_11 of unit 1 is stuck at 47.5 for its last 25 cycles",
        lines - 24
    );
    assert_eq!(messages(&project.report(), Severity::Warning), [warning]);
}

#[test]
fn declared_ranges_and_minimum_history_are_checked() {
    let project = TestProject::without_origin();
    project.edit_line(TRAIN, 12, |row| with_cell(row, 16, "99.5"));
    let text = "minimum_cycles = 500\nranges = { s_11 = [40, 60], s_99 = [0, 1] }\nseverity.minimum_history = 'info'";
    let report = project.validate(&toml::from_str(text).unwrap()).report;
    assert_eq!(
        errors(&report),
        [
            "ranges sim/train_SIM001.txt:12: s_11 is 99.5, outside 40 to 60",
            "ranges a range is declared for `s_99`, but the data has no such column",
        ]
    );
    assert_eq!(report.counts.infos, 20 + 1);
}

#[test]
fn the_true_lives_are_checked() {
    let project = TestProject::without_origin();
    project.edit_line("RUL_SIM001.txt", 2, |_| "-4 \n".into());
    project.edit_line("RUL_SIM001.txt", 3, |_| "12.5 \n".into());
    project.edit_line("RUL_SIM001.txt", 4, |_| "7 7\n".into());
    assert_eq!(
        errors(&project.report()),
        [
            "columns sim/RUL_SIM001.txt:4: 2 columns instead of 1",
            "types sim/RUL_SIM001.txt:3: `12.5` in column 1 (rul) is not a whole number",
            "unit_counts sim/RUL_SIM001.txt: has 6 units, expected 8",
            "rul_rows sim/RUL_SIM001.txt: has 6 rows for 8 test units",
            "rul_values sim/RUL_SIM001.txt:2: remaining useful life -4 is negative",
        ]
    );
}

#[test]
fn half_a_test_part_is_refused_and_none_is_fine() {
    let project = TestProject::without_origin();
    std::fs::remove_file(project.root().join("sim/RUL_SIM001.txt")).unwrap();
    let missing = "rul_rows sim/test_SIM001.txt: exists, but the file with its true remaining useful lives does not: \
                   install both files or neither";
    assert_eq!(errors(&project.report()), [missing]);
    std::fs::remove_file(project.root().join("sim/test_SIM001.txt")).unwrap();
    let Validation { report, dataset } = project.validate(&ValidateOptions::default());
    assert!(report.is_valid() && dataset.unwrap().test().is_none());
    let skipped = report
        .checks
        .iter()
        .find(|check| check.expectation == Expectation::RulRows)
        .unwrap();
    assert_eq!(
        (skipped.outcome, skipped.scope.as_str()),
        (CheckOutcome::Skipped, "there is no test part")
    );
}

#[test]
fn files_that_are_no_text_are_refused_without_being_parsed() {
    let noise: Vec<u8> = {
        use rand::{Rng, SeedableRng};
        let mut noise = vec![0; 45_000_000];
        rand_chacha::ChaCha8Rng::seed_from_u64(1).fill_bytes(&mut noise);
        noise
    };
    let printable: Vec<u8> = noise[..8_000_000]
        .iter()
        .map(|byte| b' ' + byte % 95)
        .collect();
    let lines: Vec<u8> = noise[..8_000_000]
        .iter()
        .map(|byte| if *byte < 9 { b'\n' } else { 0x80 | byte })
        .collect();
    let late: Vec<u8> = [WRITTEN[0].1.as_slice(), &noise[..1000]].concat();
    let cases: [(&[u8], Expectation, &str); 8] = [
        (&noise, Expectation::Complete, "is not text: byte 0x"),
        (&late, Expectation::Complete, "is not text: byte 0x"),
        (
            &printable,
            Expectation::Columns,
            "a line of 8000000 bytes, too long for a row",
        ),
        (&lines, Expectation::Types, "is not UTF-8"),
        (
            b"\xff\xfe1\x00 \x00",
            Expectation::Complete,
            "the file ends in the middle of a row: 1 column instead of 26",
        ),
        (
            b"\xff\xfe1\x00 \x00\x00",
            Expectation::Complete,
            "the file ends in the middle of a row: 1 column instead of 26",
        ),
        (b"", Expectation::Complete, "is empty"),
        (b"\n \r\n\n", Expectation::Complete, "is empty"),
    ];
    for (contents, expectation, expected) in cases {
        let project = TestProject::without_origin();
        project.edit(TRAIN, |file| *file = contents.to_vec());
        let Validation { report, dataset } = project.validate(&ValidateOptions::default());
        assert!(dataset.is_none());
        let finding = report
            .findings
            .iter()
            .find(|finding| finding.expectation == expectation)
            .unwrap();
        assert!(finding.message.contains(expected), "{finding}");
        assert!(
            report.findings.len() <= 2 * LISTED + 5
                && report.files[0].bytes == contents.len() as u64
        );
    }
}

#[test]
fn what_is_not_there_is_an_error_with_a_hint() {
    let project = TestProject::new();
    let missing = DatasetOptions::Cmapss(CmapssOptions::default());
    let error = ingest(&missing, project.root()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("datasets/cmapss/train_FD001.txt"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("pdm-ml data fetch cmapss"));
    assert!(matches!(
        input_digests(&missing, project.root()),
        Err(DataError::Missing { .. })
    ));

    let train = project.root().join("sim").join(TRAIN);
    std::fs::remove_file(&train).unwrap();
    let simulated = DatasetOptions::Simulated(small_fleet());
    assert!(
        ingest(&simulated, project.root())
            .unwrap_err()
            .hint()
            .unwrap()
            .contains("pdm-ml data simulate")
    );
    std::fs::create_dir(&train).unwrap();
    assert!(
        matches!(ingest(&simulated, project.root()), Err(DataError::NotAFile(path)) if path == train)
    );
}

#[test]
fn other_blanks_and_line_ends_are_read_alike() {
    let plain = TestProject::without_origin()
        .validate(&ValidateOptions::default())
        .dataset
        .unwrap();
    let edits: [fn(&str) -> String; 5] = [
        |text| text.replace('\n', "\r\n"),
        |text| text.replace("  \n", "\n"),
        |text| text.replace(' ', "\t").replace('\t', "  "),
        |text| format!("\u{feff}{text}\n\n"),
        |text| text.lines().map(|line| format!("   {line}\r\n")).collect(),
    ];
    for edit in edits {
        let project = TestProject::without_origin();
        for name in [TRAIN, "test_SIM001.txt", "RUL_SIM001.txt"] {
            project.edit(name, |contents| {
                *contents = edit(std::str::from_utf8(contents).unwrap()).into_bytes()
            });
        }
        let Validation { report, dataset } = project.validate(&ValidateOptions::default());
        assert_eq!(errors(&report), [""; 0]);
        assert_eq!(dataset.unwrap().train(), plain.train());
    }
}

mod any_bytes {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn are_read_or_reported_and_never_panic(
            at in 0.0..1.0_f64,
            removed in 0..200_usize,
            inserted in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..60),
                "[0-9 .\n\r\t,eE+\"-]{0,60}".prop_map(String::into_bytes),
            ],
        ) {
            let mut bytes = WRITTEN[0].1[..20_000].to_vec();
            let start = (at * bytes.len() as f64) as usize;
            let end = bytes.len().min(start + removed);
            bytes.splice(start..end, inserted);
            let mut log = findings::FindingLog::default();
            let rows = cmapss::histories(&bytes, &Schema::cmapss(), "f", &mut log);
            let finite = rows.is_some_and(|rows| rows.channels.iter().flatten().all(|value| value.is_finite()));
            prop_assert!(finite || log.count(Severity::Error) > 0);
            let mut log = findings::FindingLog::default();
            let schema = Schema { unit: "u".into(), cycle: "c".into(), settings: vec![], sensors: vec!["x".into()], ..Schema::default() };
            let table = [b"u,c,x\n".as_slice(), &bytes].concat();
            table::read(table::TableFormat::Csv, &table, &table::TableColumns::of(&schema), RequestedCsv::default(), "f", &mut log);
            cmapss::rul(&bytes, "f", &mut log);
        }
    }
}

#[test]
fn numbers_that_no_sensor_measured_are_reported_with_their_place() {
    for text in ["1e155", "-1e200", "1.7e308"] {
        let messages = after_cell(9, 7, text);
        assert_eq!(messages.len(), 1, "{messages:?}");
        let value: f64 = text.parse().unwrap();
        assert_eq!(
            messages[0],
            format!("finite sim/train_SIM001.txt:9: s_2 is {value:e}, too large to compute with")
        );
    }
    for text in [
        "-9999",
        "65535",
        "3.4028234663852886e38",
        "999999.9",
        "1e30",
    ] {
        let messages = after_cell(9, 7, text);
        assert_eq!(messages.len(), 1, "{text}: {messages:?}");
        assert!(
            messages[0].starts_with("implausible_values sim/train_SIM001.txt:9: s_2 is "),
            "{}",
            messages[0]
        );
    }
}

#[test]
fn a_single_spike_is_a_warning_with_its_place() {
    let project = TestProject::without_origin();
    project.edit_line(TRAIN, 9, |row| with_cell(row, 7, "1200.5"));
    let report = project.report();
    assert_eq!(errors(&report), [""; 0]);
    let spike = report
        .findings
        .iter()
        .find(|found| found.expectation == Expectation::ImplausibleValues)
        .unwrap();
    assert_eq!(
        (spike.severity, spike.line, spike.column.as_deref()),
        (Severity::Warning, Some(9), Some("s_2"))
    );
    assert!(
        spike
            .message
            .starts_with("s_2 is 1200.5, a spike or a placeholder; "),
        "{}",
        spike.message
    );
}

#[test]
fn undamaged_fleets_hold_nothing_implausible() {
    let report = TestProject::without_origin().report();
    assert!(
        report
            .findings
            .iter()
            .all(|found| found.expectation != Expectation::ImplausibleValues),
        "{report:?}"
    );
}
