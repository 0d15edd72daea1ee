//! `data infer`, `data profile`, `data diff`: from files to a pipeline that runs, and what files hold.

use std::fmt::Write;

use crate::project::{Project, wearing_units};

/// Writes a simulated fleet of six regimes as a CSV file with a header.
fn simulated_csv(project: &Project, name: &str, units: &str) {
    let args = [
        "data",
        "simulate",
        "--train-units",
        units,
        "--test-units",
        "2",
        "--regimes",
        "6",
        "--into",
        "sim",
    ];
    let answer = project.pdm(&[&args[..], &["--seed", "3", "--name", name]].concat());
    assert_eq!(answer.code, 0, "{answer:?}");
    let mut csv = "engine,cycle".to_owned();
    for setting in 1..=3 {
        write!(csv, ",setting {setting}").unwrap();
    }
    for sensor in 1..=21 {
        write!(csv, ",s_{sensor}").unwrap();
    }
    for line in project.read(&format!("sim/train_{name}.txt")).lines() {
        let cells: Vec<_> = line.split_whitespace().collect();
        write!(csv, "\n{}", cells.join(",")).unwrap();
    }
    project.write("fleet.csv", csv + "\n");
}

#[test]
fn a_draft_validates_and_runs_as_it_is() {
    let project = Project::empty();
    simulated_csv(&project, "SIM002", "30");
    let answer = project.pdm(&["data", "infer", "fleet.csv", "--out", "pdm.toml"]);
    assert_eq!(
        (answer.code, answer.stdout.as_str()),
        (0, "pdm.toml\n"),
        "{answer:?}"
    );
    assert!(
        answer
            .stderr
            .contains("30 units by engine, in order of cycle"),
        "{}",
        answer.stderr
    );
    let draft = project.read("pdm.toml");
    let read: toml::Table = draft.parse().unwrap();
    let dataset = read["dataset"].as_table().unwrap();
    assert_eq!(
        (dataset["unit"].as_str(), dataset["cycle"].as_str()),
        (Some("engine"), Some("cycle"))
    );
    assert_eq!(dataset["settings"].as_array().unwrap().len(), 3, "{draft}");
    assert!(read["split"].get("holdout").is_some(), "{draft}");
    let quality = project.pdm(&["data", "validate"]);
    assert_eq!(quality.code, 0, "{quality:?}\n{draft}");
    let run = project.pdm(&["run"]);
    assert_eq!(run.code, 0, "{run:?}\n{draft}");
    let predict = [
        "predict",
        "--model",
        "fleet@champion",
        "--input",
        "fleet.csv",
    ];
    assert_eq!(project.pdm(&predict).code, 0);
    let profile = project.json(&["data", "profile"]);
    assert_eq!(
        profile["regimes"].as_array().unwrap().len(),
        6,
        "{:#}",
        profile["regimes"]
    );
    assert_eq!(profile["source"], "pipeline");
}

#[test]
fn a_draft_replaces_no_file_unless_forced_and_never_its_input() {
    let project = Project::empty();
    project.write("fleet.csv", wearing_units(6));
    project.write("pdm.toml", "mine\n");
    let infer = ["data", "infer", "fleet.csv", "--out", "pdm.toml"];
    let refused = project.pdm(&infer);
    assert!(
        refused.code == 2 && refused.stderr.contains("error[E0152]"),
        "{refused:?}"
    );
    assert_eq!(project.read("pdm.toml"), "mine\n");
    assert_eq!(project.pdm(&[&infer[..], &["--force"]].concat()).code, 0);
    assert!(project.read("pdm.toml").contains("[dataset]"));
    let onto_input = project.pdm(&[
        "data",
        "infer",
        "fleet.csv",
        "--out",
        "fleet.csv",
        "--force",
    ]);
    assert!(onto_input.stderr.contains("error[E0161]"), "{onto_input:?}");
}

#[test]
fn paths_are_relative_to_the_project_of_the_draft() {
    let project = Project::empty();
    project.write("data/fleet.csv", wearing_units(6));
    let out = ["--out", "pipelines/fleet.toml"];
    std::fs::create_dir(project.file("pipelines")).unwrap();
    assert_eq!(
        project
            .pdm(&[&["data", "infer", "./data/../data/fleet.csv"], &out[..]].concat())
            .code,
        0
    );
    let draft = project.read("pipelines/fleet.toml");
    assert!(draft.contains("train = \"data/fleet.csv\""), "{draft}");
    assert_eq!(
        project
            .pdm(&["data", "validate", "pipelines/fleet.toml"])
            .code,
        0
    );
}

