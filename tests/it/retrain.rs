//! The scheduled retrain: a few weeks of a simulated year, kills at random moments, and what a retrain must never do.

use std::fmt::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use pdm_ml::data::{SimulateOptions, Trajectory, simulate};
use serde_json::Value;

use crate::project::{Answer, Project};

const PLANT: &str = r#"
version = 3

[project]
name = "plant"
seed = 7

[dataset]
kind = "table"
train = "units.csv"
sensors = ["s_2", "s_3", "s_4", "s_7", "s_11", "s_12", "s_15", "s_20", "s_21"]

[split]
folds = 4
holdout = { share = 0.25 }

[model]
kind = "linear"

[evaluate]
bootstrap = { resamples = 400 }

[[gate]]
metric = "rmse"
rule = "non_inferior"
margin = 2.0

[retrain]
when = ["new-data", "drift", "older-than=7d"]
"#;

/// Units that came in before the first week.
const FIRST: u32 = 36;
const WEEKLY: u32 = 8;

fn fleet() -> Vec<Trajectory> {
    let options = SimulateOptions {
        train_units: FIRST + 8 * WEEKLY,
        test_units: 2,
        seed: 5,
        ..Default::default()
    };
    simulate(&options).train
}

/// Writes the units that failed until a week, 1 being the first; from `drifting` on `s_3` reads 15 degrees too much.
fn write_week(project: &Project, fleet: &[Trajectory], week: u32, drifting: u32) {
    let sensors = [2, 3, 4, 7, 11, 12, 15, 20, 21];
    let mut text = format!(
        "unit,cycle,{}\n",
        sensors.map(|sensor| format!("s_{sensor}")).join(",")
    );
    for (number, unit) in (1_u32..)
        .zip(fleet)
        .take((FIRST + (week - 1) * WEEKLY) as usize)
    {
        let since = FIRST + (drifting - 1) * WEEKLY - WEEKLY;
        for row in 0..unit.len() {
            write!(text, "{},{}", unit.unit, unit.cycles[row]).unwrap();
            for sensor in sensors {
                let offset = if sensor == 3 && number > since {
                    15.0
                } else {
                    0.0
                };
                // Three settings come before the sensors.
                write!(text, ",{}", unit.channels[3 + sensor - 1][row] + offset).unwrap();
            }
            text.push('\n');
        }
    }
    project.write("units.csv", text);
}

fn retrain(project: &Project, week: u32, more: &[&str]) -> Command {
    let mut command = project.command(&[&["retrain", "--summary", "summary.json"], more].concat());
    command
        .env("PDM_ML_NOW", time(week))
        .env("PDM_ML_ACTOR", "scheduler");
    command
}

fn time(week: u32) -> String {
    let first: jiff::Timestamp = "2026-01-05T02:00:00Z".parse().unwrap();
    (first + jiff::SignedDuration::from_hours(168 * i64::from(week - 1))).to_string()
}

/// Runs a retrain, and returns its answer with the summary it wrote.
fn run(project: &Project, week: u32, more: &[&str]) -> (Answer, Value) {
    let output = retrain(project, week, more).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let answer = Answer {
        code: output.status.code().unwrap_or(-1),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    };
    let summary = serde_json::from_str(&project.read("summary.json")).unwrap();
    (answer, summary)
}

fn history(project: &Project) -> Vec<Value> {
    project.json(&["registry", "history", "plant"])["entries"]
        .as_array()
        .unwrap()
        .clone()
}

