//! `predict`: by reference and by folder, to a table, CSV and Parquet.

use crate::project::{Project, SMALL, wearing_units};

const INPUT: &str = "datasets/simulated/test_SIM001.txt";

fn trained() -> Project {
    let project = Project::with_pipeline(SMALL);
    project.json(&["run"]);
    project
}

#[test]
fn every_unit_gets_a_prediction_inside_its_interval() {
    let project = trained();
    let predictions = project.json(&["predict", "--model", "small@champion", "--input", INPUT]);
    let predictions = predictions.as_array().unwrap();
    assert_eq!(predictions.len(), 12);
    for p in predictions {
        let [lower, rul, upper] = [&p["interval"]["lower"], &p["rul"], &p["interval"]["upper"]]
            .map(|v| v.as_f64().unwrap());
        assert!(
            0.0 <= lower && lower <= rul && rul <= upper && upper <= 125.0,
            "{p}"
        );
    }
}

#[test]
fn serving_and_evaluation_predict_the_same() {
    let project = trained();
    project.pdm(&["evaluate", "--predictions", "judged.csv"]);
    project.pdm(&[
        "predict",
        "--model",
        "small/1",
        "--input",
        INPUT,
        "--output",
        "served.csv",
    ]);
    let cut = |text: String| -> Vec<String> {
        text.lines()
            .skip(1)
            .map(|line| line.split(',').take(5).collect::<Vec<_>>().join(","))
            .collect()
    };
    assert_eq!(
        cut(project.read("judged.csv")),
        cut(project.read("served.csv"))
    );
}

#[test]
fn a_history_cut_at_a_cycle_predicts_what_the_whole_one_does_there() {
    let project = trained();
    let whole = project.json(&[
        "predict",
        "-m",
        "small@champion",
        "-i",
        INPUT,
        "--unit",
        "3",
        "--every-cycle",
    ]);
    let first: Vec<_> = project
        .read(INPUT)
        .lines()
        .filter(|l| l.starts_with("3 "))
        .take(25)
        .map(str::to_owned)
        .collect();
    project.write("cut.txt", first.join("\n") + "\n");
    let cut = project.json(&["predict", "-m", "small@champion", "-i", "cut.txt"]);
    assert_eq!(cut[0], whole[24]);
}

#[test]
fn a_bundle_folder_and_its_registered_version_are_the_same_model() {
    let project = trained();
    let bundle = project.json(&["run"])["bundle"]
        .as_str()
        .unwrap()
        .to_owned();
    let [a, b] = [bundle.as_str(), "small@latest"]
        .map(|model| project.json(&["predict", "-m", model, "-i", INPUT]));
    assert_eq!(a, b);
    let parquet = project.pdm(&["predict", "-m", &bundle, "-i", INPUT, "-o", "rul.parquet"]);
    assert_eq!(
        (parquet.code, parquet.stdout.as_str()),
        (0, "rul.parquet: 12 predictions\n")
    );
    assert_eq!(
        &std::fs::read(project.file("rul.parquet")).unwrap()[..4],
        b"PAR1"
    );
}

#[test]
fn a_changed_bundle_is_refused_before_it_is_parsed() {
    let project = trained();
    let bundle = project.json(&["run"])["bundle"]
        .as_str()
        .unwrap()
        .to_owned();
    for name in [
        "weights.safetensors",
        "features.json",
        "calibration.json",
        "profile.json",
    ] {
        let path = std::path::Path::new(&bundle).join(name);
        let good = std::fs::read(&path).unwrap();
        let mut bad = good.clone();
        *bad.last_mut().unwrap() ^= 1;
        std::fs::write(&path, bad).unwrap();
        let answer = project.pdm(&["predict", "-m", &bundle, "-i", INPUT]);
        assert_eq!(answer.code, 40, "{name}: {answer:?}");
        assert!(
            answer.stderr.contains(name) && answer.stderr.contains("was changed"),
            "{}",
            answer.stderr
        );
        std::fs::write(&path, good).unwrap();
    }
}

