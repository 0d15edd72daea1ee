//! Tests: CSV files in all common dialects.

use super::super::packed::packed;
use super::*;

const PLAIN: &str =
    "unit,cycle,temp,note\nA1,1,20.5,ok\nA1,2,21.25,ok\nB,1,19.5,\nB,2,1020.125,x\n";

fn options(train: &str) -> TableOptions {
    TableOptions {
        train: train.into(),
        sensors: vec!["temp".into()],
        ..TableOptions::default()
    }
}

fn read_as(options: TableOptions, bytes: &[u8]) -> Validation {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(&options.train), bytes).unwrap();
    let rules = ValidateOptions {
        minimum_cycles: 1,
        ..ValidateOptions::default()
    };
    validate(
        ingest(&DatasetOptions::Table(options), folder.path()).unwrap(),
        &rules,
    )
}

fn read(name: &str, bytes: &[u8]) -> Validation {
    read_as(options(name), bytes)
}

fn assert_plain(validation: &Validation, what: &str) {
    assert_eq!(errors(&validation.report), [""; 0], "{what}");
    let train = validation.dataset.as_ref().unwrap().train();
    assert_eq!(
        train
            .iter()
            .map(|unit| unit.unit.as_str())
            .collect::<Vec<_>>(),
        ["A1", "B"],
        "{what}"
    );
    assert_eq!(train[0].channels, [[20.5, 21.25]], "{what}");
    assert_eq!(train[1].channels, [[19.5, 1020.125]], "{what}");
}

#[test]
fn what_is_unambiguous_is_read() {
    let utf16 =
        |order: fn(u16) -> [u8; 2]| PLAIN.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let german = PLAIN.replace(',', ";").replace('.', ",");
    let texts: Vec<(&str, Vec<u8>)> = vec![
        ("commas", PLAIN.into()),
        ("semicolons", PLAIN.replace(',', ";").into()),
        ("tabs", PLAIN.replace(',', "\t").into()),
        ("bars", PLAIN.replace(',', "|").into()),
        ("decimal commas", german.clone().into()),
        (
            "decimal commas in quotes",
            PLAIN
                .replace("20.5", "\"20,5\"")
                .replace("21.25", "\"21,25\"")
                .replace("19.5", "\"19,5\"")
                .replace("1020.125", "\"1020,125\"")
                .into(),
        ),
        (
            "what Excel writes",
            format!("sep=;\r\n{}", german.replace('\n', "\r\n")).into(),
        ),
        ("a mark", format!("\u{feff}{PLAIN}").into()),
        ("carriage returns", PLAIN.replace('\n', "\r").into()),
        (
            "UTF-16, low byte first",
            [b"\xff\xfe".to_vec(), utf16(u16::to_le_bytes)].concat(),
        ),
        (
            "UTF-16, high byte first",
            [b"\xfe\xff".to_vec(), utf16(u16::to_be_bytes)].concat(),
        ),
        ("UTF-16 without a mark", utf16(u16::to_le_bytes)),
        ("gzip", packed(PLAIN.as_bytes())),
        (
            "another case",
            PLAIN
                .replace("unit", " Unit ")
                .replace("temp", "TEMP")
                .into(),
        ),
        (
            "quotes around all",
            PLAIN
                .replace("unit,cycle,temp", "\"unit\",\"cycle\",\"temp\"")
                .into(),
        ),
        (
            "a line break in quotes",
            PLAIN
                .replace("A1,1,20.5,ok", "A1,1,20.5,\"first\nsecond, \"\"third\"\"\"")
                .into(),
        ),
        ("inches", PLAIN.replace("20.5,ok", "20.5,5\" pipe").into()),
        (
            "a quote that is not closed",
            PLAIN.replace("20.5,ok", "20.5,\"ok").into(),
        ),
        (
            "Latin-1 in a comment",
            PLAIN
                .replace("20.5,ok", "20.5,@")
                .bytes()
                .map(|byte| if byte == b'@' { 0xfc } else { byte })
                .collect(),
        ),
        ("empty lines above", format!("\n\n{PLAIN}").into()),
    ];
    for (what, bytes) in &texts {
        assert_plain(&read("train.csv", bytes), what);
    }
    assert_plain(&read("train.csv.gz", &packed(german.as_bytes())), "packed");
    assert_plain(
        &read("train.tsv", PLAIN.replace(',', "\t").as_bytes()),
        "tabs by name",
    );
}

