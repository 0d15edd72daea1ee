//! What others send or put in the way: answers without end, pipes in the place of files, files of a foreign size.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::project::{Answer, Project, SMALL};

/// Answers every request with JSON that never ends; returns its address.
fn endless() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut stream = stream;
                let _head = stream.read(&mut [0; 4096]);
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{\"experiments\": \"";
                let chunk = vec![b'x'; 1 << 20];
                let mut sent = stream.write_all(head.as_bytes());
                while sent.is_ok() {
                    sent = stream.write_all(&chunk);
                }
            });
        }
    });
    address
}

#[test]
fn an_answer_without_end_is_cut_off_and_named() {
    let project = Project::with_pipeline(SMALL);
    let server = endless();
    let begun = Instant::now();
    let answer = project.pdm(&["track", "sync", "--to", &server]);
    assert_eq!(
        answer.code, 0,
        "nothing is recorded, nothing is asked: {answer:?}"
    );
    assert_eq!(project.pdm(&["run"]).code, 0);
    // So many addresses hold the program, and not an answer that is kept whole.
    let limited = "ulimit -v 3000000; exec \"$0\" \"$@\"".to_owned();
    let mut command = Command::new("sh");
    command.args([
        "-c",
        &limited,
        env!("CARGO_BIN_EXE_pdm-ml"),
        "track",
        "sync",
        "--to",
        &server,
        "--threads",
        "1",
    ]);
    let answer = Answer::of(command.current_dir(project.path()));
    assert_eq!(answer.code, 1, "{answer:?}");
    assert!(
        answer.stderr.contains("error[E0616]") && answer.stderr.contains("has more than 16.0 MiB"),
        "{}",
        answer.stderr
    );
    assert!(begun.elapsed() < Duration::from_secs(120));
    let answer = Answer::of(
        project
            .command(&["run", "--force"])
            .env("MLFLOW_TRACKING_URI", &server),
    );
    assert_eq!(
        answer.code, 0,
        "a run does not end for its tracker: {answer:?}"
    );
    assert!(
        answer.stderr.contains("has more than 16.0 MiB"),
        "{}",
        answer.stderr
    );
}

