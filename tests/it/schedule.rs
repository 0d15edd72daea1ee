//! `schedule` and `init --ci`: each definition is held against the tool that reads it. `scripts/validators` installs them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use jiff::Timestamp;
use pdm_ml::schedule::{self, ScheduleOptions, ScheduledJob, SchedulerKind, next_times};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::needs;
use crate::project::{Answer, Project, SMALL};

const CHECK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/schedule_check.py");
const FROM: &str = "2026-11-28T12:00:00Z";

const SCHEDULE: &str = r#"
[schedule]
cron = "30 3 1,15 * MON"
timezone = "Europe/Berlin"
if = ["drift", "older-than=7d"]
jitter = "10min"
deadline = "2h"
threads = 4
env = ["PLANT"]
secrets = ["AWS_SECRET_ACCESS_KEY"]
"#;

fn printed(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Runs a command, which must succeed, and returns its standard output.
fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}", printed(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn check(python: &Path, args: &[&str]) -> String {
    succeeds(Command::new(python).arg(CHECK).args(args))
}

/// A pipeline in a folder whose name every reader would like to take for its own.
fn project(schedule: &str) -> (Project, &'static str) {
    let folder = "it's 100% \"a $HOME\"";
    let project = Project::empty();
    project.write(&format!("{folder}/pdm.toml"), format!("{SMALL}{schedule}"));
    (project, folder)
}

fn exported(project: &Project, folder: &str, kind: &str, out: &str) {
    let answer = project.pdm(&["-C", folder, "schedule", "export", kind, "--out", out]);
    assert_eq!(answer.code, 0, "{answer:?}");
}

fn executable(path: &Path, script: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, script).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn without_a_schedule_or_a_file_the_next_step_is_suggested() {
    for (project, words) in [
        (Project::with_pipeline(SMALL), "[schedule]"),
        (Project::empty(), "schedule"),
    ] {
        let answer = project.pdm(&["schedule", "export", "cron"]);
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""));
        assert!(
            answer.stderr.contains(words) && answer.stderr.contains("hint:"),
            "{}",
            answer.stderr
        );
    }
}

#[test]
fn a_wrong_schedule_is_reported_with_its_place_and_without_secrets() {
    let wrong = "\n[schedule]\ncron = \"0 25 * * 1\"\ntimezone = \"Europe/Berln\"\nsecrets = [\"sk-live-12345\"]\n";
    let answer = Project::with_pipeline(&format!("{SMALL}{wrong}")).pdm(&["schedule", "next"]);
    assert_eq!(answer.code, 2);
    let words = [
        "the hour `25` is not from 0 to 23",
        "^^^",
        "did you mean `Europe/Berlin`?",
        "pdm.toml",
        "schedule.secrets.0",
    ];
    for words in words {
        assert!(answer.stderr.contains(words), "{words}\n{}", answer.stderr);
    }
    assert!(!answer.stderr.contains("12345"), "{}", answer.stderr);
}

#[test]
fn the_next_times_are_shown_to_people_and_programs() {
    let project = Project::with_pipeline(&format!("{SMALL}\n[schedule]\ncron = \"0 3 * * 1\"\n"));
    let answer = project.pdm(&["schedule", "next", "-n", "2"]);
    let lines: Vec<_> = answer.stdout.lines().collect();
    assert!(
        lines.len() == 2
            && lines
                .iter()
                .all(|line| line.starts_with("Mon ") && line.contains(" 03:00 ")),
        "{answer:?}"
    );
    let rows = project.json(&["schedule", "next"]);
    let times: Vec<Timestamp> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["utc"].as_str().unwrap().parse().unwrap())
        .collect();
    assert!(
        times.len() == 5
            && times.windows(2).all(|pair| pair[0] < pair[1])
            && times[0] > Timestamp::now()
    );
}