#[test]
fn a_plant_with_times_gaps_and_events_is_understood() {
    let project = Project::empty();
    let mut csv = "Pumpe;Zeit;Druck;Zustand\n".to_owned();
    for hour in (0..200).filter(|hour| *hour != 50) {
        for pump in ["P-101", "P-102", "P-103"] {
            let (day, hour_of_day) = (1 + hour / 24, hour % 24);
            let pressure = format!("{:.2}", 4.0 + f64::from(hour % 7) / 10.0).replace('.', ",");
            let cell = if hour == 9 {
                "n/a".to_owned()
            } else {
                pressure
            };
            writeln!(
                csv,
                "{pump};{day:02}.01.2026 {hour_of_day:02}:00;{cell};ein"
            )
            .unwrap();
        }
    }
    project.write("werte.csv", csv);
    project.write(
        "ereignisse.csv",
        "Pumpe;Datum;Art;Bauteil\nP-101;05.01.2026 10:00;Ausfall;Dichtung\nP-102;06.01.2026 10:00;ersetzt;Dichtung\n",
    );
    let found = project.json(&["data", "infer", "werte.csv", "ereignisse.csv"]);
    assert_eq!(found["unit"]["column"], "Pumpe");
    assert_eq!(found["time"]["kind"], "timestamp");
    assert_eq!(
        (&found["time"]["format"], &found["time"]["step"]),
        (&"%d.%m.%Y %H:%M".into(), &"1h".into())
    );
    assert_eq!(
        (&found["time"]["gaps"], &found["time"]["longest"]),
        (&3.into(), &"2h".into())
    );
    assert_eq!(
        (&found["life"]["end"], &found["life"]["events"]["mode"]),
        (&"events".into(), &"Bauteil".into())
    );
    assert_eq!(found["life"]["events"]["failures"][0], "Ausfall");
    assert_eq!(found["life"]["events"]["replacements"][0], "ersetzt");
    assert_eq!(found["missing"][0], "n/a");
    let draft: toml::Table = found["toml"].as_str().unwrap().parse().unwrap();
    let dataset = draft["dataset"].as_table().unwrap();
    assert_eq!(dataset["time"]["step"].as_str(), Some("1h"));
    assert_eq!(dataset["life"]["events"].as_str(), Some("ereignisse.csv"));
    assert_eq!(
        (dataset["separator"].as_str(), dataset["decimal"].as_str()),
        (Some(";"), Some(","))
    );
    let profile = project.json(&["data", "profile", "werte.csv", "ereignisse.csv"]);
    assert_eq!(
        (
            &profile["lives"]["survival"]["lives"],
            &profile["lives"]["survival"]["ended"]
        ),
        (&5.into(), &1.into())
    );
}

#[test]
fn without_units_the_message_lists_the_columns() {
    let project = Project::empty();
    project.write("a.csv", "temp,load\n1.5,2.5\n1.25,2.5\n");
    let answer = project.pdm(&["data", "infer", "a.csv"]);
    assert_eq!((answer.code, answer.stdout.as_str()), (1, ""));
    for words in [
        "error[E0245]",
        "`temp`: holds numbers that are not whole",
        "hint: ",
    ] {
        assert!(answer.stderr.contains(words), "{words}: {}", answer.stderr);
    }
}

#[test]
fn a_profile_is_a_page_that_only_a_profile_replaces() {
    let project = Project::empty();
    project.write("fleet.csv", wearing_units(6));
    let profile = ["data", "profile", "fleet.csv", "--output", "fleet.html"];
    let answer = project.pdm(&profile);
    assert!(
        answer.code == 0 && answer.stdout.contains("Survival (Kaplan-Meier)"),
        "{answer:?}"
    );
    assert!(project.read("fleet.html").contains("<svg"));
    assert_eq!(project.pdm(&profile).code, 0);
    project.write("fleet.html", "my notes\n");
    assert!(project.pdm(&profile).stderr.contains("error[E0152]"));
}

#[test]
fn a_difference_has_an_exit_code_only_on_request() {
    let project = Project::empty();
    project.write("old.csv", wearing_units(6));
    project.write("new.csv", wearing_units(8));
    let diff = ["data", "diff", "old.csv", "new.csv"];
    let answer = project.pdm(&diff);
    assert!(
        answer.code == 0 && answer.stdout.contains("p7, p8"),
        "{answer:?}"
    );
    assert_eq!(project.pdm(&[&diff[..], &["--exit-code"]].concat()).code, 3);
    assert_eq!(
        project
            .pdm(&["data", "diff", "old.csv", "old.csv", "--exit-code"])
            .code,
        0
    );
    let found = project.json(&diff);
    assert_eq!(found["units"]["new"], serde_json::json!(["p7", "p8"]));
}
