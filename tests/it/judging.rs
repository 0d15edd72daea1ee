//! What a judgement may rest on: a pipeline of one's own, a champion, a protocol, units enough.

use std::path::Path;

use serde_json::Value;

use crate::project::{Answer, Project, SMALL};

/// The same fleet as run-to-failure histories alone, so that scores are out of fold.
fn without_test_part() -> Project {
    let project = Project::empty();
    let simulate = [
        "data",
        "simulate",
        "--into",
        "data",
        "--name",
        "A",
        "--train-units",
        "24",
        "--test-units",
        "2",
    ];
    assert_eq!(project.pdm(&simulate).code, 0);
    let sensors = [2, 3, 4, 7, 11, 12, 15, 20, 21];
    let names: Vec<_> = sensors.iter().map(|sensor| format!("s{sensor}")).collect();
    let mut table = format!("unit,cycle,{}\n", names.join(","));
    for line in project.read("data/train_A.txt").lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        let values: Vec<_> = sensors.iter().map(|sensor| words[4 + sensor]).collect();
        table.push_str(&format!("{},{},{}\n", words[0], words[1], values.join(",")));
    }
    project.write("units.csv", table);
    let list = names
        .iter()
        .map(|name| format!("\"{name}\""))
        .collect::<Vec<_>>()
        .join(", ");
    project.write(
        "pdm.toml",
        format!(
            "version = 3\n[project]\nname = \"plant\"\n[dataset]\nkind = \"table\"\ntrain = \"units.csv\"\nsensors = [{list}]\n\
             [split]\nfolds = 4\n[model]\nkind = \"linear\"\n[evaluate]\nbootstrap = {{ resamples = 400 }}\n\
             [[gate]]\nmetric = \"rmse\"\nrule = \"non_inferior\"\nmargin = 2.0\n"
        ),
    );
    project
}

fn with(project: &Project, variables: &[(&str, &str)], args: &[&str]) -> Answer {
    Answer::of(project.command(args).envs(variables.iter().copied()))
}

fn gate_row(outcome: &Value, at: usize) -> (String, String) {
    let row = &outcome["gates"]["rows"][at];
    (
        row["verdict"].as_str().unwrap().to_owned(),
        row["explanation"].as_str().unwrap().to_owned(),
    )
}

#[test]
fn without_a_pipeline_file_nothing_is_judged_or_moved() {
    let project = Project::empty();
    let store = project.file("shared");
    let store = store.to_str().unwrap();
    for args in [
        &["gate"] as &[&str],
        &["promote"],
        &["promote", "--model", "turbofan-simulated/1"],
        &["retrain"],
        &["tune"],
        &["tune", "--dry-run"],
        &["registry", "register"],
        &["registry", "register", "--refused"],
    ] {
        for variables in [&[] as &[(&str, &str)], &[("PDM_ML_REGISTRY", store)]] {
            let answer = with(&project, variables, args);
            assert_eq!(answer.code, 2, "{args:?}: {answer:?}");
            assert!(
                answer.stderr.contains("error[E0163]"),
                "{args:?}: {}",
                answer.stderr
            );
            assert!(!answer.stderr.contains("panicked"), "{args:?}");
        }
    }
    let run = with(&project, &[("PDM_ML_REGISTRY", store)], &["run"]);
    assert!(
        run.code == 2
            && run
                .stderr
                .contains("the registry that PDM_ML_REGISTRY names"),
        "{run:?}"
    );
    let run = with(&project, &[("PDM_ML__REGISTRY__URL", store)], &["run"]);
    assert!(
        run.code == 2 && run.stderr.contains("PDM_ML__REGISTRY__URL"),
        "{run:?}"
    );
    assert!(!Path::new(store).exists() && !project.file(".pdm-ml/cache").exists());
    // A plan shows only, and what is asked for by name is done.
    assert_eq!(
        with(&project, &[("PDM_ML_REGISTRY", store)], &["plan"]).code,
        0
    );
    // The report of the error is there all the same.
    assert_eq!(project.pdm(&["gate", "--report", "json=gate.json"]).code, 2);
    assert!(
        project
            .read("gate.json")
            .contains("no pipeline file: there is no `pdm.toml`")
    );
}

