//! `gate --report`: what CI reads, whatever the verdict, through real readers.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::needs::readers;
use crate::project::{Answer, Project, SMALL};
use crate::readers::read;

const REPORTS: [&str; 5] = [
    "gate.xml",
    "gate.md",
    "gate.sarif",
    "gate.json",
    "github=gate.txt",
];

fn gate(project: &Project, more: &[&str]) -> Answer {
    let reports = REPORTS.iter().flat_map(|report| ["--report", *report]);
    let args: Vec<_> = ["gate"]
        .into_iter()
        .chain(reports)
        .chain(more.iter().copied())
        .collect();
    project.pdm(&args)
}

fn files(project: &Project) -> Vec<PathBuf> {
    ["gate.xml", "gate.sarif", "gate.md"]
        .map(|name| project.file(name))
        .into()
}

/// The line of a file that holds a text, from 1.
fn line_of(project: &Project, file: &str, text: &str) -> usize {
    project
        .read(file)
        .lines()
        .position(|line| line.contains(text))
        .unwrap()
        + 1
}

/// A pipeline with a gate of each verdict, by figures that were scored before.
fn of_three_verdicts() -> Project {
    let project = Project::with_pipeline(SMALL);
    let rmse = project.json(&["run"])["scores"]["scorecard"]["scores"][0]["value"]
        .as_f64()
        .unwrap();
    let more = format!(
        "\n[[gate]]   # undecided\nmetric = \"rmse\"\nrule = \"at_most\"\nvalue = {rmse}\n\n[[gate]]\n# says no\n\
         metric = \"interval_width\"\nrule = \"between\"\nlow = 0.1\nhigh = 0.2\n"
    );
    // Another model, so that there is a champion to compare with.
    project.write(
        "pdm.toml",
        format!("{SMALL}{more}").replace("seed = 7", "seed = 8"),
    );
    project
}