#[test]
fn wrong_names_and_inputs_say_what_and_where() {
    let project = trained();
    for (args, code, words) in [
        (["-m", "small@nobody", "-i", INPUT], 1, "nobody"),
        (["-m", "no such model", "-i", INPUT], 2, "no such model"),
        (
            ["-m", "small@champion", "-i", "absent.txt"],
            1,
            "absent.txt",
        ),
        (["-m", "small@champion", "-i", "pdm.toml"], 1, "pdm.toml"),
    ] {
        let answer = project.pdm(&[&["predict"], &args[..]].concat());
        assert_eq!(answer.code, code, "{answer:?}");
        assert!(answer.stderr.contains(words), "{}", answer.stderr);
    }
    project.write("bad.txt", "1 1 0.0 0.0 100.0 x\n");
    let answer = project.pdm(&["predict", "-m", "small@champion", "-i", "bad.txt"]);
    assert_eq!(answer.code, 10, "{answer:?}");
    assert!(answer.stderr.contains("bad.txt:1"), "{}", answer.stderr);
}

#[test]
fn features_are_exported_to_a_table() {
    let project = Project::with_pipeline(SMALL);
    assert_eq!(
        project.pdm(&["features", "--output", "features.csv"]).code,
        0
    );
    assert_eq!(
        project
            .pdm(&["features", "--output", "features.parquet"])
            .code,
        0
    );
    let csv = project.read("features.csv");
    let header: Vec<_> = csv.lines().next().unwrap().split(',').collect();
    assert_eq!(
        (&header[..3], header.len()),
        (&["unit", "cycle", "rul"][..], 3 + 114)
    );
    assert_eq!(
        std::fs::read(project.file("features.parquet")).unwrap()[..4],
        *b"PAR1"
    );
}

#[test]
fn no_registered_model_is_used_from_a_damaged_registry() {
    let project = trained();
    assert_eq!(
        project
            .pdm(&["predict", "-m", "small@champion", "-i", INPUT])
            .code,
        0
    );
    let blobs = std::fs::read_dir(project.file("registry/store/blobs/sha256")).unwrap();
    let blobs: Vec<_> = blobs.map(|entry| entry.unwrap().path()).collect();
    assert!(blobs.len() >= 7, "{blobs:?}");
    for blob in blobs {
        let good = std::fs::read(&blob).unwrap();
        let mut bad = good.clone();
        bad[0] ^= 1;
        std::fs::write(&blob, bad).unwrap();
        let answer = project.pdm(&["predict", "-m", "small@champion", "-i", INPUT]);
        assert_eq!(answer.code, 40, "{}: {answer:?}", blob.display());
        std::fs::write(&blob, good).unwrap();
    }
}

