//! `[[stage]]`: programs of the user as stages of the pipeline.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::project::{Answer, Project, SMALL};

/// The small pipeline on a table that a program makes of raw files, which the simulator wrote.
fn project(stages: &str) -> Project {
    let project = Project::empty();
    let small = [
        "--train-units",
        "24",
        "--test-units",
        "12",
        "--into",
        "raw",
        "--name",
        "R",
    ];
    project.json(&[&["data", "simulate"], &small[..]].concat());
    let made = "kind = \"cmapss\"\nsubset = \"FD001\"\npath = \"data\"\nverify = \"off\"\n[validate.severity]\n\
                unit_counts = \"off\"";
    project.write(
        "pdm.toml",
        SMALL.replace(
            "kind = \"simulated\"\ntrain_units = 24\ntest_units = 12",
            made,
        ) + stages,
    );
    project.write("clean.sh", "#!/bin/sh\nset -e\nfor part in train test RUL; do\n  cp raw/${part}_R.txt data/${part}_FD001.txt\ndone\necho cleaned for $PDM_ML_STAGE\n");
    std::fs::set_permissions(
        project.file("clean.sh"),
        std::fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    project
}

const CLEAN: &str = r#"
[[stage]]
name = "clean"
exec = ["./clean.sh"]
inputs = ["raw/*.txt"]
outputs = ["data/train_FD001.txt", "data/test_FD001.txt", "data/RUL_FD001.txt"]
before = "validate"
"#;

/// A stage that runs a line of shell.
fn shell(name: &str, line: &str, keys: &str) -> String {
    format!("\n[[stage]]\nname = \"{name}\"\nexec = [\"sh\", \"-c\", '''{line}''']\n{keys}\n")
}

fn row<'v>(rows: &'v Value, name: &str) -> &'v Value {
    let rows = rows.as_array().unwrap();
    rows.iter()
        .find(|row| row["stage"] == name)
        .unwrap_or_else(|| panic!("no {name} in {rows:#?}"))
}

fn error(answer: &Answer) -> Value {
    serde_json::from_str::<Value>(&answer.stdout).unwrap()["error"].clone()
}

#[test]
fn data_that_a_program_makes_goes_through_the_pipeline() {
    let project = project(CLEAN);
    let plan = project.json(&["plan"]);
    assert_eq!(
        (&row(&plan, "clean")["runs"], &plan[0]["stage"]),
        (&Value::Bool(true), &"clean".into()),
        "{plan:#}"
    );
    assert_eq!(row(&plan, "clean")["why"], "never run before");
    assert_eq!(row(&plan, "validate")["why"], "after `clean`");
    assert!(!project.file("data").exists(), "a plan runs nothing");

    let first = project.json(&["run"]);
    assert_eq!(
        (&row(&first["stages"], "clean")["action"], &first["alias"]),
        (&"ran".into(), &"champion".into())
    );
    let run = project.json(&["runs", "show", first["run"].as_str().unwrap()]);
    assert_eq!(row(&run["stages"], "clean")["state"], "finished", "{run:#}");
    assert_eq!(run["params"]["stage.0.name"], "clean", "{run:#}");
    assert!(
        run["artifacts"]
            .to_string()
            .contains("stages/clean/log.txt"),
        "{run:#}"
    );
    let inputs = run["inputs"].as_array().unwrap();
    assert!(
        !inputs.is_empty(),
        "the data are recorded though a program made them: {run:#}"
    );

    let again = project.json(&["run"]);
    assert!(
        again["run"].is_null()
            && again["stages"]
                .as_array()
                .unwrap()
                .iter()
                .all(|row| row["action"] != "ran")
    );
    assert_eq!(project.pdm(&["plan", "--exit-code"]).code, 0);
}