#[test]
fn every_report_lists_each_gate() {
    let project = of_three_verdicts();
    let answer = gate(&project, &[]);
    assert_eq!(answer.code, 20, "{answer:?}");
    let document: Value = serde_json::from_str(&project.read("gate.json")).unwrap();
    let verdicts: Vec<_> = document["gates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|gate| &gate["verdict"])
        .collect();
    assert_eq!(verdicts[0], "pass", "{document:#}");
    assert_eq!(verdicts[3], "fail", "{document:#}");
    let places: Vec<_> = document["gates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|gate| &gate["place"]["line"])
        .collect();
    let last = line_of(&project, "pdm.toml", "# says no") - 1;
    assert_eq!(places[2], line_of(&project, "pdm.toml", "# undecided"));
    assert_eq!(places[3], last);
    assert_eq!(document["evidence"]["champion"]["version"], 1);
    assert_eq!(document["evidence"]["scorecard"]["units"], 12);
    assert_eq!(document["evidence"]["seeds"], 1);
    assert!(
        document["gates"][1]["observed"]["difference"]["probability_better"].is_number(),
        "{document:#}"
    );

    let notes = project.read("gate.txt");
    assert!(notes.contains(&format!(
        "::error file=pdm.toml,line={last},title=gate fails%3A interval_width from 0.1 to 0.2 cycles::"
    )));
    assert!(
        notes.contains("12 units, test part of ") && notes.contains("against version 1 "),
        "{notes}"
    );
}

#[test]
#[ignore = "needs the readers of reports and mails; scripts/readers installs them"]
fn real_readers_understand_every_report() {
    let project = of_three_verdicts();
    assert_eq!(gate(&project, &[]).code, 20);
    let last = line_of(&project, "pdm.toml", "# says no") - 1;
    let seen = read(&readers(), &files(&project));
    let [junit, sarif, markdown] = seen.as_slice() else {
        panic!("{seen:?}")
    };
    let failed = |test: &Value| test[1][0][0] == "Failure";
    let tests = junit["tests"].as_array().unwrap();
    assert_eq!(
        (tests.len(), failed(&tests[0]), failed(&tests[3])),
        (4, false, true),
        "{junit:#}"
    );
    assert_eq!(tests[3][1][0][1], "refused");
    assert_eq!(
        (&junit["properties"]["units"], &junit["properties"]["seeds"]),
        (&json!("12"), &json!("1"))
    );
    assert_eq!(
        junit["properties"]["interval"],
        "95 %, percentile bootstrap over units, 400 resamples"
    );
    let results = sarif["results"].as_array().unwrap();
    let refused = results
        .iter()
        .find(|result| result[0] == "gate/between/interval_width")
        .unwrap();
    assert_eq!(
        (&refused[1], &refused[2]["region"]["startLine"]),
        (&json!("error"), &json!(last))
    );
    assert_eq!(refused[2]["artifactLocation"]["uri"], "pdm.toml");
    assert_eq!(markdown["headings"], json!(["❌ Gates of small"]));
    assert_eq!(
        markdown["images"],
        json!(["gate-gates.svg", "gate-errors.svg"])
    );
    let rows = markdown["rows"].as_array().unwrap();
    assert_eq!(
        rows.iter().filter(|cells| **cells == 7).count(),
        5,
        "a header and four gates: {rows:?}"
    );
}

/// A pipeline with an undecided gate, and the output of `gate`.
fn undecided() -> (Project, Answer) {
    let project = Project::with_pipeline(SMALL);
    let rmse = project.json(&["evaluate"])["scores"]["scorecard"]["scores"][0]["value"]
        .as_f64()
        .unwrap();
    project.write(
        "pdm.toml",
        SMALL.replace("value = 120.0", &format!("value = {rmse}")),
    );
    let answer = gate(&project, &[]);
    (project, answer)
}

#[test]
fn an_undecided_gate_is_no_pass_in_any_report() {
    let (project, answer) = undecided();
    assert_eq!(answer.code, 21, "{answer:?}");
    assert!(
        project
            .read("gate.txt")
            .starts_with("::warning file=pdm.toml,line="),
        "{}",
        project.read("gate.txt")
    );
    assert!(
        project
            .read("gate.xml")
            .contains("<failure type=\"undecided\""),
        "{}",
        project.read("gate.xml")
    );
}

#[test]
#[ignore = "needs the readers of reports and mails; scripts/readers installs them"]
fn real_readers_see_no_pass_of_an_undecided_gate() {
    let (project, _) = undecided();
    let seen = read(&readers(), &files(&project));
    assert_eq!(seen[1]["results"][0][1], "warning");
}

/// A project whose data are invalid.
fn of_invalid_data() -> Project {
    let table = SMALL.replace(
        "kind = \"simulated\"\ntrain_units = 24\ntest_units = 12",
        "kind = \"table\"\ntrain = \"train.csv\"\nsensors = [\"s\"]",
    );
    let project = Project::with_pipeline(&table);
    project.write("train.csv", "unit,cycle,s\n1,1,0.5\n1,3,0.5\n2,1,nan\n");
    project
}

/// A project whose pipeline has a mistake, in a folder of its own.
fn of_a_mistake() -> Project {
    let project = Project::empty();
    project.write("plant/pdm.toml", SMALL.replace("seed = 7", "sede = 7"));
    project
}

#[test]
fn a_pipeline_that_ends_before_its_gates_leaves_reports_that_say_why() {
    let project = of_invalid_data();
    let answer = gate(&project, &[]);
    assert_eq!(answer.code, 10, "{answer:?}");
    let document: Value = serde_json::from_str(&project.read("gate.json")).unwrap();
    assert!(document["verdict"].is_null());
    assert_eq!(document["troubles"][0]["kind"], "data_invalid");
    assert_eq!(
        document["troubles"][0]["place"]["file"], "train.csv",
        "{document:#}"
    );
    assert!(
        project
            .read("gate.txt")
            .starts_with("::error file=train.csv,line="),
        "{}",
        project.read("gate.txt")
    );

    let broken = of_a_mistake();
    let answer = gate(&broken, &["plant/pdm.toml"]);
    assert_eq!(answer.code, 2, "{answer:?}");
    let line = line_of(&broken, "plant/pdm.toml", "sede");
    let annotation = format!(
        "::error file=plant/pdm.toml,line={line},col=1,title=usage::unknown key `sede` in [project]"
    );
    assert!(
        broken.read("gate.txt").starts_with(&annotation),
        "{}",
        broken.read("gate.txt")
    );

    assert_eq!(gate(&Project::empty(), &["nowhere.toml"]).code, 2);
}

#[test]
#[ignore = "needs the readers of reports and mails; scripts/readers installs them"]
fn real_readers_understand_why_a_pipeline_ended_before_its_gates() {
    let python = readers();
    for (project, args) in [
        (of_invalid_data(), &[][..]),
        (of_a_mistake(), &["plant/pdm.toml"]),
        (Project::empty(), &["nowhere.toml"]),
    ] {
        assert_ne!(gate(&project, args).code, 0);
        let paths: Vec<_> = files(&project)
            .into_iter()
            .filter(|path| !path.ends_with("gate.md"))
            .collect();
        let seen = read(&python, &[paths, vec![project.file("gate.md")]].concat());
        let ends: Vec<_> = seen[0]["tests"]
            .as_array()
            .unwrap()
            .iter()
            .map(|test| &test[1][0][0])
            .collect();
        assert!(
            !ends.is_empty() && ends.iter().all(|end| **end == "Error"),
            "{seen:?}"
        );
        assert_eq!(seen[1]["successful"], false);
    }
}

#[test]
fn github_gets_annotations_on_standard_output_and_a_summary() {
    let project = Project::with_pipeline(&SMALL.replace("value = 120.0", "value = 0.5"));
    let github = |project: &Project, args: &[&str]| -> Command {
        let mut command = project.command(args);
        command
            .env("GITHUB_WORKSPACE", project.path())
            .env("GITHUB_STEP_SUMMARY", project.file("summary.md"));
        command
    };
    project.write("summary.md", "before\n");
    let output = github(&project, &["gate", "--report", "github"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(20));
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(
        stdout
            .lines()
            .any(|line| line.starts_with("::error file=pdm.toml,line=")),
        "{stdout}"
    );
    let summary = project.read("summary.md");
    assert!(
        summary.starts_with("before\n## ❌ Gates of small") && summary.contains('┃'),
        "{summary}"
    );

    let spoilt = project.pdm(&["gate", "--report", "github", "--format", "json"]);
    assert_eq!(spoilt.code, 2, "{spoilt:?}");
    assert!(spoilt.stderr.contains("github=FILE"), "{}", spoilt.stderr);
}

#[test]
fn a_report_that_cannot_be_written_fails_a_pass_and_not_a_verdict() {
    let project = Project::with_pipeline(SMALL);
    project.write("taken", "a file where the folder should be");
    let passed = project.pdm(&["gate", "--report", "taken/gate.xml", "--report", "gate.md"]);
    assert_eq!(passed.code, 1, "{passed:?}");
    assert!(
        passed.stderr.contains("taken/gate.xml"),
        "{}",
        passed.stderr
    );
    assert!(project.file("gate.md").exists());
    project.write("pdm.toml", SMALL.replace("value = 120.0", "value = 0.5"));
    let refused = project.pdm(&["gate", "--report", "taken/gate.xml"]);
    assert_eq!(refused.code, 20, "{refused:?}");
    assert!(
        refused
            .stderr
            .contains("warning: cannot write `taken/gate.xml`"),
        "{}",
        refused.stderr
    );
    assert_eq!(project.pdm(&["gate", "--report", "gate.docx"]).code, 2);
}