#[cfg(unix)]
fn pipe(project: &Project, name: &str) {
    let path = project.file(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let _gone = std::fs::remove_file(&path);
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Runs a command that must end by itself.
#[cfg(unix)]
fn ends(project: &Project, args: &[&str]) -> Answer {
    let mut command = Command::new("timeout");
    command
        .args(["-k", "1", "60", env!("CARGO_BIN_EXE_pdm-ml")])
        .args(args)
        .current_dir(project.path());
    let answer = Answer::of(&mut command);
    assert_ne!(answer.code, 124, "{args:?} hangs: {answer:?}");
    answer
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_a_file_is_refused_at_once() {
    let project = Project::empty();
    pipe(&project, "pdm.toml");
    for args in [
        &["run", "pdm.toml"][..],
        &["retrain", "pdm.toml"],
        &["config", "show", "pdm.toml"],
        &["config", "migrate", "pdm.toml"],
    ] {
        let answer = ends(&project, args);
        assert_eq!(answer.code, 2, "{args:?}: {answer:?}");
        assert!(
            answer.stderr.contains("a pipe, a socket or a device"),
            "{args:?}: {}",
            answer.stderr
        );
    }
    let project = Project::with_pipeline(&format!("extends = \"base.toml\"\n{SMALL}"));
    pipe(&project, "base.toml");
    assert_eq!(ends(&project, &["plan"]).code, 2);

    let project = Project::with_pipeline(SMALL);
    assert_eq!(project.pdm(&["run"]).code, 0);
    let run = std::fs::read_dir(project.file("experiments/runs"))
        .unwrap()
        .flatten()
        .find(|entry| entry.path().is_dir());
    let run = format!(
        "experiments/runs/{}",
        run.unwrap().file_name().into_string().unwrap()
    );
    pipe(&project, &format!("{run}/journal.ndjson"));
    let listed = ends(&project, &["runs", "list"]);
    assert_eq!(listed.code, 0, "{listed:?}");
    assert!(
        format!("{listed:?}").contains("a pipe, a socket or a device"),
        "{listed:?}"
    );
    pipe(&project, "pdm.lock");
    assert_ne!(ends(&project, &["run", "--locked"]).code, 0);
    pipe(&project, ".pdm-ml/lock.json");
    pipe(&project, "m.prom");
    assert_eq!(ends(&project, &["run", "--metrics-file", "m.prom"]).code, 0);
}

#[test]
fn many_mistakes_take_no_time_and_are_counted() {
    let sections: String = (0..10_000)
        .map(|number| format!("[wrong{number}]\na = 1\n"))
        .collect();
    let twice: String = (0..10_000).map(|_| "[again]\na = 1\n".to_owned()).collect();
    let garbled: String = (0..10_000)
        .map(|number| format!("k{number} = = 1\n"))
        .collect();
    let values: String = (0..10_000)
        .map(|number| format!("s_{number} = 1\n"))
        .collect();
    let unset: String = (0..3_000)
        .map(|number| format!("a{number} = \"${{env:NOT_SET_{number}}}\"\n"))
        .collect();
    let gates: String = (0..3_000)
        .map(|_| "[[gate]]\nmetric = \"rmse\"\nrule = \"at_mots\"\n".to_owned())
        .collect();
    let wrong = [
        sections,
        twice,
        garbled,
        format!("[validate.ranges]\n{values}"),
        format!("[more]\n{unset}"),
        gates,
    ];
    let is_broken_toml = [1, 2];
    for (number, text) in wrong.iter().enumerate() {
        let project = Project::with_pipeline(&format!("{SMALL}\n{text}"));
        let begun = Instant::now();
        let answer = project.pdm(&["config", "show"]);
        assert_eq!(answer.code, 2, "{number}: {}", answer.stderr);
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "{number}: {:?}",
            begun.elapsed()
        );
        let shown = answer.stderr.matches("error[").count();
        // Broken TOML is reported by the parser, which stops at the first mistake.
        let is_broken = is_broken_toml.contains(&number);
        assert!(
            if is_broken { shown == 1 } else { shown <= 101 },
            "{number}: {shown}"
        );
        assert_eq!(
            answer.stderr.contains(" more problems"),
            !is_broken,
            "{number}: {}",
            answer.stderr
        );
    }
    let project = Project::with_pipeline(&format!("{SMALL}\n{}", wrong[0]));
    let answer = project.pdm(&["config", "show", "--format", "json"]);
    let error: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(error["error"]["problems"].as_array().unwrap().len(), 100);
    assert_eq!(error["error"]["more_problems"], 9_900);
}

#[test]
fn a_file_or_a_name_of_foreign_size_is_not_repeated() {
    let project = Project::with_pipeline(&format!("{SMALL}\n{} = 1\n", "n".repeat(3_000_000)));
    let answer = project.pdm(&["config", "show"]);
    assert!(
        answer.code == 2 && answer.stderr.len() < 20_000,
        "{} {}",
        answer.code,
        answer.stderr.len()
    );
    project.write(
        "pdm.toml",
        format!("{SMALL}\n# {}\n", "n".repeat(5_000_000)),
    );
    let answer = project.pdm(&["config", "show"]);
    assert_eq!(answer.code, 2, "{answer:?}");
    assert!(
        answer.stderr.contains("error[E0166]") && answer.stderr.contains("4.0 MiB"),
        "{}",
        answer.stderr
    );
    let long = "x".repeat(100_000);
    let answer = project.pdm(&["run", &format!("{long}.toml")]);
    assert!(
        answer.code == 2 && answer.stderr.len() < 20_000,
        "{} {}",
        answer.code,
        answer.stderr.len()
    );
}

/// The system gives no thread: a sentence and exit code 50, and no trace of a library.
#[cfg(target_os = "linux")]
#[test]
fn limits_of_the_system_end_in_a_sentence() {
    let project = Project::with_pipeline(SMALL);
    let mut met = 0;
    for kib in [400_000, 600_000, 800_000, 1_000_000, 1_400_000] {
        let script = format!("ulimit -v {kib}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command
            .args([
                "-c",
                &script,
                env!("CARGO_BIN_EXE_pdm-ml"),
                "run",
                "--force",
            ])
            .current_dir(project.path());
        let answer = Answer::of(&mut command);
        assert!(matches!(answer.code, 0 | 50), "{kib}: {answer:?}");
        if answer.code == 50 {
            met += 1;
            assert!(
                answer.stderr.contains("error[E0") && !answer.stderr.contains("panicked"),
                "{kib}: {answer:?}"
            );
        }
    }
    assert!(met > 0, "none of the limits was met");
}