#[test]
fn files_are_written_over_only_by_force() {
    let project = Project::with_pipeline(&format!("{SMALL}\n[schedule]\ncron = \"0 3 * * 1\"\n"));
    let export = |more: &[&str]| {
        project
            .pdm(&[&["schedule", "export", "systemd", "--out", "units"], more].concat())
            .code
    };
    fs::create_dir(project.file("units")).unwrap();
    project.write("units/pdm-ml-small.timer", "mine");
    assert_eq!(
        (export(&[]), project.read("units/pdm-ml-small.timer")),
        (2, "mine".to_owned())
    );
    assert!(!project.file("units/pdm-ml-small.service").exists());
    assert_eq!(export(&["--force"]), 0);
    assert!(
        project
            .read("units/pdm-ml-small.timer")
            .contains("OnCalendar=Mon *-*-* 03:00:00 UTC\n")
    );
    assert!(
        project
            .read("units/pdm-ml-small.service")
            .contains("retrain")
    );
    let one = project.json(&["schedule", "export", "cron"]);
    assert_eq!(one["files"][0]["name"], "pdm-ml-small.cron");
}

#[test]
fn the_profile_goes_along_and_a_variable_that_does_not_is_named() {
    let text = format!(
        "{SMALL}\n[schedule]\ncron = \"0 3 * * 1\"\n[profile.nightly]\nschedule.cron = \"0 4 * * 1\"\n"
    );
    let project = Project::with_pipeline(&text);
    let mut command = project.command(&["schedule", "export", "cron"]);
    let answer = Answer::of(
        command
            .env("PDM_ML_PROFILE", "nightly")
            .env("PDM_ML__MODEL__L2", "2"),
    );
    assert!(
        answer.stdout.contains("0 4 * * 1 ") && answer.stdout.contains(" --profile nightly"),
        "{answer:?}"
    );
    assert!(
        answer
            .stderr
            .contains("PDM_ML__MODEL__L2 is set here but not for the job"),
        "{answer:?}"
    );
}

/// The line of the crontab, as cron hands it to the shell, starts the program with exactly its words.
#[test]
fn a_crontab_runs_the_words_it_says() {
    let (project, folder) = project(
        &format!("{SCHEDULE}env_file = \"/ENV\"\nprogram = \"/PROGRAM\"\n").replace("10min", "1s"),
    );
    let here = project.path().join(folder);
    let (file, program) = (here.join("ENV"), here.join("bin/pdm-ml"));
    let text = project.read(&format!("{folder}/pdm.toml"));
    let toml = |path: &Path| toml::Value::from(path.to_str().unwrap()).to_string();
    let text = text
        .replace("\"/ENV\"", &toml(&file))
        .replace("\"/PROGRAM\"", &toml(&program));
    project.write(&format!("{folder}/pdm.toml"), text);
    fs::write(&file, "AWS_SECRET_ACCESS_KEY='x y'\nPLANT=7\nOTHER=1\n").unwrap();
    executable(
        &program,
        "#!/bin/sh\nfor word in \"$@\"; do echo \"$word\"; done\necho \"$PLANT/$AWS_SECRET_ACCESS_KEY/$OTHER\"\n",
    );
    exported(&project, folder, "cron", "the.cron");
    let written = project.read(&format!("{folder}/the.cron"));
    assert!(
        written.contains("CRON_TZ=Europe/Berlin\n30 3 1,15 * 1 "),
        "{written}"
    );
    let line = written
        .lines()
        .last()
        .unwrap()
        .splitn(6, ' ')
        .nth(5)
        .unwrap()
        .replace("\\%", "%");
    let printed_text = succeeds(Command::new("sh").args(["-c", &line]));
    assert_eq!(printed_text, "", "cron mails all output");
    let answer = project.read(&format!("{folder}/.pdm-ml/pdm-ml-small.log"));
    let folder = fs::canonicalize(&here).unwrap();
    let folder = folder.to_str().unwrap();
    let metrics = ["--metrics-file", ".pdm-ml/pdm-ml-small.prom"];
    let retrain = ["retrain", "pdm.toml", "--if", "drift,older-than=7d"];
    let words = [&["-C", folder, "--threads", "4"][..], &metrics, &retrain].concat();
    assert_eq!(
        answer.lines().collect::<Vec<_>>(),
        [&words[..], &["7/x y/"]].concat()
    );
}

#[test]
#[ignore = "needs crontab; scripts/validators installs it"]
fn crontab_accepts_the_line() {
    let (project, folder) = project(&format!("{SCHEDULE}env_file = \"/etc/pdm-ml/plant.env\"\n"));
    exported(&project, folder, "cron", "the.cron");
    let file = project.path().join(folder).join("the.cron");
    // The dry run of Debian's cron is `-n`, that of cronie `-T`.
    let version = printed(
        &needs::program("crontab", "cron")
            .arg("-V")
            .output()
            .unwrap(),
    );
    let dry = if version.contains("cronie") {
        "-T"
    } else {
        "-n"
    };
    succeeds(Command::new("crontab").arg(dry).arg(file));
}