#[test]
fn outputs_that_are_lost_or_changed_are_put_back() {
    let project = project(CLEAN);
    project.json(&["run"]);
    let whole = project.read("data/train_FD001.txt");
    std::fs::remove_dir_all(project.file("data")).unwrap();
    let plan = project.json(&["plan"]);
    assert!(
        row(&plan, "clean")["why"]
            .as_str()
            .unwrap()
            .contains("would be put back"),
        "{plan:#}"
    );
    assert!(
        plan.as_array()
            .unwrap()
            .iter()
            .all(|row| row["runs"] == false),
        "{plan:#}"
    );
    assert!(!project.file("data").exists());
    project.json(&["features"]);
    assert_eq!(project.read("data/train_FD001.txt"), whole);
    project.write("data/train_FD001.txt", "spoilt");
    let outcome = project.json(&["features"]);
    let why = row(&outcome["stages"], "clean")["why"].as_str().unwrap();
    assert!(why.contains("`data/train_FD001.txt` put back"), "{why}");
    assert_eq!(project.read("data/train_FD001.txt"), whole);
}

#[test]
fn a_stage_runs_again_for_its_inputs_its_program_its_words_and_its_variables() {
    let project = project(&format!("{CLEAN}env = [\"SITE\"]\n"));
    let why = |site: &str| {
        let output = project
            .command(&["plan", "--format", "json"])
            .env("SITE", site)
            .output()
            .unwrap();
        let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
        row(&plan, "clean")["why"].as_str().unwrap().to_owned()
    };
    let run = || {
        assert!(
            project
                .command(&["features"])
                .env("SITE", "north")
                .status()
                .unwrap()
                .success()
        )
    };
    run();
    assert_eq!(why("north"), "inputs and options are unchanged");
    assert_eq!(why("south"), "input `variable SITE` changed");
    let log = project.read(".pdm-ml/exec/small/clean.log");
    assert_eq!(log, "cleaned for clean\n");

    project.write("raw/readme.txt", "more");
    assert_eq!(why("north"), "`raw/readme.txt` is new");
    run();
    std::fs::write(
        project.file("clean.sh"),
        project.read("clean.sh") + "# a word\n",
    )
    .unwrap();
    assert!(
        why("north").starts_with("`./clean.sh` changed ("),
        "{}",
        why("north")
    );
    let pipeline = project
        .read("pdm.toml")
        .replace("[\"./clean.sh\"]", "[\"./clean.sh\", \"-v\"]");
    run();
    project.write("pdm.toml", pipeline);
    assert!(
        why("north").starts_with("`exec` [\"./clean.sh\"] → [\"./clean.sh\",\"-v\"] (pdm.toml:"),
        "{}",
        why("north")
    );
}

#[test]
fn two_programs_that_wait_for_each_other_run_side_by_side() {
    let wait = |own: &str, other: &str| {
        format!(
            "touch {own}; n=0; while [ ! -e {other} ]; do sleep 0.02; n=$((n+1)); [ $n -lt 1500 ] || exit 9; done"
        )
    };
    let stages = shell("a", &wait("a.here", "b.here"), "before = \"validate\"")
        + &shell("b", &wait("b.here", "a.here"), "before = \"gate\"");
    let project = Project::with_pipeline(&(SMALL.to_owned() + &stages));
    let outcome = project.json(&["gate", "--threads", "2"]);
    assert!(
        ["a", "b"]
            .iter()
            .all(|name| row(&outcome["stages"], name)["action"] == "ran"),
        "{outcome:#}"
    );
}

/// The program ends only when it has seen training at work, by the folder of its partial results; and training is stopped,
/// where it has not ended by itself, only when the program was not there beside it.
#[test]
fn a_program_runs_beside_training() {
    let line = "n=0; until ls .pdm-ml/cache/resume/* >/dev/null 2>&1; do n=$((n+1)); [ $n -lt 20000 ] || exit 9; done";
    let slow = SMALL.replace("kind = \"linear\"", "kind = \"gbdt\"\nrounds = 400");
    let project = Project::with_pipeline(&(slow + &shell("plot", line, "after = \"features\"")));
    let outcome = project.json(&["train", "--threads", "2"]);
    assert_eq!(
        row(&outcome["stages"], "plot")["action"],
        "ran",
        "{outcome:#}"
    );
    let run = project.json(&["runs", "show", outcome["run"].as_str().unwrap()]);
    let times = |name: &str| {
        let stage = row(&run["stages"], name);
        let started: jiff::Timestamp = stage["started"].as_str().unwrap().parse().unwrap();
        (
            started.as_millisecond(),
            started.as_millisecond() + stage["elapsed_ms"].as_i64().unwrap(),
        )
    };
    let (plot, train) = (times("plot"), times("train"));
    assert!(
        plot.0 <= train.1 && train.0 <= plot.1,
        "plot {plot:?} and train {train:?} overlap"
    );
}

