//! What commands write: never over an input, another output, or a file of somebody else.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::project::{Answer, Project};

const INPUT: &str = "datasets/simulated/test_SIM001.txt";

/// A project whose pipeline extends another file, with a table as its data, a lock, a policy and a champion.
fn project() -> Project {
    let project = Project::empty();
    project.write(
        "base.toml",
        "version = 3\n[model]\nkind = \"linear\"\n[tune]\ntrials = 2\n[tune.space]\n\"model.l2\" = { choices = [0.1, 1.0] }\n\
         [schedule]\ncron = \"0 3 * * 1\"\n",
    );
    project.write(
        "pdm.toml",
        "version = 3\nextends = \"base.toml\"\n[project]\nname = \"small\"\n[dataset]\nkind = \"simulated\"\n\
         train_units = 24\ntest_units = 12\n[evaluate]\nbootstrap = { resamples = 400 }\n",
    );
    project.write("registry/policy.toml", "[alias.champion]\napprovals = 0\n");
    project.json(&["run"]);
    project
}

/// Each command with an option that names a file or folder to write; `OUT` is replaced by its name.
fn writers(bundle: &str, run: &str) -> Vec<Vec<String>> {
    let lines = [
        "data validate --report OUT.json".to_owned(),
        "data profile --output OUT.html".to_owned(),
        "features --output OUT.csv".to_owned(),
        "evaluate --predictions OUT.csv".to_owned(),
        "gate --report json=OUT".to_owned(),
        "gate --report junit=OUT".to_owned(),
        "gate --report markdown=OUT".to_owned(),
        "gate --report sarif=OUT".to_owned(),
        "gate --report github=OUT".to_owned(),
        "run --report json=OUT".to_owned(),
        "retrain --summary OUT".to_owned(),
        "tune --output OUT".to_owned(),
        format!("predict --model {bundle} --input {INPUT} --output OUT.csv"),
        format!("predict --model small/1 --input {INPUT} --output OUT.csv"),
        "export onnx small/1 --out OUT".to_owned(),
        format!("export inputs small/1 --input {INPUT} --out OUT"),
        "schedule export cron --out OUT".to_owned(),
        format!("runs trace {run} --out OUT"),
        "run --metrics-file OUT.prom".to_owned(),
        "drift --metrics-file OUT.prom".to_owned(),
    ];
    lines
        .iter()
        .map(|line| line.split(' ').map(str::to_owned).collect())
        .collect()
}

/// Runs a command with a file for its output; the file's name takes the ending that the command wants.
fn write_to(project: &Project, command: &[String], out: &str, more: &[&str]) -> Answer {
    let words: Vec<_> = command
        .iter()
        .map(|word| word.replace("OUT", out))
        .collect();
    let words: Vec<_> = words
        .iter()
        .map(String::as_str)
        .chain(more.iter().copied())
        .collect();
    project.pdm(&words)
}