#[test]
fn the_first_comparison_says_that_it_compared_nothing_and_can_be_refused() {
    let project = Project::with_pipeline(SMALL);
    let refused = project.pdm(&["gate", "--when-no-champion", "fail"]);
    assert_eq!(refused.code, 20, "{refused:?}");
    assert!(
        refused
            .stdout
            .contains("there is no champion yet to compare with: nothing was compared"),
        "{refused:?}"
    );
    assert_eq!(
        project
            .pdm(&["gate", "--when-no-champion", "undecided"])
            .code,
        21
    );
    let asking = SMALL.replace(
        "margin = 1000.0",
        "margin = 1000.0\nwhen_no_champion = \"undecided\"",
    );
    project.write("pdm.toml", &asking);
    let run = project.pdm(&["run"]);
    assert_eq!(run.code, 21, "{run:?}");
    assert!(
        project.pdm(&["registry", "list"]).stdout.trim() != "small",
        "nothing was registered"
    );
    // The way through that does not compare.
    let registered = project.json(&["registry", "register", "--refused"]);
    assert_eq!(registered["version"]["version"], 1);
    assert_eq!(
        project
            .pdm(&[
                "promote",
                "--model",
                "small/1",
                "--force",
                "--reason",
                "the first"
            ])
            .code,
        0
    );
    assert_eq!(project.pdm(&["run"]).code, 0);
    let wrong = SMALL.replace(
        "value = 120.0",
        "value = 120.0\nwhen_no_champion = \"fail\"",
    );
    project.write("pdm.toml", wrong);
    let plan = project.pdm(&["plan"]);
    assert!(
        plan.code == 2
            && plan
                .stderr
                .contains("has no effect with the rule `at_most`"),
        "{plan:?}"
    );
}

#[test]
fn a_gate_on_the_champion_itself_says_so_and_is_done() {
    let project =
        Project::with_pipeline(&SMALL.replace("non_inferior\"\nmargin = 1000.0", "better\""));
    let first = project.json(&["run"]);
    assert_eq!(
        gate_row(&first, 1).1,
        "there is no champion yet to compare with: nothing was compared, and the first model passes"
    );
    let again = project.json(&["gate"]);
    assert_eq!(
        gate_row(&again, 1),
        (
            "pass".into(),
            "it is version 1, the champion itself, and is not compared with itself".into()
        )
    );
    let run = project.pdm(&["run"]);
    assert!(
        run.code == 0
            && run
                .stdout
                .contains("nothing to do: every stage is up to date"),
        "{run:?}"
    );
    let promoted = project.pdm(&["promote", "--model", "small/1"]);
    assert!(
        promoted.code == 0 && promoted.stdout.contains("the champion itself"),
        "{promoted:?}"
    );
}

#[test]
fn another_cap_does_not_lock_the_door() {
    let project = without_test_part();
    assert_eq!(project.pdm(&["run"]).code, 0);
    // The champion's predictions out of fold are of the same cuts: they are scored again under the new cap.
    let capped = project.json(&["run", "--set", "target.cap=100"]);
    let (verdict, why) = gate_row(&capped, 0);
    assert!(
        verdict == "pass" && why.ends_with("version 1 was scored again under this protocol"),
        "{verdict}: {why}"
    );
    assert_eq!(capped["version"]["version"], 2);
}

#[test]
fn a_protocol_that_cannot_be_shared_has_a_way_through_and_then_nothing_to_do() {
    let project = without_test_part();
    assert_eq!(project.pdm(&["run"]).code, 0);
    let other = ["--set", "train.cuts_per_unit=3"];
    let with_cuts = |args: &[&str]| project.pdm(&[args, &other].concat());
    let stuck = with_cuts(&["run"]);
    assert_eq!(stuck.code, 21, "{stuck:?}");
    assert!(
        stuck.stdout.contains("pdm-ml registry register --refused"),
        "{}",
        stuck.stdout
    );
    let registered = with_cuts(&["registry", "register", "--refused"]);
    assert_eq!(registered.code, 0, "{registered:?}");
    assert_eq!(
        with_cuts(&[
            "promote",
            "--model",
            "plant/2",
            "--force",
            "--reason",
            "three cuts a unit"
        ])
        .code,
        0
    );
    for number in 0..2 {
        let run = with_cuts(&["run"]);
        assert_eq!(run.code, 0, "run {number}: {run:?}");
    }
    let retrain = with_cuts(&["retrain"]);
    assert_eq!(retrain.code, 0, "{retrain:?}");
}

