//! `init`, `doctor`, `completions` and the help.

use pdm_ml::models::ModelOptions;
use serde_json::Value;

use crate::project::{Answer, Project, SMALL};

#[test]
fn every_template_is_a_pipeline_that_loads() {
    for template in ["simulated", "fd001", "fd002", "fd003", "fd004", "table"] {
        let project = Project::empty();
        let answer = project.pdm(&["init", "plant", "--template", template]);
        assert_eq!(answer.code, 0, "{answer:?}");
        assert!(
            project
                .read("plant/pdm.toml")
                .starts_with("#:schema pipelines/pipeline.schema.json\n")
        );
        for folder in ["pipelines", "experiments", "registry", "datasets"] {
            assert!(project.file("plant").join(folder).is_dir(), "{folder}");
        }
        let shown = project.pdm(&["-C", "plant", "config", "show"]);
        assert_eq!(shown.code, 0, "{shown:?}");
    }
}

/// Neither `[tune.space]` nor another example value may prevent the use of another family.
#[test]
fn every_template_takes_every_kind_of_model() {
    for template in ["simulated", "fd001", "table"] {
        let project = Project::empty();
        project.pdm(&["init", "--template", template]);
        for kind in ModelOptions::KINDS {
            let answer = project.pdm(&["config", "show", "--set", &format!("model.kind={kind}")]);
            assert_eq!(answer.code, 0, "{template}, {kind}: {answer:?}");
        }
    }
}

#[test]
fn init_does_not_overwrite() {
    let project = Project::with_pipeline("mine");
    let answer = project.pdm(&["init"]);
    assert_eq!(answer.code, 1, "{answer:?}");
    assert_eq!(project.read("pdm.toml"), "mine");
}

#[test]
fn doctor_says_what_is_missing_and_what_to_do() {
    let project = Project::empty();
    assert_eq!(project.pdm(&["doctor"]).code, 0);
    project.pdm(&["init", "--template", "fd001"]);
    let answer = project
        .command(&["doctor"])
        .env_remove("PDM_ML_CMAPSS")
        .output()
        .unwrap();
    let text = String::from_utf8(answer.stdout).unwrap();
    assert_eq!(answer.status.code(), Some(1), "{text}");
    assert!(
        text.contains("MISSING") && text.contains("pdm-ml data fetch cmapss"),
        "{text}"
    );
}

#[test]
fn completions_are_written_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let answer = Project::empty().pdm(&["completions", shell]);
        assert!(
            answer.code == 0 && answer.stdout.contains("pdm-ml"),
            "{shell}"
        );
    }
}

#[test]
fn the_help_names_every_command_and_exit_code() {
    let help = Project::empty().pdm(&["--help"]).stdout;
    for word in [
        "init",
        "doctor",
        "data",
        "features",
        "train",
        "evaluate",
        "gate",
        "promote",
        "predict",
        "run",
        "plan",
        "runs",
        "registry",
        "config",
        "completions",
        "Examples:",
        "a gate failed",
        "130",
        "143",
    ] {
        assert!(help.contains(word), "{word}\n{help}");
    }
    assert_eq!(Project::empty().pdm(&["no-such-command"]).code, 2);
}