#[test]
fn names_in_another_form_of_unicode_are_found() {
    let text = PLAIN.replace("temp", "O\u{308}ltemp");
    let options = TableOptions {
        sensors: vec!["Öltemp".into()],
        ..options("train.csv")
    };
    let validation = read_as(options, text.as_bytes());
    assert_plain(&validation, "decomposed");
    assert_eq!(
        messages(&validation.report, Severity::Info)[0],
        "columns train.csv:1: column `O\u{308}ltemp` is read as `Öltemp`"
    );
}

#[test]
fn what_is_ambiguous_says_the_key_to_set() {
    let text = "unit;cycle;temp\na;1;1,234\na;2;2,345\n";
    let message = "types train.csv:2: `1,234` in column 3 (temp) has a comma that may be a decimal mark or a thousands \
    separator: write `decimal = \",\"` or `decimal = \".\"` under [dataset]";
    assert_eq!(
        errors(&read("train.csv", text.as_bytes()).report),
        [message]
    );
    let decimal = TableOptions {
        decimal: Some(','),
        ..options("train.csv")
    };
    let dataset = read_as(decimal, text.as_bytes()).dataset.unwrap();
    assert_eq!(dataset.train()[0].channels, [[1.234, 2.345]]);

    let odd = TableOptions {
        separator: Some('^'),
        ..options("train.csv")
    };
    assert_plain(
        &read_as(odd, PLAIN.replace(',', "^").as_bytes()),
        "a separator of its own",
    );

    let latin: Vec<u8> = "unit,cycle,temp\nS@d,1,1\nS@d,2,2\n"
        .bytes()
        .map(|b| if b == b'@' { 0xfc } else { b })
        .collect();
    let guessed = read("train.csv", &latin);
    assert_eq!(
        messages(&guessed.report, Severity::Warning),
        [
            "types train.csv: is not UTF-8, so `Süd` was read as Windows-1252: write `encoding = \"latin-1\"` under [dataset] if \
          that is right"
        ]
    );
    let declared = TableOptions {
        encoding: Some(Encoding::Latin1),
        ..options("train.csv")
    };
    let declared = read_as(declared, &latin);
    assert_eq!(messages(&declared.report, Severity::Warning), [""; 0]);
    assert_eq!(declared.dataset.unwrap().train()[0].unit.as_str(), "Süd");
}

#[test]
fn what_is_no_table_is_reported() {
    let cases: [(&str, Vec<u8>, &str); 5] = [
        (
            "train.csv",
            PLAIN
                .lines()
                .skip(1)
                .collect::<Vec<_>>()
                .join("\n")
                .replace("A1", "1")
                .replace("B", "2")
                .replace("ok", "0")
                .into(),
            "columns train.csv:1: begins with numbers (`1`, `1`, `20.5`, …); the first line should name the columns",
        ),
        (
            "train.csv",
            PLAIN.replace("temp", "Temperature").into(),
            "columns train.csv:1: has no column `temp` (did you mean `Temperature`?); it has `unit`, `cycle`, `Temperature`, `note`",
        ),
        (
            "train.csv",
            b"PK\x03\x04 workbook".to_vec(),
            "complete train.csv:1: is not text: byte 0x03 at offset 2 (it looks like a zip archive or an Excel workbook; save the sheet as CSV)",
        ),
        (
            "train.csv.gz",
            packed(PLAIN.as_bytes())[..30].to_vec(),
            "complete train.csv.gz: cannot be unpacked as gzip: ",
        ),
        (
            "train.csv",
            PLAIN.replace("21.25", "2026-01-31").into(),
            "types train.csv:3: `2026-01-31` in column 3 (temp) is a date or a time, not a number",
        ),
    ];
    for (name, bytes, expected) in cases {
        let errors = errors(&read(name, &bytes).report);
        assert!(errors[0].starts_with(expected), "{errors:?}");
    }
}