#[test]
#[ignore = "needs systemd-analyze; scripts/validators installs it"]
fn systemd_verifies_the_units() {
    let (project, folder) = project(&format!("{SCHEDULE}env_file = \"/etc/pdm-ml/a b%.env\"\n"));
    exported(&project, folder, "systemd", "units/");
    let units = project.path().join(folder).join("units");
    let units = ["service", "timer"].map(|kind| units.join(format!("pdm-ml-small.{kind}")));
    let verified = needs::program("systemd-analyze", "systemd")
        .args(["verify", "--man=no"])
        .args(&units)
        .output()
        .unwrap();
    assert_eq!(
        (verified.status.code(), printed(&verified).as_str()),
        (Some(0), "")
    );
    // What it says nothing of must not be for want of looking.
    let broken = fs::read_to_string(&units[0])
        .unwrap()
        .replace("Type=exec", "Type=oneshot");
    fs::write(&units[0], broken).unwrap();
    let verified = needs::program("systemd-analyze", "systemd")
        .args(["verify", "--man=no"])
        .args(&units)
        .output()
        .unwrap();
    assert!(!verified.status.success());
}

#[test]
#[ignore = "needs the validators of schedules; scripts/validators installs them"]
fn kubernetes_and_argo_know_every_key() {
    let python = needs::validators();
    let (project, folder) = project(&format!(
        "{SCHEDULE}image = \"registry.example.org/pdm-ml:1.0\"\nvolume = \"plant\"\n\n[project.budget]\nmemory = \"1GiB\"\n"
    ));
    for kind in ["kubernetes", "argo"] {
        exported(&project, folder, kind, "the.yaml");
        let file = project.path().join(folder).join("the.yaml");
        check(&python, &[kind, file.to_str().unwrap()]);
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace("concurrencyPolicy", "concurencyPolicy")).unwrap();
        assert!(
            !Command::new(&python)
                .args([CHECK, kind])
                .arg(&file)
                .output()
                .unwrap()
                .status
                .success(),
            "{kind}"
        );
        fs::remove_file(file).unwrap();
    }
}