fn drift_row(summary: &Value) -> &Value {
    summary["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["condition"] == "drift")
        .unwrap()
}

/// The units a bundle learnt from, and those the holdout keeps, by the rule of the docs.
fn learnt_from(project: &Project, version: u64) -> Vec<String> {
    let into = format!("fetched/{version}");
    project.json(&[
        "registry",
        "fetch",
        &format!("plant/{version}"),
        "--into",
        &into,
    ]);
    let features: Value =
        serde_json::from_str(&project.read(&format!("{into}/features.json"))).unwrap();
    features["fitted_on"]
        .as_array()
        .unwrap()
        .iter()
        .map(|unit| unit.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn six_weeks_with_drift_a_damaged_file_and_a_kill() {
    let (project, fleet) = (Project::with_pipeline(PLANT), fleet());
    let (drifting, damaged, killed) = (4, 5, 6);
    for week in 1..=6_u32 {
        write_week(&project, &fleet, week, drifting);
        if week == damaged {
            let text = project.read("units.csv");
            project.write("units.csv", &text[..text.len() / 2 + 7]);
        }
        if week == killed {
            kill_at_work(&project, week);
        }
        let (answer, summary) = run(&project, week, &[]);
        assert_eq!(summary["exit"], answer.code, "{answer:?}");
        assert_eq!(summary["time"], time(week));
        if week == damaged {
            assert_eq!(
                (answer.code, &summary["result"]),
                (10, &"failed".into()),
                "{answer:?}"
            );
            assert!(
                answer
                    .stderr
                    .lines()
                    .any(|line| line.contains("retrain plant: failed (exit 10)")),
                "{answer:?}"
            );
        } else {
            assert!(
                [0, 20, 21].contains(&answer.code),
                "week {week}: {answer:?}"
            );
            let last = answer.stdout.lines().last().unwrap();
            assert!(
                last.starts_with(&format!("{} retrain plant: ", time(week))),
                "{last}"
            );
            assert_eq!(
                drift_row_of(&summary, week),
                (week == drifting || week == killed),
                "week {week}: {summary:#}"
            );
            check_judgement(&project, &summary);
        }
        assert_eq!(project.pdm(&["registry", "verify"]).code, 0);
        // The same retrain again does nothing, and says so.
        let before = history(&project);
        let (again, summary) = run(&project, week, &[]);
        assert_eq!(
            again.code,
            if week == damaged { 10 } else { 0 },
            "{again:?}"
        );
        assert_eq!(
            summary["result"],
            if week == damaged { "failed" } else { "nothing" },
            "{summary:#}"
        );
        assert_eq!(history(&project), before);
    }
    let rows = history(&project);
    let entries_with = |words: &str| {
        rows.iter()
            .filter(|row| row["reason"].as_str().unwrap().contains(words))
            .count()
    };
    assert!(entries_with("drift (s_3 level") >= 1, "{rows:#?}");
    assert_eq!(
        entries_with("not retrained, the data did not meet their expectations"),
        1,
        "{rows:#?}"
    );
    let registered = rows
        .iter()
        .filter(|row| row["action"] == "register")
        .count();
    let decided = rows.iter().filter(|row| {
        let reason = row["reason"].as_str().unwrap();
        row["action"] == "promote" || (row["action"] == "annotate" && reason.contains(" against "))
    });
    assert_eq!((registered, decided.count()), (5, 5), "{rows:#?}");
}

fn drift_row_of(summary: &Value, week: u32) -> bool {
    week > 1 && drift_row(summary)["holds"] == true
}

/// What was promoted passed its gates on units that neither side learnt from.
fn check_judgement(project: &Project, summary: &Value) {
    assert_eq!(summary["judged_on"], "holdout");
    let promoted = summary["result"] == "promoted";
    assert_eq!(
        promoted,
        summary["gates"]["verdict"] == "pass",
        "{summary:#}"
    );
    assert_eq!(summary["champion"] == summary["version"], promoted);
    let fleet = project.read("units.csv");
    let mut units: Vec<_> = fleet
        .lines()
        .skip(1)
        .map(|row| row.split(',').next().unwrap().to_owned())
        .collect();
    units.dedup();
    let mut seen = 0;
    for version in [&summary["version"], &summary["champion_before"]]
        .into_iter()
        .filter_map(Value::as_u64)
    {
        let learnt = learnt_from(project, version);
        seen = seen.max(learnt.len());
        let holdout = pdm_ml::data::HoldoutOptions {
            share: 0.25,
            seed: 0,
        };
        assert!(
            learnt
                .iter()
                .all(|unit| !holdout.holds_back(&pdm_ml::domain::UnitId::new(unit))),
            "{learnt:?}"
        );
    }
    assert_eq!(
        seen + summary["units"].as_u64().unwrap() as usize,
        units.len()
    );
}

/// Starts a retrain and kills it as soon as it has the project to itself, however quick the machine is.
fn kill_at_work(project: &Project, week: u32) {
    let holder = project.file(".pdm-ml/lock.json");
    let mut child = retrain(project, week, &["--quiet"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while !holder.exists() {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended without having taken its turn"
        );
    }
    child.kill().unwrap();
    assert!(
        !child.wait().unwrap().success(),
        "it ended before it was killed"
    );
}

/// Starts a retrain and kills it after a while, unless it is done by then.
fn kill(project: &Project, week: u32, after: Duration) -> bool {
    let mut child = retrain(project, week, &["--quiet"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while start.elapsed() < after {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    true
}

#[test]
fn a_retrain_killed_at_any_moment_ends_with_the_same_result() {
    let fleet = fleet();
    let first_retrain = || {
        let project = Project::with_pipeline(PLANT);
        write_week(&project, &fleet, 1, 99);
        let start = Instant::now();
        assert_eq!(run(&project, 1, &[]).0.code, 0);
        (start.elapsed(), project)
    };
    // The shortest of some: next to other tests one retrain may take much longer than the next.
    let usual = (0..3).map(|_| first_retrain().0).min().unwrap();
    let whole = first_retrain().1;
    let decisions = |project: &Project| {
        let rows = history(project).into_iter();
        rows.map(|row| {
            (
                row["action"].clone(),
                row["version"].clone(),
                row["reason"].clone(),
            )
        })
        .collect::<Vec<_>>()
    };
    let mut hit = 0;
    for moment in 1..=8 {
        let project = Project::with_pipeline(PLANT);
        write_week(&project, &fleet, 1, 99);
        hit += u32::from(kill(&project, 1, usual * moment / 8));
        // Without a first entry there is no registry yet, even if there are blobs.
        let log = project.file("registry/store/log");
        let begun = log
            .read_dir()
            .is_ok_and(|mut entries| entries.next().is_some());
        let verified = project.pdm(&["registry", "verify"]);
        assert!(
            !begun || verified.code == 0,
            "moment {moment}: {verified:?}"
        );
        let (answer, summary) = run(&project, 1, &[]);
        assert_eq!(
            (answer.code, &summary["champion"]),
            (0, &1.into()),
            "{answer:?}"
        );
        assert_eq!(decisions(&project), decisions(&whole), "moment {moment}");
    }
    assert!(hit >= 4, "{hit} of 8 kills interrupted a retrain");
}

#[test]
fn old_models_of_unchanged_data_are_not_made_again() {
    let (project, fleet) = (Project::with_pipeline(PLANT), fleet());
    write_week(&project, &fleet, 1, 99);
    assert_eq!(run(&project, 1, &[]).1["result"], "promoted");
    // On another machine, too: what was judged is in the registry.
    std::fs::remove_dir_all(project.file(".pdm-ml")).unwrap();
    let (answer, summary) = run(&project, 3, &["--if", "older-than=7d,always"]);
    assert_eq!(
        (answer.code, &summary["result"]),
        (0, &"nothing".into()),
        "{answer:?}"
    );
    assert!(
        summary["why"]
            .as_str()
            .unwrap()
            .starts_with("v1 was made from the same data and options"),
        "{summary:#}"
    );
    assert!(!project.file(".pdm-ml/cache/entries/train").exists());
    // Other options are another model; without a reason it is not made either.
    let (_, summary) = run(
        &project,
        3,
        &["--if", "new-data,drift", "--set", "calibrate.coverage=0.8"],
    );
    assert_eq!(summary["result"], "nothing", "{summary:#}");
    assert!(
        summary["why"]
            .as_str()
            .unwrap()
            .contains("too little data to say: 0 new units"),
        "{summary:#}"
    );
    let (_, summary) = run(
        &project,
        3,
        &["--if", "older-than=7d", "--set", "calibrate.coverage=0.8"],
    );
    assert_eq!(
        (&summary["result"], &summary["version"]),
        (&"promoted".into(), &2.into()),
        "{summary:#}"
    );
    assert!(
        summary["conditions"][0]["why"]
            .as_str()
            .unwrap()
            .contains("v1 is 14.0 days old"),
        "{summary:#}"
    );
    // A retrain does not restore what a person rolled back.
    let rollback = project
        .command(&["registry", "rollback", "plant@champion"])
        .env("PDM_ML_NOW", time(4))
        .output()
        .unwrap();
    assert!(rollback.status.success(), "{rollback:?}");
    let again = ["--if", "always", "--set", "calibrate.coverage=0.8"];
    let (answer, summary) = run(&project, 5, &again);
    assert_eq!(
        (answer.code, &summary["result"], &summary["champion"]),
        (0, &"kept".into(), &1.into()),
        "{summary:#}"
    );
    assert!(
        summary["why"]
            .as_str()
            .unwrap()
            .contains("v2 was rolled back"),
        "{summary:#}"
    );
    assert_eq!(run(&project, 5, &again).1["result"], "nothing");
}

#[test]
fn data_are_new_by_content_and_lost_data_are_reported() {
    let (project, fleet) = (Project::with_pipeline(PLANT), fleet());
    write_week(&project, &fleet, 1, 99);
    assert_eq!(run(&project, 1, &[]).1["result"], "promoted");
    let whole = project.read("units.csv");

    // Another line end and another way to write the numbers.
    project.write("units.csv", rewritten(&whole));
    let (answer, summary) = run(&project, 2, &["--if", "new-data"]);
    assert_eq!(
        (answer.code, &summary["result"]),
        (0, &"nothing".into()),
        "{answer:?}"
    );
    assert!(
        summary["why"]
            .as_str()
            .unwrap()
            .contains("rows that v1 learnt from, in another format"),
        "{summary:#}"
    );

    // Most units are gone.
    let few: Vec<u32> = (1..=12).collect();
    let is_kept = |line: &&str| {
        line.split(',')
            .next()
            .unwrap()
            .parse()
            .is_ok_and(|unit| few.contains(&unit))
    };
    let kept = whole.lines().skip(1).filter(is_kept);
    let lost = [whole.lines().next().unwrap()]
        .into_iter()
        .chain(kept)
        .collect::<Vec<_>>()
        .join("\n");
    project.write("units.csv", &lost);
    for _ in 0..2 {
        let (answer, summary) = run(&project, 3, &[]);
        assert_eq!(
            (answer.code, &summary["result"]),
            (10, &"failed".into()),
            "{answer:?}"
        );
        assert_eq!(summary["error"]["code"], "E0218", "{summary:#}");
        let message =
            "lost data that v1 learnt from: 24 of 36 units are gone (13, 14, 15, 16, 17, …)";
        assert!(
            answer.stderr.contains(message) && answer.stderr.contains("lost_data = \"accept\""),
            "{answer:?}"
        );
        let notes = history(&project);
        assert_eq!(notes.len(), 3, "{notes:#?}");
        assert!(
            notes[2]["reason"]
                .as_str()
                .unwrap()
                .contains("not retrained, the training files lost data"),
            "{notes:#?}"
        );
    }
    let (answer, summary) = run(
        &project,
        3,
        &["--if", "new-data", "--set", "retrain.lost_data=accept"],
    );
    assert_eq!(
        (answer.code, &summary["result"]),
        (0, &"nothing".into()),
        "{answer:?}"
    );
    assert!(
        summary["why"]
            .as_str()
            .unwrap()
            .contains("nothing came in since v1, and 24 of 36 units are gone"),
        "{summary:#}"
    );

    // One row of one unit.
    let (head, last) = whole.trim_end().rsplit_once('\n').unwrap();
    project.write("units.csv", head);
    let (answer, _) = run(&project, 4, &[]);
    assert!(
        answer.code == 10 && answer.stderr.contains("1 unit lost rows (36)"),
        "{answer:?}"
    );
    project.write("units.csv", format!("{head}\n{last}\n"));
    write_week(&project, &fleet, 2, 99);
    let (answer, summary) = run(&project, 5, &[]);
    assert_eq!(summary["version"], 2, "{answer:?}");
    assert!(
        summary["conditions"][0]["why"]
            .as_str()
            .unwrap()
            .starts_with("8 units came in"),
        "{summary:#}"
    );
}

#[test]
fn an_old_export_that_comes_back_has_lost_what_came_in_since() {
    let pipeline = PLANT.replace(
        "[[gate]]\nmetric = \"rmse\"\nrule = \"non_inferior\"\nmargin = 2.0\n",
        "",
    );
    let (project, fleet) = (Project::with_pipeline(&pipeline), fleet());
    for week in 1..=2 {
        write_week(&project, &fleet, week, 99);
        let (answer, summary) = run(&project, week, &[]);
        assert_eq!(
            (&summary["result"], &summary["version"]),
            (&"promoted".into(), &week.into()),
            "{answer:?}"
        );
    }
    write_week(&project, &fleet, 1, 99);
    for reason in ["new-data", "always"] {
        let (answer, summary) = run(&project, 3, &["--if", reason]);
        assert_eq!(
            (answer.code, &summary["error"]["code"]),
            (10, &"E0218".into()),
            "{answer:?}"
        );
        assert!(
            answer
                .stderr
                .contains("data that v2 learnt from: 8 of 44 units are gone"),
            "{answer:?}"
        );
    }
    // Other files that hold the same rows are treated alike.
    project.write("units.csv", rewritten(&project.read("units.csv")));
    assert_eq!(run(&project, 3, &["--if", "always"]).0.code, 10);
}

#[test]
fn data_that_were_lost_and_came_back_are_new() {
    let pipeline = PLANT.replace(
        "[[gate]]\nmetric = \"rmse\"\nrule = \"non_inferior\"\nmargin = 2.0\n",
        "",
    );
    let (project, fleet) = (Project::with_pipeline(&pipeline), fleet());
    write_week(&project, &fleet, 2, 99);
    assert_eq!(run(&project, 1, &[]).1["result"], "promoted");
    // By hand, a model of fewer units: a warning, and the newest that was judged.
    write_week(&project, &fleet, 1, 99);
    let mut by_hand = project.command(&["run"]);
    let answer = Answer::of(by_hand.env("PDM_ML_NOW", time(2)));
    assert_eq!(answer.code, 0, "{answer:?}");
    let message = "the new champion was trained on less data than v1: 8 of 44 units are gone (37, 38, 39, 40, 41, …)";
    assert!(answer.stderr.contains(message), "{answer:?}");
    write_week(&project, &fleet, 2, 99);
    let (answer, summary) = run(&project, 3, &["--if", "new-data"]);
    assert_eq!(
        (&summary["result"], &summary["version"]),
        (&"promoted".into(), &1.into()),
        "{answer:?}"
    );
    assert!(
        summary["conditions"][0]["why"]
            .as_str()
            .unwrap()
            .starts_with("8 units came in"),
        "{summary:#}"
    );
    assert_eq!(
        run(&project, 4, &["--if", "new-data"]).1["result"],
        "nothing"
    );
    // Version 1 was judged last, though version 2 is newer.
    write_week(&project, &fleet, 1, 99);
    let (answer, _) = run(&project, 5, &["--if", "always"]);
    assert!(
        answer.code == 10 && answer.stderr.contains("data that v1 learnt from"),
        "{answer:?}"
    );
}

/// The same table with other line ends, and numbers written with an exponent.
fn rewritten(text: &str) -> String {
    let mut lines = text.lines();
    let mut rewritten = format!("{}\r\n", lines.next().unwrap());
    for line in lines {
        let (unit, rest) = line.split_once(',').unwrap();
        let (cycle, values) = rest.split_once(',').unwrap();
        let values: Vec<_> = values
            .split(',')
            .map(|value| format!("{:e}", value.parse::<f64>().unwrap()))
            .collect();
        write!(rewritten, "{unit},{cycle},{}\r\n", values.join(",")).unwrap();
    }
    rewritten
}

#[test]
fn a_champion_that_learnt_from_the_holdout_is_not_judged_on_it() {
    let without = PLANT.replace("holdout = { share = 0.25 }\n", "");
    let (project, fleet) = (Project::with_pipeline(&without), fleet());
    write_week(&project, &fleet, 1, 99);
    assert_eq!(run(&project, 1, &[]).1["result"], "promoted");
    project.write("pdm.toml", PLANT);
    write_week(&project, &fleet, 2, 99);
    let (answer, summary) = run(&project, 2, &[]);
    assert_eq!(
        (answer.code, &summary["result"]),
        (11, &"failed".into()),
        "{answer:?}"
    );
    assert!(
        answer
            .stderr
            .contains("units of the holdout it is judged on"),
        "{answer:?}"
    );
    assert_eq!(history(&project).len(), 2);
}

#[test]
fn time_does_not_run_backwards() {
    let (project, fleet) = (Project::with_pipeline(PLANT), fleet());
    write_week(&project, &fleet, 1, 99);
    let answer = run(&project, 5, &[]).0;
    assert!(answer.stderr.contains("PDM_ML_NOW"), "{answer:?}");
    assert_eq!(run(&project, 4, &[]).0.code, 2);
    let output = project
        .command(&["retrain"])
        .env("PDM_ML_NOW", "yesterday")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn drift_has_a_command_and_exit_codes_of_its_own() {
    let (project, fleet) = (Project::with_pipeline(PLANT), fleet());
    write_week(&project, &fleet, 1, 9);
    assert_eq!(run(&project, 1, &[]).0.code, 0);
    write_week(&project, &fleet, 2, 9);
    let few = project.pdm(&["drift"]);
    assert!(
        few.code == 31 && few.stdout.contains("4 new units against"),
        "{few:?}"
    );
    write_week(&project, &fleet, 3, 9);
    let none = project.pdm(&["drift"]);
    assert!(
        none.code == 0 && none.stdout.contains("no drift"),
        "{none:?}"
    );
    write_week(&project, &fleet, 4, 2);
    let found = project.pdm(&["drift"]);
    assert!(
        found.code == 30 && found.stdout.contains("s_3 level"),
        "{found:?}"
    );
}