#[test]
fn a_line_without_end_is_reported_at_once() {
    let line = [PLAIN.as_bytes(), &vec![b'7'; 8 << 20]].concat();
    let started = std::time::Instant::now();
    let report = read("train.csv", &line).report;
    assert_eq!(
        errors(&report),
        ["columns train.csv:6: a line of 8388608 bytes, too long for a row"]
    );
    let header = read("train.csv", &vec![b'x'; 8 << 20]).report;
    assert_eq!(
        errors(&header),
        ["columns train.csv:1: begins with a line of 8388608 bytes, too long for a header"]
    );
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
}

#[test]
fn prediction_inputs_are_read_alike() {
    let folder = tempfile::tempdir().unwrap();
    let schema = options("train.csv").schema();
    let german = PLAIN.replace(',', ";").replace('.', ",");
    for (name, bytes) in [
        ("a.csv", german.clone().into_bytes()),
        ("b.csv.gz", packed(german.as_bytes())),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let units = read_units(&path, &schema).unwrap();
        assert_eq!(units[1].channels, [[19.5, 1020.125]]);
    }
    let error = read_units(Path::new("s3://plant/units.csv"), &schema).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`s3://plant/units.csv` is an address; data are read from local files only"
    );
}

/// A table of units A to F with three rows each and a remark; `edit` is given unit, cycle and the cells after them.
fn remarks(edit: impl Fn(&str, usize, &mut Vec<String>)) -> String {
    let mut text = "unit,cycle,temp,remark\n".to_owned();
    for unit in ["A", "B", "C", "D", "E", "F"] {
        for cycle in 1..=3 {
            let mut cells = vec![format!("{cycle}.{}", unit.as_bytes()[0]), "ok".to_owned()];
            edit(unit, cycle, &mut cells);
            text.push_str(&format!("{unit},{cycle},{}\n", cells.join(",")));
        }
    }
    text
}

#[test]
fn a_stray_quote_swallows_no_unit() {
    for mark in ["\"", "\"see above", "\"a\" b\"c"] {
        let text = remarks(|unit, cycle, cells| {
            if cycle == 3 && matches!(unit, "B" | "C") {
                cells[1] = mark.to_owned();
            }
        });
        let Validation { report, dataset } = read("train.csv", text.as_bytes());
        assert_eq!(errors(&report), [""; 0], "{mark}");
        let dataset = dataset.unwrap();
        assert_eq!(
            dataset
                .train()
                .iter()
                .map(|unit| unit.len())
                .collect::<Vec<_>>(),
            [3; 6],
            "{mark}"
        );
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("now.csv"), &text).unwrap();
        let units = read_units(
            &folder.path().join("now.csv"),
            &options("train.csv").schema(),
        )
        .unwrap();
        assert_eq!(units, dataset.train(), "{mark}");
    }
}

#[test]
fn quotes_that_may_be_strays_are_reported() {
    let text = remarks(|unit, cycle, cells| {
        if cycle == 3 && matches!(unit, "B" | "C") {
            cells[1] = "\"".to_owned();
        }
    });
    let mut warnings = messages(
        &read("train.csv", text.as_bytes()).report,
        Severity::Warning,
    );
    warnings.retain(|warning| warning.starts_with("columns "));
    let expected = "columns train.csv:7: a quote opens here and could close at line 10, but lines in between are complete \
    rows: each line is read as a row and the quotes as ordinary characters";
    assert_eq!(warnings, [expected]);
}

#[test]
fn a_row_with_too_many_fields_is_refused_though_the_last_column_is_not_read() {
    for note in ["ok", "\"two\nlines\""] {
        let text = remarks(|unit, cycle, cells| {
            cells[1] = note.to_owned();
            if unit == "A" && cycle == 2 {
                cells[0] = "20,82".to_owned();
            }
        });
        let errors = errors(&read("train.csv", text.as_bytes()).report);
        assert!(errors[0].ends_with("5 columns instead of 4"), "{errors:?}");
    }
}

#[test]
fn blanks_before_a_quote_are_no_part_of_a_name() {
    let text = remarks(|_, _, _| ()).replace("\nA,1,", "\n \"A\", 1, ");
    let dataset = read("train.csv", text.as_bytes()).dataset.unwrap();
    assert_eq!(dataset.train()[0].unit.as_str(), "A");
    assert_eq!(dataset.train()[0].len(), 3);
}