#[test]
#[ignore = "needs Airflow; scripts/validators installs it"]
fn airflow_imports_the_dag_and_reads_exit_codes() {
    let python = needs::airflow();
    let program = Project::empty();
    let fake = program.file("bin/pdm-ml");
    executable(&fake, "#!/bin/sh\nexit \"$CODE\"\n");
    let (project, folder) = project(
        &format!("{SCHEDULE}program = {:?}\n", fake.to_str().unwrap()).replace("10min", "1s"),
    );
    let dag = project.path().join(folder).join("the.py");
    exported(&project, folder, "airflow", "the.py");
    let airflow = |codes: &[&str]| {
        let mut command = Command::new(&python);
        command
            .args([CHECK, "airflow"])
            .arg(&dag)
            .args(codes)
            .env("AIRFLOW_HOME", program.path());
        command
            .env("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
            .env("PLANT", "7")
            .env("AWS_SECRET_ACCESS_KEY", "x");
        let answer = succeeds(&mut command);
        serde_json::from_str::<serde_json::Value>(answer.lines().last().unwrap()).unwrap()
    };
    let understood = |operator: &str, raised: &[Option<&str>]| {
        serde_json::json!({
            "id": "pdm-ml-small", "timetable": ["30 3 1,15 * 1", "Europe/Berlin"], "catchup": false, "max_active_runs": 1,
            "operator": operator, "retries": 3, "deadline": 7200.0, "raised": raised,
        })
    };
    let raised = [
        None,
        Some("AirflowSkipException"),
        Some("AirflowException"),
        Some("AirflowFailException"),
    ];
    assert_eq!(
        airflow(&["0", "21", "75", "10"]),
        understood("PdmMl", &raised)
    );
    let text = project.read(&format!("{folder}/pdm.toml"));
    let image = "image = \"registry.example.org/pdm-ml:1.0\"\nvolume = \"plant\"\n";
    project.write(&format!("{folder}/pdm.toml"), format!("{text}{image}"));
    fs::remove_file(&dag).unwrap();
    exported(&project, folder, "airflow", "the.py");
    assert_eq!(airflow(&[]), understood("KubernetesPodOperator", &[]));
}

/// Returns what actionlint says of a file; it exits with 0 where that is nothing.
fn actionlint(python: &Path, file: &Path) -> Output {
    Command::new(python.with_file_name("actionlint"))
        .args(["-shellcheck=", "-pyflakes="])
        .arg(file)
        .output()
        .unwrap()
}

fn lint(python: &Path, file: &Path) {
    let linted = actionlint(python, file);
    assert!(
        linted.status.success() && printed(&linted).is_empty(),
        "{}",
        printed(&linted)
    );
    by_schema(python, "vendor.github-workflows", file);
}

fn by_schema(python: &Path, schema: &str, file: &Path) {
    let mut command = Command::new(python);
    command.args(["-m", "check_jsonschema", "--builtin-schema", schema]);
    if schema.contains("gitlab") {
        command.args(["--data-transform", "gitlab-ci"]);
    }
    succeeds(command.arg(file));
}

#[test]
#[ignore = "needs the validators of schedules; scripts/validators installs them"]
fn the_scheduled_workflow_is_linted_and_reads_exit_codes() {
    let python = needs::validators();
    let (project, folder) = project(SCHEDULE);
    fs::create_dir(project.file(".git")).unwrap();
    exported(&project, folder, "github", "the.yml");
    let file = project.path().join(folder).join("the.yml");
    lint(&python, &file);
    // The step's own lines, with a program and a sleep that only say so.
    let steps = r#"import sys, yaml; print(yaml.safe_load(open(sys.argv[1]))["jobs"]["run"]["steps"][-1]["run"])"#;
    let script = succeeds(Command::new(&python).args(["-c", steps]).arg(&file));
    executable(
        &project.file("bin/pdm-ml"),
        "#!/bin/sh\necho \"$@\" >> calls\nexit \"$CODE\"\n",
    );
    executable(&project.file("bin/sleep"), "#!/bin/sh\nexit 0\n");
    let path = format!(
        "{}:{}",
        project.file("bin").display(),
        std::env::var("PATH").unwrap()
    );
    let run = |code: &str| {
        let mut bash = Command::new("bash");
        bash.args(["-e", "-c", &script])
            .env("CODE", code)
            .env("PATH", &path)
            .current_dir(project.path());
        let status = bash.status().unwrap().code();
        let calls = project.read("calls");
        fs::remove_file(project.file("calls")).unwrap();
        assert!(
            calls.starts_with(&format!(
                "-C {folder} --threads 4 retrain pdm.toml --if drift,older-than=7d\n"
            )),
            "{calls}"
        );
        (status.unwrap(), calls.lines().count())
    };
    assert_eq!(
        ["0", "20", "21", "1", "75"].map(run),
        [(0, 1), (0, 1), (0, 1), (1, 1), (75, 4)]
    );
}

#[test]
#[ignore = "needs the validators of schedules; scripts/validators installs them"]
fn the_workflow_for_github_is_linted_at_the_top_and_below() {
    let python = needs::validators();
    for folder in [".", "plants/seven"] {
        let project = Project::empty();
        fs::create_dir(project.file(".git")).unwrap();
        let answer = project.pdm(&["init", folder, "--ci", "github"]);
        assert_eq!(answer.code, 0, "{answer:?}");
        assert!(
            answer.stdout.contains(".github/workflows/pdm-ml.yml"),
            "{answer:?}"
        );
        let file = project.file(".github/workflows/pdm-ml.yml");
        lint(&python, &file);
        let text = fs::read_to_string(&file).unwrap();
        assert!(
            text.contains(&format!("working-directory: {folder}\n"))
                && !text.contains("PROJECT_FOLDER"),
            "{text}"
        );
        let gate = "pdm-ml gate --when-no-champion fail --report junit=gate.xml --report markdown=gate.md --report sarif=gate.sarif --report github\n";
        assert!(text.contains(gate), "{text}");
        assert!(
            !text.contains("GITHUB_STEP_SUMMARY"),
            "the report writes the summary itself: {text}"
        );
        for drawing in [
            "gate-gates.svg",
            "gate-errors.svg",
            "upload-sarif",
            "gh pr comment",
            "--notify",
        ] {
            assert!(text.contains(drawing), "{drawing}: {text}");
        }
        let paths = if folder == "." {
            "paths-ignore: ["
        } else {
            "paths: [\"plants/seven/**\""
        };
        assert!(
            text.matches(paths).count() == 2 && text.contains("branches: [main]"),
            "{text}"
        );
        // What the linter says nothing of must not be for want of looking.
        fs::write(
            &file,
            text.replace("github.event_name == 'pull_request'", "github.evnt == ''"),
        )
        .unwrap();
        assert!(!actionlint(&python, &file).status.success());
    }
}

/// Without the variable the step says what to set; with it, it runs the command and finds what it installed.
#[test]
fn the_install_step_asks_for_its_variable_and_obeys_it() {
    let project = Project::empty();
    let run = |install: &str| {
        let mut bash = Command::new("bash");
        bash.args(["-e", "-c", schedule::INSTALL])
            .env("PDM_ML_INSTALL", install)
            .env("HOME", project.path());
        bash.env("GITHUB_PATH", project.file("path"))
            .output()
            .unwrap()
    };
    let unset = run("");
    assert!(
        !unset.status.success() && printed(&unset).contains("PDM_ML_INSTALL"),
        "{}",
        printed(&unset)
    );
    let install = "mkdir -p ~/.local/bin && printf '#!/bin/sh\\necho installed' > ~/.local/bin/pdm-ml && chmod +x ~/.local/bin/pdm-ml";
    let set = run(install);
    assert!(
        set.status.success() && printed(&set).contains("installed"),
        "{}",
        printed(&set)
    );
    assert!(project.read("path").contains(".local/bin"));
}

#[test]
#[ignore = "needs the validators of schedules; scripts/validators installs them"]
fn the_pipeline_for_gitlab_keeps_to_its_schema() {
    let python = needs::validators();
    for folder in [".", "plants/seven"] {
        let project = Project::empty();
        fs::create_dir(project.file(".git")).unwrap();
        assert_eq!(project.pdm(&["init", folder, "--ci", "gitlab"]).code, 0);
        let file = project.file(".gitlab-ci.yml");
        by_schema(&python, "vendor.gitlab-ci", &file);
        let text = fs::read_to_string(&file).unwrap();
        assert!(
            text.contains(
                "    - pdm-ml gate --when-no-champion fail --report junit=gate.xml --report markdown=gate.md\n"
            ),
            "{text}"
        );
    }
}

#[test]
fn a_workflow_is_added_to_a_project_and_never_written_over() {
    let project = Project::with_pipeline(SMALL);
    assert_eq!(project.pdm(&["init", "--ci", "github"]).code, 0);
    assert_eq!(project.read("pdm.toml"), SMALL);
    project.write(".github/workflows/pdm-ml.yml", "mine");
    let again = project.pdm(&["init", "--ci", "github"]);
    assert_eq!(
        (again.code, project.read(".github/workflows/pdm-ml.yml")),
        (1, "mine".to_owned())
    );
    let fresh = Project::empty();
    fresh.write(".gitlab-ci.yml", "mine");
    assert_eq!(fresh.pdm(&["init", "--ci", "gitlab"]).code, 1);
    assert!(
        !fresh.file("pdm.toml").exists() && !fresh.file("pipelines").exists(),
        "nothing was changed"
    );
}

/// Expressions of the common language, few of which are alike.
fn expressions(count: usize) -> Vec<String> {
    let field = |low: u8, high: u8| {
        let pair = (low..=high, low..=high).prop_map(|(a, b)| (a.min(b), a.max(b)));
        let range = pair.prop_map(|(a, b)| {
            if a == b {
                a.to_string()
            } else {
                format!("{a}-{b}")
            }
        });
        let stepped =
            (low..high - 1, 2..4_u8).prop_map(move |(a, step)| format!("{a}-{high}/{step}"));
        let list =
            proptest::collection::btree_set(low..=high, 1..4).prop_map(|set: BTreeSet<u8>| {
                set.iter().map(u8::to_string).collect::<Vec<_>>().join(",")
            });
        prop_oneof![3 => Just("*".to_owned()), 1 => (2..5_u8).prop_map(|step| format!("*/{step}")), 2 => range, 1 => stepped, 3 => list]
    };
    let any = (
        field(0, 59),
        field(0, 23),
        field(1, 31),
        field(1, 12),
        field(0, 7),
    );
    let any = any.prop_map(|(a, b, c, d, e)| format!("{a} {b} {c} {d} {e}"));
    let mut runner = TestRunner::deterministic();
    let mut drawn = std::iter::repeat_with(|| any.new_tree(&mut runner).unwrap().current());
    drawn
        .by_ref()
        .filter(|text| options(text, "UTC").problems().is_empty())
        .take(count)
        .collect()
}

fn options(cron: &str, zone: &str) -> ScheduleOptions {
    toml::from_str(&format!("cron = '{cron}'\ntimezone = '{zone}'")).unwrap()
}

fn seconds(cron: &str, zone: &str, count: usize) -> Vec<i64> {
    let times = next_times(&options(cron, zone), FROM.parse().unwrap(), count).unwrap();
    times
        .iter()
        .map(|time| time.timestamp().as_second())
        .collect()
}

#[test]
#[ignore = "needs the validators of schedules; scripts/validators installs them"]
fn croniter_finds_the_same_times() {
    let python = needs::validators();
    let from = FROM.parse::<Timestamp>().unwrap().as_second();
    // Zones without a change of clock: on such days even cron and croniter differ.
    let expressions = expressions(300);
    let zones = ["UTC", "Asia/Kolkata", "America/Sao_Paulo"].iter().cycle();
    let asked: Vec<_> = expressions
        .iter()
        .zip(zones)
        .map(|(cron, zone)| (cron, *zone, from, 6))
        .collect();
    let answer = check(&python, &["cron", &serde_json::to_string(&asked).unwrap()]);
    let theirs: Vec<Vec<i64>> = serde_json::from_str(&answer).unwrap();
    for ((cron, zone, ..), theirs) in asked.iter().zip(theirs) {
        assert_eq!(seconds(cron, zone, 6), theirs, "{cron} in {zone}");
    }
}

/// The events that a timer counts are the times of the expression, either day field being enough where both are restricted.
#[test]
#[ignore = "needs systemd-analyze; scripts/validators installs it"]
fn systemd_finds_the_same_times() {
    let job = ScheduledJob {
        project: "plant".to_owned(),
        pipeline: "pdm.toml".to_owned(),
        profile: None,
        set: Vec::new(),
        program: "/bin/true".to_owned(),
        folder: "/".to_owned(),
        repository_folder: String::new(),
        memory_bytes: None,
        notifies: false,
    };
    for cron in expressions(60) {
        let definition = schedule::export(
            SchedulerKind::Systemd,
            &options(&cron, "Asia/Kolkata"),
            &job,
        )
        .unwrap();
        let calendars = definition.files[1]
            .text
            .lines()
            .filter_map(|line| line.strip_prefix("OnCalendar="));
        let times: BTreeSet<i64> = calendars.flat_map(elapses).collect();
        assert_eq!(
            times.into_iter().take(5).collect::<Vec<_>>(),
            seconds(&cron, "Asia/Kolkata", 5),
            "{cron}"
        );
    }
}

fn elapses(calendar: &str) -> Vec<i64> {
    let mut command = needs::program("systemd-analyze", "systemd");
    command
        .args([
            "calendar",
            "--iterations=5",
            "--base-time=2026-11-28 12:00:00 UTC",
            calendar,
        ])
        .env("TZ", "UTC");
    let answer = succeeds(command.env("LC_ALL", "C"));
    let times = answer.lines().filter_map(|line| {
        let (label, time) = line.trim().split_once(": ")?;
        (label == "Next elapse" || label.starts_with("Iter. #") || label == "(in UTC)")
            .then(|| (label, time.trim()))
    });
    times
        .filter_map(|(_, time)| time.strip_suffix(" UTC"))
        .map(utc)
        .collect()
}

fn utc(time: &str) -> i64 {
    let (date, clock) = time.split_once(' ').unwrap().1.split_once(' ').unwrap();
    format!("{date}T{clock}Z")
        .parse::<Timestamp>()
        .unwrap()
        .as_second()
}