/// Each need has a verdict of its own, and the command ends with the code that a job would meet first.
#[test]
fn doctor_says_what_a_job_of_ci_lacks() {
    let notify = "\n[[notify]]\nkind = \"webhook\"\nurl = { env = \"PLANT_HOOK_URL\" }\n";
    let project = Project::with_pipeline(&format!("{SMALL}{notify}"));
    let examine = |variables: &[(&str, &str)]| {
        let mut command = project.command(&["doctor", "--for", "ci", "--format", "json"]);
        let answer = Answer::of(command.envs(variables.iter().copied()));
        let report: Value = serde_json::from_str(&answer.stdout)
            .unwrap_or_else(|error| panic!("{error}: {answer:?}"));
        assert_eq!(report["exit"], answer.code, "{report:#}");
        report
    };
    let verdict = |report: &Value, name: &str| {
        let checks = report["checks"].as_array().unwrap();
        let check = checks
            .iter()
            .find(|check| check["check"] == name)
            .unwrap_or_else(|| panic!("{name}: {report:#}"));
        check["verdict"].as_str().unwrap().to_owned()
    };
    let names = [
        "pipeline",
        "write access",
        "data",
        "secrets",
        "lock",
        "registry",
        "champion",
        "clock",
        "tracking",
    ];
    let report = examine(&[]);
    let found =
        ["pipeline", "write access", "data", "secrets", "lock"].map(|name| verdict(&report, name));
    assert_eq!(
        found,
        ["pass", "pass", "pass", "fail", "fail"],
        "{report:#}"
    );
    assert_eq!(
        (&report["format"], &report["for"], &report["verdict"]),
        (&1.into(), &"ci".into(), &"fail".into())
    );

    assert_eq!(project.pdm(&["run"]).code, 0);
    let hook = ("PLANT_HOOK_URL", "https://plant.example/h00k");
    let report = examine(&[hook]);
    assert_eq!(
        (&report["verdict"], &report["exit"]),
        (&"pass".into(), &0.into()),
        "{report:#}"
    );
    let found = names.map(|name| verdict(&report, name));
    assert_eq!(
        found,
        [
            "pass", "pass", "pass", "pass", "pass", "pass", "pass", "pass", "skip"
        ],
        "{report:#}"
    );

    let changed = project
        .read("pdm.toml")
        .replace("kind = \"linear\"", "kind = \"linear\"\nl2 = 3.0");
    project.write("pdm.toml", changed);
    let report = examine(&[hook, ("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")]);
    let found = ["lock", "tracking"].map(|name| verdict(&report, name));
    assert_eq!(found, ["fail", "fail"], "{report:#}");

    let table = "version = 3\n[project]\nname = \"small\"\n[dataset]\nkind = \"table\"\ntrain = \"a.csv\"\ntest = \"b.csv\"\nrul = \"c.csv\"\nsensors = [\"s\"]\n";
    project.write("pdm.toml", table);
    project.write("a.csv", "unit,cycle,s\n1,1,2.0\n");
    for (missing, role) in [("b.csv", "test"), ("c.csv", "RUL")] {
        let report = examine(&[]);
        let found = ["data", "lock"].map(|name| verdict(&report, name));
        assert_eq!(found, ["fail", "skip"], "{report:#}");
        let data = report["checks"]
            .as_array()
            .unwrap()
            .iter()
            .find(|check| check["check"] == "data")
            .unwrap();
        let text = data["found"].as_str().unwrap();
        assert!(
            text.contains(missing) && text.starts_with(&format!("the {role} file")),
            "{text}"
        );
        project.write(missing, "unit,cycle,s\n1,1,2.0\n");
    }
    assert_eq!(verdict(&examine(&[]), "data"), "pass");

    project.write("pdm.toml", "version = 3\n[project]\nname = 7\n");
    let report = examine(&[]);
    assert_eq!(
        (&report["exit"], report["checks"].as_array().unwrap().len()),
        (&2.into(), 1),
        "{report:#}"
    );
}

#[test]
fn one_more_pipeline_is_added_to_a_project_that_is_there() {
    let project = Project::with_pipeline(SMALL);
    let answer = project.pdm(&["init", "--template", "fd001"]);
    assert_eq!(
        (answer.code, answer.stdout.trim()),
        (0, "pipelines/fd001.toml"),
        "{answer:?}"
    );
    assert!(
        project
            .read("pipelines/fd001.toml")
            .starts_with("#:schema pipeline.schema.json\n")
    );
    assert_eq!(
        project
            .pdm(&["config", "show", "pipelines/fd001.toml"])
            .code,
        0
    );
    assert_eq!(project.pdm(&["init", "--template", "fd001"]).code, 1);
    let missing = project.pdm(&["run", "pipelines/fd002.toml"]);
    assert!(
        missing
            .stderr
            .contains("`pdm-ml init --template fd002` writes it"),
        "{missing:?}"
    );
}

/// What is accepted is obeyed.
#[test]
fn what_would_change_nothing_is_refused() {
    let project = Project::with_pipeline(SMALL);
    let refused: [&[&str]; 4] = [
        &[
            "track",
            "sync",
            "--to",
            "http://127.0.0.1:1",
            "--set",
            "tracking.experiment=nightly",
        ],
        &["doctor", "--registry", "store", "--set", "model.kind=gbdt"],
        &["promote", "--reason", "because"],
        &["schedule", "export", "cron", "--force"],
    ];
    for args in refused {
        assert_eq!(project.pdm(args).code, 2, "{args:?}");
    }
    for output in ["--output", "--out", "-o"] {
        let answer = project.pdm(&["features", output, "features.csv"]);
        assert_eq!(answer.code, 0, "{answer:?}");
    }
}