#[test]
fn points_between_thousands_are_no_decimal_places() {
    let text = "unit;cycle;temp;rpm\na;1;1,5;985\na;2;2,5;1.005\n";
    for decimal in [None, Some(',')] {
        let options = TableOptions {
            train: "train.csv".into(),
            sensors: vec!["temp".into(), "rpm".into()],
            decimal,
            ..TableOptions::default()
        };
        assert_eq!(
            errors(&read_as(options, text.as_bytes()).report),
            [
                "types train.csv:3: `1.005` in column 4 (rpm) has a point, but this file has decimal commas: write `1005` if \
                the point separates thousands, or `1,005` if it separates decimal places"
            ]
        );
    }
    let cycle = "unit;cycle;temp\na;999;1,5\na;1.000;2,5\n";
    let errors = errors(&read("train.csv", cycle.as_bytes()).report);
    assert!(
        errors[0].contains("`1.000` in column 2 (cycle) has a point"),
        "{errors:?}"
    );
}

#[test]
fn a_header_may_have_line_breaks() {
    let wide = PLAIN.replace(
        "unit,cycle,temp,note",
        "\"note\n(free)\",unit,cycle,\"TEMP\"",
    );
    let moved: String = wide
        .split_inclusive('\n')
        .enumerate()
        .map(|(at, line)| match line.trim_end().rsplit_once(',') {
            Some((rest, note)) if at > 1 => format!("{note},{rest}\n"),
            Some(_) | None => line.to_owned(),
        })
        .collect();
    assert_plain(&read("train.csv", moved.as_bytes()), "first column");
    let last = PLAIN.replace("temp,note", "temp,\"note\n(free)\"");
    assert_plain(&read("train.csv", last.as_bytes()), "last column");
    let stray = PLAIN
        .replace("temp,note", "temp,\"note")
        .replace(",ok", ",\"");
    assert_plain(&read("train.csv", stray.as_bytes()), "a stray quote");
}

#[test]
fn rows_without_a_value_are_passed_over() {
    let text = PLAIN.replace("B,1", "\n,,,\nB,1") + ",,,\n,,,\n";
    let validation = read("train.csv", text.as_bytes());
    assert_plain(&validation, "empty rows");
    let infos = messages(&validation.report, Severity::Info);
    assert!(
        infos[0].contains("train.csv:4: skipped 4 rows without values, the first of them here"),
        "{infos:?}"
    );
}