/// The test part as CSV, with its cells changed by `change(line, cells)`; line 0 is the header.
fn as_csv(project: &Project, change: impl Fn(usize, &mut Vec<String>)) -> String {
    let names = ["unit", "cycle", "op_1", "op_2", "op_3"]
        .map(str::to_owned)
        .into_iter();
    let header: Vec<String> = names.chain((1..=21).map(|i| format!("s_{i}"))).collect();
    let text = project.read(INPUT);
    let rows = text.lines().map(|line| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    let mut csv = String::new();
    for (at, mut cells) in std::iter::once(header).chain(rows).enumerate() {
        change(at, &mut cells);
        csv.push_str(&(cells.join(",") + "\n"));
    }
    csv
}

fn predict(project: &Project, more: &[&str]) -> crate::project::Answer {
    project.pdm(&[&["predict", "-m", "small@champion"], more].concat())
}

fn units(rows: &serde_json::Value) -> Vec<&str> {
    rows.as_array()
        .unwrap()
        .iter()
        .map(|row| row["unit"].as_str().unwrap())
        .collect()
}

#[test]
fn one_bad_unit_is_named_and_left_out_and_the_others_are_as_without_it() {
    let project = trained();
    let whole = project.json(&["predict", "-m", "small@champion", "-i", INPUT]);
    let good: Vec<_> = whole
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["unit"] != "3")
        .cloned()
        .collect();
    // An empty cell of a sensor, of the cycle, and a cycle that does not ascend.
    for (column, text) in [(7, ""), (1, ""), (1, "1"), (9, "n/a"), (9, "inf")] {
        let third = |at: usize, cells: &mut Vec<String>| {
            let row = at > 0 && cells[0] == "3" && cells[1] == "9";
            if row {
                cells[column] = text.to_owned();
            }
        };
        project.write("bad.csv", as_csv(&project, third));
        let answer = predict(&project, &["-i", "bad.csv", "--format", "json"]);
        assert_eq!(answer.code, 10, "{answer:?}");
        let rows: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
        assert_eq!(rows.as_array().unwrap(), &good, "column {column} `{text}`");
        assert!(
            answer.stderr.contains("unit 3 was skipped: bad.csv:"),
            "{}",
            answer.stderr
        );
        let written = predict(
            &project,
            &["-i", "bad.csv", "-o", "rul.csv", "--format", "json"],
        );
        let summary: serde_json::Value = serde_json::from_str(&written.stdout).unwrap();
        assert_eq!(
            (written.code, &summary["skipped"][0]["unit"]),
            (10, &serde_json::json!("3"))
        );
        assert_eq!(project.read("rul.csv").lines().count(), 1 + 11);
        let only = predict(&project, &["-i", "bad.csv", "--unit", "3"]);
        assert_eq!(only.code, 10, "{only:?}");
        assert_eq!(predict(&project, &["-i", "bad.csv", "--unit", "4"]).code, 0);
    }
    project.write(
        "all.csv",
        as_csv(&project, |at, cells| {
            cells[7] = if at > 0 {
                String::new()
            } else {
                cells[7].clone()
            }
        }),
    );
    let none = predict(&project, &["-i", "all.csv"]);
    assert_eq!((none.code, none.stdout.as_str()), (10, ""), "{none:?}");

    // Rows whose cycle is no number are no rows at all, and no reason to replace an earlier table.
    let dates = as_csv(&project, |at, cells| {
        if at > 0 {
            cells[1] = "2026-01-01 00:00".to_owned();
        }
    });
    project.write("dates.csv", dates);
    assert_eq!(predict(&project, &["-i", INPUT, "-o", "kept.csv"]).code, 0);
    let before = project.read("kept.csv");
    let none = predict(&project, &["-i", "dates.csv", "-o", "kept.csv", "--force"]);
    assert_eq!((none.code, none.stdout.as_str()), (10, ""), "{none:?}");
    assert_eq!(project.read("kept.csv"), before);
    assert_eq!(before.lines().count(), 1 + 12);
}

#[test]
fn units_skipped_for_one_cause_are_reported_in_one_sentence() {
    let project = trained();
    let changed = as_csv(&project, |at, cells| {
        let is_bad = at > 0 && ["2", "3", "4", "5", "6", "7"].contains(&cells[0].as_str());
        if is_bad && cells[1] == "9" {
            cells[7] = "n/a".to_owned();
        }
    });
    project.write("bad.csv", changed);
    let answer = predict(&project, &["-i", "bad.csv"]);
    assert_eq!(answer.code, 10, "{answer:?}");
    let warnings: Vec<_> = answer
        .stderr
        .lines()
        .filter(|line| line.contains("skipped"))
        .collect();
    assert_eq!(warnings.len(), 1, "{answer:?}");
    assert!(
        warnings[0].contains("6 units were skipped (2, 3, 4, 5, 6 and 1 more): bad.csv:"),
        "{warnings:?}"
    );
}