/// Every file below a folder with its contents, but for what the program keeps for itself.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(at).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() && !path.ends_with(".pdm-ml") && !path.ends_with("experiments") {
                folders.push(path);
            } else if path.is_file() && !path.to_string_lossy().ends_with(".prom.lock") {
                // Writers of metrics wait for each other at an empty file beside them.
                found.push((path.display().to_string(), fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[cfg(unix)]
#[test]
fn no_output_replaces_an_input_by_path_link_or_inode() {
    let project = project();
    let outcome = project.json(&["run", "--force"]);
    let (bundle, run) = (
        outcome["bundle"].as_str().unwrap(),
        outcome["run"].as_str().unwrap(),
    );
    let inputs = [
        "pdm.toml",
        "base.toml",
        "pdm.lock",
        "registry/policy.toml",
        INPUT,
        "datasets/simulated/train_SIM001.txt",
    ];
    for (number, command) in writers(bundle, run).iter().enumerate() {
        // Which input is tried with which command goes round; every command meets a link and a second name.
        for (turn, input) in [
            inputs[number % inputs.len()],
            inputs[(number + 3) % inputs.len()],
        ]
        .iter()
        .enumerate()
        {
            let target = project.file(input);
            let ending = command
                .iter()
                .find_map(|word| word.split_once("OUT"))
                .map(|(_, ending)| ending.to_owned())
                .unwrap();
            let name = format!("alias-{number}-{turn}");
            let alias = project.file(&format!("{name}{ending}"));
            match turn {
                0 => std::os::unix::fs::symlink(&target, &alias).unwrap(),
                _ => fs::hard_link(&target, &alias).unwrap(),
            }
            let before = contents(project.path());
            for more in [&[] as &[&str], &["--force"]] {
                let takes_force =
                    !(command[0] == "drift" || command[..2] == ["run", "--metrics-file"]);
                if !more.is_empty() && !takes_force {
                    continue;
                }
                let answer = write_to(&project, command, &name, more);
                assert_eq!(answer.code, 2, "{command:?} over {input}: {answer:?}");
                assert!(
                    answer.stderr.contains("error[E0161]"),
                    "{command:?} over {input}: {}",
                    answer.stderr
                );
                assert!(
                    contents(project.path()) == before,
                    "{command:?} over {input} changed a file"
                );
            }
            fs::remove_file(alias).unwrap();
        }
    }
}

#[test]
fn plain_paths_to_inputs_are_refused_and_named() {
    let project = project();
    let refused = |args: &[&str]| {
        let answer = project.pdm(args);
        assert_eq!(answer.code, 2, "{args:?}: {answer:?}");
        answer.stderr
    };
    let text = refused(&["retrain", "--summary", "./registry/../pdm.toml"]);
    assert!(
        text.contains(
            "--summary would overwrite `./registry/../pdm.toml`, which is a file of the pipeline"
        ),
        "{text}"
    );
    let text = refused(&["retrain", "--summary", "registry/store/summary.json"]);
    assert!(
        text.contains("into the registry") && text.contains("E0161"),
        "{text}"
    );
    let text = refused(&["retrain", "--summary", ".pdm-ml/summary.json"]);
    assert!(text.contains("the project's cache"), "{text}");
    let text = refused(&["registry", "fetch", "small/1", "--into", "registry/store/x"]);
    assert!(text.contains("E0161"), "{text}");
    let text = refused(&["registry", "export", "small/1", "--oci", "registry/store/x"]);
    assert!(text.contains("E0161"), "{text}");
    project.json(&["registry", "fetch", "small/1", "--into", "bundle"]);
    let text = refused(&[
        "predict",
        "--model",
        "bundle",
        "--input",
        INPUT,
        "--output",
        "bundle/rul.csv",
    ]);
    assert!(
        text.contains("into the folder of `the model`") || text.contains("E0161"),
        "{text}"
    );
    // A table that is read and written, the first case anybody met.
    project.write("t.csv", "unit,cycle,rul,lower,upper\n");
    let text = refused(&[
        "predict", "--model", "bundle", "--input", "t.csv", "--output", "t.csv",
    ]);
    assert!(
        text.contains("--output would overwrite `t.csv`, which is the file of `--input`"),
        "{text}"
    );
}

#[test]
fn commands_that_need_no_pipeline_replace_no_file_of_the_project_either() {
    let project = project();
    let run = project.json(&["run", "--force"])["run"]
        .as_str()
        .unwrap()
        .to_owned();
    project.json(&["registry", "fetch", "small/1", "--into", "bundle"]);
    let data = "datasets/simulated/train_SIM001.txt";
    let commands: [&[&str]; 4] = [
        &["export", "onnx", "bundle", "--output", data, "--force"],
        &[
            "export", "inputs", "bundle", "--input", INPUT, "--output", data, "--force",
        ],
        &[
            "runs",
            "trace",
            &run,
            "--runs",
            "experiments/runs",
            "--output",
            data,
            "--force",
        ],
        &[
            "registry",
            "fetch",
            "small/1",
            "--registry",
            "registry/store",
            "--into",
            "experiments/runs/mine",
        ],
    ];
    let before = contents(project.path());
    for command in commands {
        let answer = project.pdm(command);
        assert!(
            answer.code == 2 && answer.stderr.contains("error[E0161]"),
            "{command:?}: {answer:?}"
        );
        assert!(
            contents(project.path()) == before,
            "{command:?} changed a file"
        );
    }
    assert!(!project.file("experiments/runs/mine").exists());
    // Of a pipeline that cannot be read its file is known, and nothing else stops the work.
    project.write("base.toml", "nonsense\n");
    let onto_file = project.pdm(&[
        "export", "onnx", "bundle", "--output", "pdm.toml", "--force",
    ]);
    assert!(
        onto_file.code == 2 && onto_file.stderr.contains("error[E0161]"),
        "{onto_file:?}"
    );
    assert_eq!(
        project
            .pdm(&["export", "onnx", "bundle", "--output", "model.onnx"])
            .code,
        0
    );
}

#[test]
fn two_outputs_of_one_command_are_two_files() {
    let project = project();
    for args in [
        &["gate", "--report", "json=a", "--report", "junit=./a"] as &[&str],
        &[
            "gate",
            "--report",
            "gate.md",
            "--report",
            "json=gate-gates.svg",
        ],
        &["retrain", "--summary", "a.prom", "--metrics-file", "a.prom"],
    ] {
        let answer = project.pdm(args);
        assert_eq!(answer.code, 2, "{args:?}: {answer:?}");
        assert!(
            answer.stderr.contains("error[E0162]"),
            "{args:?}: {}",
            answer.stderr
        );
    }
    assert!(!project.file("a").exists());
    // The summary of a refused retrain says so; the metrics do not overwrite it.
    assert!(project.read("a.prom").contains("\"failed\""));
}

#[test]
fn files_of_others_need_force_and_our_own_do_not() {
    let project = project();
    let outcome = project.json(&["run", "--force"]);
    let (bundle, run) = (
        outcome["bundle"].as_str().unwrap(),
        outcome["run"].as_str().unwrap(),
    );
    for (number, command) in writers(bundle, run).iter().enumerate() {
        let is_metrics = command.iter().any(|word| word == "--metrics-file");
        let never = ["tune", "schedule"].contains(&command[0].as_str());
        if is_metrics {
            // The file for metrics has a test of its own: a failure to write it does not change the result of the command.
            continue;
        }
        let name = format!("out-{number}");
        let ending = command
            .iter()
            .find_map(|word| word.split_once("OUT"))
            .map(|(_, ending)| ending.to_owned())
            .unwrap();
        let file = format!("{name}{ending}");
        project.write(&file, "my notes, unit by unit\n");
        let refused = write_to(&project, command, &name, &[]);
        assert_eq!(refused.code, 2, "{command:?}: {refused:?}");
        assert!(
            refused.stderr.contains("error[E0152]"),
            "{command:?}: {}",
            refused.stderr
        );
        assert_eq!(project.read(&file), "my notes, unit by unit\n");
        let forced = write_to(&project, command, &name, &["--force"]);
        assert_eq!(forced.code, 0, "{command:?}: {forced:?}");
        assert!(
            !project.read_bytes(&file).starts_with(b"my notes"),
            "{command:?}"
        );
        if !never {
            let again = write_to(&project, command, &name, &[]);
            assert_eq!(again.code, 0, "the next run: {command:?}: {again:?}");
        }
    }
}

#[test]
fn folders_of_others_are_not_written_into() {
    let project = project();
    project.write("model/requirements.txt", "mine\n");
    let export = ["export", "mlflow", "small/1", "--out", "model"];
    assert_eq!(project.pdm(&export).code, 2);
    assert_eq!(project.read("model/requirements.txt"), "mine\n");
    assert!(!project.file("model/MLmodel").exists());
    assert_eq!(project.pdm(&[&export[..], &["--force"]].concat()).code, 0);
    assert_eq!(project.pdm(&export).code, 0, "an earlier export is ours");

    project.write("bundle/features.json", "{}\n");
    let fetch = ["registry", "fetch", "small/1", "--into", "bundle"];
    let refused = project.pdm(&fetch);
    assert!(
        refused.code != 0 && refused.stderr.contains("bundle/features.json"),
        "{refused:?}"
    );
    assert_eq!(project.read("bundle/features.json"), "{}\n");
    std::fs::remove_file(project.file("bundle/features.json")).unwrap();
    assert_eq!(project.pdm(&fetch).code, 0);
    assert_eq!(project.pdm(&fetch).code, 0, "an earlier fetch is ours");

    project.write("data/train_FD009.txt", "1 1 mine\n");
    let simulate = [
        "data",
        "simulate",
        "--into",
        "data",
        "--name",
        "FD009",
        "--train-units",
        "4",
        "--test-units",
        "2",
    ];
    let refused = project.pdm(&simulate);
    assert!(
        refused.code == 2 && refused.stderr.contains("E0152"),
        "{refused:?}"
    );
    assert_eq!(project.read("data/train_FD009.txt"), "1 1 mine\n");
    assert_eq!(project.pdm(&[&simulate[..], &["--force"]].concat()).code, 0);
    assert_eq!(
        project
            .pdm(&[&simulate[..], &["--seed", "2"]].concat())
            .code,
        0,
        "an earlier simulation is ours"
    );
    // Neither does a pipeline that simulates its fleet.
    project.write("data/train_SIM001.txt", "1 1 mine\n");
    let refused = project.pdm(&["run", "--set", "dataset.path=data"]);
    assert!(
        refused.code == 2 && refused.stderr.contains("E0152"),
        "{refused:?}"
    );
    assert_eq!(project.read("data/train_SIM001.txt"), "1 1 mine\n");
}

#[test]
fn a_pipeline_that_cannot_be_read_is_not_replaced_by_the_report_of_that() {
    let project = Project::with_pipeline("version = 3\nnonsense\n");
    let answer = project.pdm(&["gate", "--report", "json=pdm.toml"]);
    assert_eq!(answer.code, 2, "{answer:?}");
    assert_eq!(project.read("pdm.toml"), "version = 3\nnonsense\n");
}

/// Options that name a file or folder to write, as the help shows them. A new one must be added here and above.
#[test]
fn every_option_that_writes_is_tried_here() {
    let project = Project::empty();
    let mut found = BTreeSet::new();
    let mut commands = vec![Vec::<String>::new()];
    while let Some(command) = commands.pop() {
        let words: Vec<_> = command
            .iter()
            .map(String::as_str)
            .chain(["--help"])
            .collect();
        let help = project.pdm(&words).stdout;
        let mut in_commands = false;
        for line in help.lines() {
            if line.starts_with("Usage:") {
                continue;
            }
            if !line.starts_with(' ') {
                in_commands = line == "Commands:";
            }
            let first = line.split_whitespace().next().unwrap_or_default();
            if in_commands && line.starts_with("  ") && !line.starts_with("   ") && first != "help"
            {
                commands.push(command.iter().cloned().chain([first.to_owned()]).collect());
            }
            let names_a_place = ["<FILE>", "<PATH>", "<DIR>", "<FOLDER>", "<FORMAT[=FILE]>"]
                .iter()
                .any(|place| line.contains(place));
            if let Some(option) = line
                .split_whitespace()
                .find(|word| word.starts_with("--"))
                .filter(|_| names_a_place)
            {
                found.insert(format!("{} {option}", command.join(" ")));
            }
        }
    }
    let reads = ["--input", "--runs", "--directory"];
    let writes: Vec<_> = found
        .iter()
        .filter(|option| !reads.iter().any(|read| option.ends_with(read)))
        .collect();
    let writes: Vec<_> = writes
        .into_iter()
        .filter(|option| !option.ends_with("--metrics-file"))
        .cloned()
        .collect();
    assert_eq!(
        writes,
        [
            "data fetch --into",
            "data infer --out",
            "data profile --output",
            "data simulate --into",
            "data validate --report",
            "evaluate --predictions",
            "export inputs --output",
            "export mlflow --output",
            "export onnx --output",
            "features --output",
            "gate --report",
            "predict --journal",
            "predict --output",
            "registry export --oci",
            "registry fetch --into",
            "retrain --summary",
            "run --report",
            "runs trace --output",
            "schedule export --output",
            "tune --output",
        ]
    );
}

#[test]
fn the_command_line_writes_files_in_one_place() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli");
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let text = fs::read_to_string(entry.path()).unwrap_or_default();
            let writes = ["atomic_write(", "fs::write(", "File::create"]
                .iter()
                .any(|call| text.contains(call));
            assert!(
                !writes || entry.path() == source.join("outputs.rs"),
                "{} writes files itself",
                entry.path().display()
            );
        }
    }
}