#[test]
fn looks_at_the_test_part_are_counted_by_model_and_come_after_the_folds() {
    let project = Project::with_pipeline(SMALL);
    let looks = |set: &str| project.json(&["evaluate", "--set", set])["scores"]["looks"].clone();
    assert_eq!(
        looks("model.l2=1.0"),
        serde_json::json!({ "models": 1, "new": true })
    );
    assert_eq!(
        looks("model.l2=2.0"),
        serde_json::json!({ "models": 2, "new": true })
    );
    assert_eq!(
        looks("model.l2=1.0"),
        serde_json::json!({ "models": 2, "new": false })
    );
    assert_eq!(looks("evaluate.bootstrap.resamples=500")["models"], 3);
    assert_eq!(
        looks("evaluate.bootstrap.resamples=600")["models"],
        3,
        "the same model, other intervals"
    );
    let text = project.pdm(&["evaluate"]).stdout;
    let (folds, test) = (
        text.find("out of fold: each unit").unwrap(),
        text.find("judged on the test part").unwrap(),
    );
    assert!(folds < test, "{text}");
    assert!(
        text.contains("looks at this test part: 3 models were scored on it"),
        "{text}"
    );
    assert!(project.file("experiments/runs/looks.ndjson").exists());
}

#[test]
fn a_test_part_that_is_written_otherwise_is_no_other_one() {
    let project = Project::empty();
    let small = [
        "--train-units",
        "24",
        "--test-units",
        "12",
        "--into",
        "data",
        "--name",
        "FD001",
    ];
    project.json(&[&["data", "simulate"], &small[..]].concat());
    let files = "kind = \"cmapss\"\nsubset = \"FD001\"\npath = \"data\"\nverify = \"off\"\n[validate.severity]\n\
                 unit_counts = \"off\"";
    project.write(
        "pdm.toml",
        SMALL.replace(
            "kind = \"simulated\"\ntrain_units = 24\ntest_units = 12",
            files,
        ),
    );
    let looks = |set: &str| project.json(&["evaluate", "--set", set])["scores"]["looks"].clone();
    assert_eq!(looks("model.l2=1.0")["models"], 1);
    assert_eq!(looks("model.l2=2.0")["models"], 2);
    let text = project.read("data/test_FD001.txt");
    project.write("data/test_FD001.txt", text.replace('\n', "\r\n"));
    assert_eq!(
        looks("model.l2=2.0"),
        serde_json::json!({ "models": 2, "new": false })
    );
    let truths = project.read("data/RUL_FD001.txt");
    project.write("data/RUL_FD001.txt", format!("{truths}\n"));
    assert_eq!(
        looks("model.l2=3.0"),
        serde_json::json!({ "models": 3, "new": true })
    );
    // Other truths are another part.
    let first: u32 = truths.lines().next().unwrap().trim().parse().unwrap();
    project.write(
        "data/RUL_FD001.txt",
        truths.replacen(&first.to_string(), &(first + 1).to_string(), 1),
    );
    assert_eq!(looks("model.l2=3.0")["models"], 1);
}