#[test]
fn a_table_that_trains_can_be_predicted_by_what_the_project_says_of_it() {
    let text = wearing_units(24).replace(',', "^").replace('.', ",");
    let pipeline = SMALL.replace(
        "kind = \"simulated\"\ntrain_units = 24\ntest_units = 12",
        "kind = \"table\"\ntrain = \"train.csv\"\nsensors = [\"temp\"]\nseparator = \"^\"\ndecimal = \",\"",
    );
    let project = Project::with_pipeline(&pipeline);
    project.write("train.csv", &text);
    let run = project.pdm(&["run"]);
    assert_eq!(run.code, 0, "{run:?}");
    project.write(
        "now.csv",
        text.lines().take(20).collect::<Vec<_>>().join("\n") + "\n",
    );
    let by_project = project.json(&["predict", "-m", "small@champion", "-i", "now.csv"]);
    assert_eq!(by_project.as_array().unwrap().len(), 1);
    project.write(
        "now.txt",
        project.read("now.csv").replace('^', "\t").replace(',', "."),
    );
    let options = [
        "--input-format",
        "csv",
        "--separator",
        "tab",
        "--decimal",
        ".",
    ];
    let by_options = project.json(
        &[
            &["predict", "-m", "small@champion", "-i", "now.txt"][..],
            &options,
        ]
        .concat(),
    );
    assert_eq!(by_options[0]["rul"], by_project[0]["rul"]);
    let wrong = project.pdm(&[
        "predict",
        "-m",
        "small@champion",
        "-i",
        "now.csv",
        "--separator",
        "x",
    ]);
    assert!(
        wrong.code == 2 && wrong.stderr.contains("not a valid separator"),
        "{wrong:?}"
    );
}

#[test]
fn standard_input_and_patterns_are_read_as_files_are() {
    let project = trained();
    let whole = project.json(&["predict", "-m", "small@champion", "-i", INPUT]);
    let csv = as_csv(&project, |_, _| ());
    project.write("whole.csv", &csv);
    let args = [
        "predict",
        "-m",
        "small@champion",
        "-i",
        "-",
        "--input-format",
        "csv",
        "--format",
        "json",
    ];
    let mut command = project.command(&args);
    command.stdin(std::fs::File::open(project.file("whole.csv")).unwrap());
    let answer = crate::project::Answer::of(&mut command);
    assert_eq!(answer.code, 0, "{answer:?}");
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&answer.stdout).unwrap(),
        whole
    );
    let nameless = predict(&project, &["-i", "-"]);
    assert!(
        nameless.code == 2 && nameless.stderr.contains("--input-format"),
        "{nameless:?}"
    );
    let (header, body) = csv.split_once('\n').unwrap();
    let half = |first: bool| {
        let of =
            |line: &&str| (line.split(',').next().unwrap().parse::<u32>().unwrap() <= 6) == first;
        format!(
            "{header}\n{}\n",
            body.lines().filter(of).collect::<Vec<_>>().join("\n")
        )
    };
    project.write("parts/a.csv", half(true));
    project.write("parts/b.csv", half(false));
    for input in [
        &["-i", "parts/*.csv"][..],
        &["-i", "parts/b.csv", "-i", "parts/a.csv"],
    ] {
        let args = [&["predict", "-m", "small@champion"], input].concat();
        assert_eq!(project.json(&args), whole);
    }
    let twice = predict(&project, &["-i", "parts/*.csv", "-i", "whole.csv"]);
    assert!(
        twice.code == 2
            && twice
                .stderr
                .contains("unit 1 is in `parts/a.csv` and in `whole.csv`"),
        "{twice:?}"
    );
    let nothing = predict(&project, &["-i", "absent/*.csv"]);
    assert!(
        nothing.code == 1 && nothing.stderr.contains("no file matches `absent/*.csv`"),
        "{nothing:?}"
    );
    project.write("whole.data", &csv);
    let with_format = [
        "predict",
        "-m",
        "small@champion",
        "-i",
        "whole.data",
        "--input-format",
        "csv",
    ];
    assert_eq!(project.json(&with_format), whole);
}