#[test]
fn a_program_that_fails_stops_the_pipeline_with_a_reason() {
    let stages = shell(
        "check",
        "echo looking; echo 'bias is 9 cycles' >&2; exit 3",
        "after = \"evaluate\"\nbefore = \"gate\"",
    ) + &shell("slow", "sleep 60", "after = \"evaluate\"");
    let project = Project::with_pipeline(&(SMALL.to_owned() + &stages));
    let began = Instant::now();
    let answer = project.pdm(&["run", "--format", "json", "--threads", "4"]);
    assert_eq!(answer.code, 1, "{answer:?}");
    assert!(
        began.elapsed() < Duration::from_secs(50),
        "the first failure stops the others"
    );
    let error = error(&answer);
    assert_eq!(error["message"], "stage `check` failed");
    let cause = error["causes"][0].as_str().unwrap();
    assert!(
        cause.starts_with("the program ended with exit code 3")
            && cause.contains("    bias is 9 cycles"),
        "{cause}"
    );
    assert_eq!(
        project.read(".pdm-ml/exec/small/check.log"),
        "looking\nbias is 9 cycles\n"
    );
    assert_eq!(
        project.json(&["runs", "list"])["runs"][0]["status"],
        "FAILED"
    );
}

#[test]
fn a_promised_file_that_is_missing_or_old_is_an_error() {
    let stage = |line: &str| {
        shell(
            "make",
            line,
            "outputs = [\"out/a.txt\"]\nbefore = \"validate\"",
        )
    };
    let project = Project::with_pipeline(&(SMALL.to_owned() + &stage("echo nothing done")));
    let cause = || {
        error(&project.pdm(&["features", "--format", "json"]))["causes"][0]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(
        cause().starts_with("the program succeeded but did not make `out/a.txt`"),
        "{}",
        cause()
    );
    project.write("out/a.txt", "by hand");
    assert!(
        cause().contains("did not write `out/a.txt`; the file from before"),
        "{}",
        cause()
    );
    assert_eq!(project.read("out/a.txt"), "by hand");
    project.write(
        "pdm.toml",
        SMALL.to_owned() + &stage("echo made > out/a.txt"),
    );
    assert_eq!(project.pdm(&["features"]).code, 0);
}

#[test]
fn a_program_sees_what_it_is_given_and_nothing_else() {
    let stages = shell(
        "look",
        "env | sort > seen.txt; cat \"$PDM_ML_EVALUATE_DIR/scorecard.json\" > card.json",
        "outputs = [\"seen.txt\", \"card.json\"]\nafter = \"evaluate\"\nsecrets = [\"TOKEN\"]",
    );
    let project = Project::with_pipeline(&(SMALL.to_owned() + &stages));
    let run = |token: &str| {
        let mut command = project.command(&["evaluate", "--format", "json"]);
        let output = command
            .env("TOKEN", token)
            .env("OTHER", "not-for-you")
            .output()
            .unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let outcome = run("s3cret");
    assert_eq!(
        row(&outcome["stages"], "look")["action"],
        "ran",
        "{outcome:#}"
    );
    let seen = project.read("seen.txt");
    assert!(
        seen.contains("TOKEN=s3cret")
            && seen.contains("PDM_ML_STAGE=look")
            && !seen.contains("OTHER"),
        "{seen}"
    );
    assert!(project.read("card.json").contains("rmse"));
    assert_eq!(
        row(&run("another")["stages"], "look")["action"],
        "cached",
        "a secret is no part of the key"
    );
    // Another model, another scorecard: what a named stage made is an input.
    let changed = project
        .read("pdm.toml")
        .replace("kind = \"linear\"", "kind = \"linear\"\nl2 = 9.5");
    project.write("pdm.toml", changed);
    assert_eq!(
        row(&project.json(&["plan"]), "look")["why"],
        "after `evaluate`"
    );
    assert_eq!(row(&run("s3cret")["stages"], "look")["action"], "ran");
}

#[test]
fn a_program_that_takes_too_long_or_is_not_wanted_any_more_is_stopped_with_all_it_started() {
    let stage = shell(
        "hang",
        "echo begun; sleep 600 & echo $! > child.pid; wait",
        "before = \"validate\"\ntimeout = \"500ms\"",
    );
    let project = Project::with_pipeline(&(SMALL.to_owned() + &stage));
    let answer = project.pdm(&["features", "--format", "json"]);
    assert_eq!(answer.code, 1, "{answer:?}");
    let cause = error(&answer)["causes"][0].as_str().unwrap().to_owned();
    assert!(
        cause.starts_with("the program ran longer than its timeout of 500ms")
            && cause.contains("begun"),
        "{cause}"
    );
    gone(&project);

    std::fs::remove_file(project.file("child.pid")).unwrap();
    project.write(
        "pdm.toml",
        project.read("pdm.toml").replace("500ms", "10min"),
    );
    let mut child = project.command(&["features"]).spawn().unwrap();
    wait_for(|| project.file("child.pid").exists());
    std::process::Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
    gone(&project);
    assert_eq!(
        project.json(&["runs", "list"])["runs"][0]["status"],
        "KILLED"
    );
}

#[test]
fn a_program_that_is_killed_leaves_nothing_half_written_and_is_run_again() {
    let line = "echo half > out.txt; [ -e go ] || kill -9 $$; echo whole >> out.txt";
    let stage = shell(
        "make",
        line,
        "outputs = [\"out.txt\"]\nafter = \"features\"\nbefore = \"train\"",
    );
    let project = Project::with_pipeline(&(SMALL.to_owned() + &stage));
    let answer = project.pdm(&["train", "--format", "json"]);
    let cause = error(&answer)["causes"][0].as_str().unwrap().to_owned();
    assert!(
        answer.code == 1 && cause.starts_with("the program ended with signal 9"),
        "{answer:?}"
    );
    assert!(!project.file("out.txt").exists(), "half of it");
    assert_eq!(
        project.read(".pdm-ml/exec/small/make.failed/out.txt"),
        "half\n"
    );
    project.write("go", "");
    let outcome = project.json(&["train"]);
    let action = |name: &str| row(&outcome["stages"], name)["action"].clone();
    assert_eq!(
        (action("features"), action("make"), action("train")),
        ("cached".into(), "ran".into(), "ran".into())
    );
    assert_eq!(project.read("out.txt"), "half\nwhole\n");
    assert!(!project.file(".pdm-ml/exec/small/make.failed").exists());
}

#[test]
fn programs_before_the_gates_are_locked_and_those_behind_are_not() {
    let stages = shell(
        "stamp",
        "date +%N > stamp.txt",
        "outputs = [\"stamp.txt\"]\nafter = \"features\"",
    ) + &shell(
        "upload",
        "date +%N > uploaded.txt",
        "outputs = [\"uploaded.txt\"]\nafter = \"gate\"",
    );
    let project = Project::with_pipeline(&(SMALL.to_owned() + &stages));
    project.json(&["run"]);
    let lock: Value = serde_json::from_str(&project.read("pdm.lock")).unwrap();
    let locked = lock["exec"].as_array().unwrap();
    assert_eq!(
        (locked.len(), &locked[0]["stage"]),
        (1, &"stamp".into()),
        "{lock:#}"
    );
    assert_eq!(
        locked[0]["outputs"].as_object().unwrap().len(),
        1,
        "a log is no result: {lock:#}"
    );
    assert_eq!(project.pdm(&["run", "--locked"]).code, 0);
    let forced = project.pdm(&["features", "--locked", "--force"]);
    assert!(
        forced.code == 42 && forced.stderr.contains("`stamp` made other bytes"),
        "{forced:?}"
    );
    project.write(
        "pdm.toml",
        project.read("pdm.toml").replacen("+%N", "+%s%N", 1),
    );
    let other = project.pdm(&["run", "--locked"]);
    assert!(
        other.code == 2 && other.stderr.contains("stage `stamp` is not the one in"),
        "{other:?}"
    );
}

#[test]
fn what_a_program_made_is_shared_through_the_cache_of_many_machines() {
    let project = project(CLEAN);
    let shared = ["--set", "cache.url=share"];
    project.json(&[&["features"], &shared[..]].concat());
    let whole = project.read("data/train_FD001.txt");
    std::fs::remove_dir_all(project.file(".pdm-ml")).unwrap();
    std::fs::remove_dir_all(project.file("data")).unwrap();
    let outcome = project.json(&[&["features"], &shared[..]].concat());
    let clean = row(&outcome["stages"], "clean");
    let why = clean["why"].as_str().unwrap();
    assert!(
        clean["action"] == "cached" && why.starts_with("fetched from share"),
        "{outcome:#}"
    );
    assert_eq!(project.read("data/train_FD001.txt"), whole);
}

#[test]
fn a_retrain_has_its_data_made_first_and_notices_that_they_are_new() {
    let project = project(CLEAN);
    let result_of_retrain = || project.json(&["retrain", "--if", "new-data"])["result"].clone();
    let whole = project.read("raw/train_R.txt");
    let without_last: Vec<_> = whole
        .lines()
        .filter(|line| !line.starts_with("24 "))
        .collect();
    let fewer = without_last.join("\n") + "\n";
    project.write("raw/train_R.txt", &fewer);
    assert_eq!(
        (result_of_retrain(), result_of_retrain()),
        ("promoted".into(), "nothing".into())
    );
    project.write("raw/train_R.txt", whole);
    assert_ne!(result_of_retrain(), "nothing");
    let why = project.json(&["cache", "why", "train"]);
    assert_eq!(why["standing"], "hit", "{why:#}");
    project.write("raw/train_R.txt", fewer);
    std::fs::remove_dir_all(project.file(".pdm-ml/cache")).unwrap();
    let why = project.json(&["cache", "why", "train"]);
    assert!(
        why["standing"] == "unknown" && why["why"].to_string().contains("`clean`"),
        "{why:#}"
    );
    assert!(
        project
            .json(&["cache", "list"])
            .as_array()
            .unwrap()
            .is_empty()
    );
}

fn gone(project: &Project) {
    let process = format!("/proc/{}", project.read("child.pid").trim());
    // A process whose parent has died may wait, dead, for somebody to ask after it.
    let dead = || {
        std::fs::read_to_string(format!("{process}/stat")).is_ok_and(|stat| stat.contains(") Z "))
    };
    wait_for(|| !std::path::Path::new(&process).exists() || dead());
}

fn wait_for(what: impl Fn() -> bool) {
    let began = Instant::now();
    while !what() {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "it did not come about"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_reads_the_data_has_them_made_first() {
    let project = project(CLEAN);
    let report = project.json(&["data", "validate"]);
    assert!(report.to_string().contains("train_FD001.txt"), "{report:#}");
}

#[test]
fn past_a_gate_that_says_no_nothing_runs() {
    let stages = shell("upload", "touch uploaded.txt", "after = \"promote\"")
        + &shell("note", "touch noted.txt", "after = \"gate\"");
    let strict = SMALL.replace("value = 120.0", "value = 0.1");
    let project = Project::with_pipeline(&(strict + &stages));
    let answer = project.pdm(&["run", "--format", "json"]);
    assert_eq!(answer.code, 20, "{answer:?}");
    let outcome: Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(row(&outcome["stages"], "upload")["action"], "stopped");
    assert!(project.file("noted.txt").exists() && !project.file("uploaded.txt").exists());
}