#[test]
fn what_a_first_line_is_that_names_no_column() {
    let cases = [
        (
            PLAIN.replace(',', "^"),
            "separates the columns by `^`: write `separator = \"^\"` under [dataset]",
        ),
        (
            PLAIN.replace(',', ":"),
            "separates the columns by `:`: write `separator = \":\"` under [dataset]",
        ),
        (
            PLAIN.replace(',', " "),
            "separates the columns by spaces: use commas instead, also in the rows",
        ),
        (
            format!("Machine;X\nExported;2026-01-31\n\n{PLAIN}"),
            "begins with other text; the header is on line 4: remove the lines above it",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(
            errors(&read("train.csv", text.as_bytes()).report),
            [format!("columns train.csv:1: {expected}")]
        );
    }
    let twice = read("train.csv.gz", &packed(&packed(PLAIN.as_bytes())));
    assert_eq!(
        errors(&twice.report),
        ["complete train.csv.gz: is packed by gzip twice: unpack it once"]
    );
}

#[test]
fn a_header_that_was_guessed_is_reported_where_a_column_is_missing() {
    // "Темп" in Windows-1251.
    let bytes = [b"unit,cycle,\xd2\xe5\xec\xef\n".as_slice(), b"a,1,2\n"].concat();
    let options = TableOptions {
        sensors: vec!["Темп".into()],
        ..options("train.csv")
    };
    let errors = errors(&read_as(options.clone(), &bytes).report);
    let expected = "types train.csv:1: is not UTF-8, so `Òåìï` was read as Windows-1252: if that name is wrong, save the file as UTF-8";
    assert!(errors.iter().any(|error| error == expected), "{errors:?}");

    let text = "unit,cycle,Темп\na,1,2\na,2,3\n";
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for encoding in [None, Some(Encoding::Utf16)] {
        let dataset = read_as(
            TableOptions {
                encoding,
                ..options.clone()
            },
            &wide,
        )
        .dataset
        .unwrap();
        assert_eq!(dataset.train()[0].channels, [[2.0, 3.0]]);
    }
}

#[test]
fn names_with_blanks_are_one_cause() {
    let text = remarks(|_, _, _| ())
        .replace(",1,", ",4,")
        .replace(",2,", ",5,")
        .replace(",3,", ",6,")
        .replace("\nA", "\nA1");
    let text: String = text
        .lines()
        .map(|line| {
            if line.starts_with("unit") {
                format!("{line}\n")
            } else {
                format!("Pump {line}\n")
            }
        })
        .collect();
    let report = read("train.csv", text.as_bytes()).report;
    let messages: Vec<_> = causes(&report.findings)
        .into_iter()
        .filter(|cause| cause.first.severity == Severity::Error)
        .collect();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(
        messages[0]
            .to_string()
            .contains("unit `Pump A1` begins at cycle 4 instead of 1 (6 times"),
        "{}",
        messages[0]
    );
}

#[test]
fn whole_numbers_with_a_decimal_zero_are_the_same_units() {
    let text = "unit,cycle,temp\n1.0,1,20.5\n1.0,2,21.5\n12.0,1,3\n12.0,2,4\n";
    for text in [
        text.to_owned(),
        text.replace("1.0,1", "\"1.0\",1")
            .replace("2,4", " 2, \"4\""),
    ] {
        let validation = read("train.csv", text.as_bytes());
        assert_eq!(errors(&validation.report), [""; 0]);
        let dataset = validation.dataset.unwrap();
        assert_eq!(
            dataset
                .train()
                .iter()
                .map(|unit| unit.unit.as_str())
                .collect::<Vec<_>>(),
            ["1", "12"]
        );
    }
}

#[test]
fn requested_csv_properties_are_used_in_prediction_inputs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("now.csv");
    std::fs::write(&path, "unit^cycle^temp\na^1^1,234\na^2^2,015\n").unwrap();
    let schema = options("train.csv").schema();
    assert!(read_input(&path, None, &schema, RequestedCsv::default()).is_err());
    let requested = RequestedCsv {
        separator: Some('^'),
        decimal: Some(','),
        encoding: None,
    };
    assert_eq!(
        read_input(&path, None, &schema, requested).unwrap().units[0].channels,
        [[1.234, 2.015]]
    );
    let bytes = std::fs::read(&path).unwrap();
    let input = parse_input("standard input", bytes, UnitFormat::Csv, &schema, requested).unwrap();
    assert_eq!(input.units[0].channels, [[1.234, 2.015]]);
}

fn with_lives(train: &str, test: &str, rul: &str) -> QualityReport {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("train.csv", train), ("test.csv", test), ("rul.csv", rul)] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let options = TableOptions {
        test: Some("test.csv".into()),
        rul: Some("rul.csv".into()),
        ..options("train.csv")
    };
    let rules = ValidateOptions {
        minimum_cycles: 1,
        ..ValidateOptions::default()
    };
    validate(
        ingest(&DatasetOptions::Table(options), folder.path()).unwrap(),
        &rules,
    )
    .report
}

#[test]
fn names_of_units_agree_in_any_form_of_unicode() {
    let report = with_lives(
        PLAIN,
        "unit,cycle,temp\nT\u{f6},1,5\n",
        "unit,rul\nTo\u{308},7\n",
    );
    assert_eq!(errors(&report), [""; 0]);
}

#[test]
fn a_life_that_none_in_training_comes_near_is_a_warning() {
    let report = with_lives(
        PLAIN,
        "unit,cycle,temp\nx,1,5\ny,1,6\n",
        "unit,rul\nx,20\ny,999999\n",
    );
    assert_eq!(errors(&report), [""; 0]);
    let warnings: Vec<_> = messages(&report, Severity::Warning)
        .into_iter()
        .filter(|message| message.starts_with("rul_values"))
        .collect();
    let expected = "rul_values rul.csv:3: remaining useful life 999999 is more than ten times the longest training history (2 \
                    cycles); it may be a placeholder for an unknown life";
    assert_eq!(warnings, [expected]);
}