#[test]
fn a_counter_that_begins_late_is_flagged_everywhere() {
    let project = trained();
    let later = |at: usize, cells: &mut Vec<String>| {
        if at > 0 {
            cells[1] = (cells[1].parse::<u32>().unwrap() + 300).to_string();
        }
    };
    project.write("late.csv", as_csv(&project, later));
    let table = predict(&project, &["-i", "late.csv"]);
    assert_eq!(table.code, 0, "{table:?}");
    assert!(
        table.stdout.contains("outside of training") && table.stdout.contains("first_cycle"),
        "{}",
        table.stdout
    );
    assert!(
        table
            .stderr
            .contains("12 of 12 units outside the training data (first_cycle 12"),
        "{}",
        table.stderr
    );
    assert!(
        table.stderr.contains("counted from there its RUL would be"),
        "{}",
        table.stderr
    );
    let rows = project.json(&["predict", "-m", "small@champion", "-i", "late.csv"]);
    let kinds = |row: &serde_json::Value| row["flags"][0]["kind"].as_str().map(str::to_owned);
    assert!(
        rows.as_array()
            .unwrap()
            .iter()
            .all(|row| kinds(row).as_deref() == Some("first_cycle")),
        "{rows}"
    );
    predict(&project, &["-i", "late.csv", "-o", "late.rul.csv"]);
    let csv = project.read("late.rul.csv");
    assert!(
        csv.starts_with("unit,cycle,rul,lower,upper,flags\n"),
        "{csv}"
    );
    assert!(
        csv.lines().skip(1).all(|line| line.contains("first_cycle")),
        "{csv}"
    );
    let plain = predict(&project, &["-i", INPUT]);
    assert!(
        !plain.stdout.contains("outside of training") && !plain.stderr.contains("outside"),
        "{plain:?}"
    );
}

#[test]
fn an_alarm_has_an_exit_code_and_names_its_units() {
    let project = trained();
    let whole = project.json(&["predict", "-m", "small@champion", "-i", INPUT]);
    let mut lowest: Vec<f64> = whole
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["interval"]["lower"].as_f64().unwrap())
        .collect();
    lowest.sort_by(f64::total_cmp);
    let limit = format!("lower < {}", (lowest[2] + lowest[3]) / 2.0);
    let answer = predict(
        &project,
        &["-i", INPUT, "--alarm", &limit, "--format", "json"],
    );
    assert_eq!(answer.code, 32, "{answer:?}");
    let rows: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
    let rows = rows.as_array().unwrap();
    let alarmed: Vec<&str> = rows
        .iter()
        .filter(|row| row["alarm"] == true)
        .map(|row| row["unit"].as_str().unwrap())
        .collect();
    assert_eq!((rows.len(), alarmed.len()), (12, 3));
    let named = format!(
        "alarm: 3 of 12 units meet `{limit}`: {}",
        alarmed.join(", ")
    );
    assert!(answer.stderr.contains(&named), "{}", answer.stderr);
    let table = predict(&project, &["-i", INPUT, "--alarm", &limit]);
    assert_eq!((table.code, table.stdout.matches("ALARM").count()), (32, 3));
    let written = predict(&project, &["-i", INPUT, "--alarm", &limit, "-o", "rul.csv"]);
    assert_eq!(
        (
            written.code,
            project.read("rul.csv").matches(",true").count()
        ),
        (32, 3)
    );
    let none = predict(&project, &["-i", INPUT, "--alarm", "lower < 0 and rul > 0"]);
    assert_eq!((none.code, none.stdout.matches("ALARM").count()), (0, 0));
    let wrong = predict(&project, &["-i", INPUT, "--alarm", "life < 3"]);
    assert!(
        wrong.code == 2 && wrong.stderr.contains("error[E0164]"),
        "{wrong:?}"
    );
}