#[test]
fn each_gate_and_each_figure_of_drift_is_a_metric() {
    let project = Project::with_pipeline(SMALL);
    assert_eq!(project.pdm(&["run", "--metrics-file", "a.prom"]).code, 0);
    let text = project.read("a.prom");
    let value = |begin: &str| -> f64 {
        let line = text
            .lines()
            .find(|line| line.starts_with(begin))
            .unwrap_or_else(|| panic!("{begin}: {text}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let of = |family: &str, more: &str| {
        format!(
            "pdm_ml_gate_{family}{{pipeline=\"small\",gate=\"1\",metric=\"rmse\",rule=\"at_most\"{more}}}"
        )
    };
    assert_eq!(value(&of("result", ",verdict=\"pass\"")), 1.0);
    assert_eq!(value(&of("limit", ",bound=\"upper\"")), 120.0);
    let upper = value(&of("value", ",bound=\"upper\""));
    assert!((value(&of("margin", "")) - (120.0 - upper)).abs() < 1e-9);
    // There was no champion, so the second gate judged nothing, and has a verdict all the same.
    let second = "pipeline=\"small\",gate=\"2\",metric=\"nasa_mean\",rule=\"non_inferior\"";
    assert_eq!(
        value(&format!("pdm_ml_gate_result{{{second},verdict=\"pass\"}}")),
        1.0
    );
    assert!(
        !text.contains(&format!("pdm_ml_gate_value{{{second}")),
        "{text}"
    );

    // Twelve units do not show whether the second model is worse, so this run ends as undecided.
    let answer = project.pdm(&["run", "--set", "model.l2=5.0", "--format", "json"]);
    let outcome: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
    let run = outcome["run"].as_str().unwrap().to_owned();
    let shown = project.pdm(&["runs", "show", &run]).stdout;
    for name in [
        "gate/1_rmse_at_most/verdict",
        "gate/1_rmse_at_most/margin",
        "gate/2_nasa_mean_non_inferior/value",
    ] {
        assert!(shown.contains(name), "{shown}");
    }

    let drift = project.pdm(&["drift", "--metrics-file", "a.prom"]);
    assert!([0, 30, 31].contains(&drift.code), "{drift:?}");
    let text = project.read("a.prom");
    assert!(
        text.contains("pdm_ml_drift_verdict{pipeline=\"small\",verdict=\"too_little_data\"}"),
        "{text}"
    );
    assert!(
        text.contains("pdm_ml_drift_units{pipeline=\"small\",side=\"training\"} 24"),
        "{text}"
    );
}

#[test]
fn strict_jobs_end_where_a_warning_changes_what_they_mean() {
    let project = Project::with_pipeline(SMALL);
    let first = project.pdm(&["run", "--strict"]);
    assert_eq!(first.code, 1, "{first:?}");
    assert!(
        first.stderr.contains("error[E0432]") && first.stderr.contains("there is no champion yet"),
        "{first:?}"
    );
    assert_eq!(
        project.pdm(&["registry", "show", "small/1"]).code,
        1,
        "nothing was registered"
    );
    assert_eq!(project.pdm(&["run"]).code, 0);
    let again = project.pdm(&["run", "--strict"]);
    assert_eq!(again.code, 0, "{again:?}");

    let idle = project.pdm(&["train", "--strict", "--set", "train.loss=huber"]);
    assert!(
        idle.code == 1 && idle.stderr.contains("`train.loss` changes nothing"),
        "{idle:?}"
    );
    let capped = project.pdm(&["evaluate", "--strict", "--set", "target.cap=25"]);
    assert!(
        capped.code == 1 && capped.stderr.contains("truths are above"),
        "{capped:?}"
    );
    let notify = project.pdm(&["run", "--strict", "--notify"]);
    assert!(
        notify.code == 1 && notify.stderr.contains("`--notify` has no effect"),
        "{notify:?}"
    );
    let input = "datasets/simulated/test_SIM001.txt";
    let predict = project.pdm(&[
        "predict",
        "-m",
        "small@champion",
        "-i",
        input,
        "--strict",
        "--notify",
    ]);
    assert!(
        predict.code == 1 && predict.stderr.contains("error[E0432]"),
        "{predict:?}"
    );
    assert!(
        predict.stdout.is_empty() && predict.stderr.contains("`--notify` has no effect"),
        "{predict:?}"
    );
    // A verdict says more than a warning.
    project.write("pdm.toml", SMALL.replace("value = 120.0", "value = 0.1"));
    let refused = project.pdm(&["gate", "--strict", "--set", "train.loss=huber"]);
    assert_eq!(refused.code, 20, "{refused:?}");

    let folds = without_test_part();
    let no_test = folds.pdm(&["evaluate", "--strict"]);
    assert!(
        no_test.code == 1
            && no_test
                .stderr
                .contains("there is no test part and no holdout"),
        "{no_test:?}"
    );
}