#[test]
fn a_project_keeps_a_journal_of_what_it_predicted_and_writes_nothing_twice() {
    const JOURNAL: &str = ".pdm-ml/predictions.ndjson";
    let project = trained();
    let lines = |name: &str| project.read(name).lines().count();
    predict(&project, &["-i", INPUT]);
    predict(&project, &["-i", INPUT]);
    assert_eq!(lines(JOURNAL), 12);
    predict(&project, &["-i", INPUT, "--every-cycle"]);
    predict(&project, &["-i", INPUT, "--no-journal"]);
    assert_eq!(lines(JOURNAL), 12);
    let first: serde_json::Value =
        serde_json::from_str(project.read(JOURNAL).lines().next().unwrap()).unwrap();
    let shown = project.json(&["predict", "-m", "small@champion", "-i", INPUT])[0].clone();
    assert_eq!(
        (&first["unit"], &first["cycle"], &first["rul"]),
        (&shown["unit"], &shown["cycle"], &shown["rul"])
    );
    assert_eq!(first["lower"], shown["interval"]["lower"]);
    assert_eq!(
        (&first["model"], &first["format"]),
        (&serde_json::json!("small/1"), &serde_json::json!(1))
    );
    assert_eq!(first["bundle"], project.json(&["run"])["version"]["bundle"]);
    project.write("other.csv", as_csv(&project, |_, _| ()));
    predict(&project, &["-i", "other.csv"]);
    assert_eq!(lines(JOURNAL), 24);
    predict(
        &project,
        &["-i", INPUT, "--every-cycle", "--journal", "own/j.ndjson"],
    );
    assert_eq!(lines("own/j.ndjson"), project.read(INPUT).lines().count());
    let folder = predict(&project, &["-i", INPUT, "--journal", "own"]);
    assert!(
        folder.code == 1 && folder.stderr.contains("error[E0342]"),
        "{folder:?}"
    );
    assert_eq!(
        units(&project.json(&["predict", "-m", "small@champion", "-i", INPUT])).len(),
        12
    );
}

#[test]
fn a_bundle_outside_of_a_project_leaves_nothing_behind() {
    let project = trained();
    let bundle = project.json(&["run"])["bundle"]
        .as_str()
        .unwrap()
        .to_owned();
    let elsewhere = Project::empty();
    std::fs::copy(project.file(INPUT), elsewhere.file("units.txt")).unwrap();
    let answer = elsewhere.pdm(&["predict", "-m", &bundle, "-i", "units.txt"]);
    assert_eq!(answer.code, 0, "{answer:?}");
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 1);
}

#[test]
fn predictions_have_metrics_of_their_own() {
    let project = trained();
    let args = [
        "-i",
        INPUT,
        "--metrics-file",
        "pdm.prom",
        "--alarm",
        "rul >= 0",
    ];
    assert_eq!(predict(&project, &args).code, 32);
    let text = project.read("pdm.prom");
    for line in [
        "pdm_ml_predict_exit_code{pipeline=\"small\"} 32",
        "pdm_ml_predict_units{pipeline=\"small\",state=\"predicted\"} 12",
        "pdm_ml_predict_units{pipeline=\"small\",state=\"alarm\"} 12",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(
        !text.contains("pdm_ml_exit_code") && text.contains("pdm_ml_predict_lowest_lower_cycles"),
        "{text}"
    );
}

#[test]
fn judged_predictions_have_the_truth_as_it_is_and_as_it_is_capped() {
    let project = Project::with_pipeline(SMALL);
    assert_eq!(
        project
            .pdm(&[
                "evaluate",
                "--set",
                "target.cap=100",
                "--predictions",
                "judged.csv"
            ])
            .code,
        0
    );
    let text = project.read("judged.csv");
    assert!(
        text.starts_with("unit,cycle,rul,lower,upper,truth,truth_capped,flags\n"),
        "{text}"
    );
    let truths = text.lines().skip(1).map(|line| {
        let cells: Vec<_> = line.split(',').collect();
        [cells[5], cells[6]].map(|cell| cell.parse::<f64>().unwrap())
    });
    let truths: Vec<_> = truths.collect();
    assert!(
        truths
            .iter()
            .all(|[truth, capped]| *capped == truth.min(100.0))
    );
    assert!(truths.iter().any(|[truth, _]| *truth > 100.0), "{truths:?}");
}

#[test]
fn the_next_command_never_predicts_from_the_training_file() {
    let project = Project::with_pipeline(SMALL);
    let whole = project.pdm(&["run", "--color", "never"]);
    assert!(!whole.stderr.contains("train_"), "{whole:?}");
    assert!(project.file(INPUT).is_file());
}
