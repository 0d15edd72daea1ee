//! One redaction for all that leaves the program: canaries in every place a secret comes from, looked for behind every door.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use crate::project::{Answer, Project, SMALL};

/// A part of every secret in these tests, and of nothing else.
const CANARY: &str = "k4n4ry";
/// An address that holds a secret in each of its parts. It has no listener.
const ADDRESS: &str = "https://ann:k4n4ry-pw@127.0.0.1:1/a.zip?X-Amz-Credential=k4n4ryCRED&X-Amz-Signature=k4n4ry51g&X-Amz-Security-Token=k4n4ry70k&token=k4n4ry-t&sig=k4n4rysas%3D";

fn looks_clean(answer: &Answer, what: &[&str]) {
    assert!(
        !answer.stdout.contains(CANARY),
        "{what:?}: stdout\n{}",
        answer.stdout
    );
    assert!(
        !answer.stderr.contains(CANARY),
        "{what:?}: stderr\n{}",
        answer.stderr
    );
    assert_ne!(answer.code, 101, "{what:?}: {answer:?}");
}

/// Runs a command in each of its forms: words, JSON, a log in JSON, and all that can be logged.
fn in_every_form(project: &Project, args: &[&str], env: &[(&str, &str)]) {
    let forms: [&[&str]; 4] = [
        &[],
        &["--format", "json"],
        &["--log-format", "json"],
        &["--log-level", "trace", "--color", "always"],
    ];
    for form in forms {
        let all = [args, form].concat();
        let mut command = project.command(&all);
        let answer = Answer::of(command.envs(env.iter().copied()));
        looks_clean(&answer, &all);
    }
}

/// No file of the project but those the user wrote holds a canary.
fn nothing_is_left(folder: &Path, written: &[&str]) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let name = entry.file_name().into_string().unwrap();
        if path.is_dir() {
            nothing_is_left(&path, written);
        } else if !written.contains(&name.as_str()) {
            let bytes = fs::read(&path).unwrap();
            let found = bytes
                .windows(CANARY.len())
                .any(|window| window == CANARY.as_bytes());
            assert!(
                !found,
                "{}: {}",
                path.display(),
                String::from_utf8_lossy(&bytes)
            );
        }
    }
}

#[test]
fn addresses_on_the_command_line_are_not_repeated_with_their_secrets() {
    let project = Project::with_pipeline(SMALL);
    let commands: [&[&str]; 20] = [
        &["data", "fetch", "cmapss", "--from", ADDRESS],
        &[
            "data",
            "fetch",
            "cmapss",
            "--from",
            "k4n4ry",
            "--password=k4n4ry-pw",
        ],
        &["track", "sync", "--to", ADDRESS],
        &["track", "sync", "--to", "http://ann:k4n4ry-pw@127.0.0.1:1/"],
        &["registry", "list", "--registry", ADDRESS],
        &[
            "registry",
            "list",
            "--registry",
            "s3://ann:k4n4ry-pw@models/x",
        ],
        &["registry", "copy", ADDRESS, ADDRESS],
        &["doctor", "--registry", ADDRESS],
        &[
            "doctor",
            "--set",
            "tracking.mlflow_url=http://ann:k4n4ry-pw@127.0.0.1:1/",
        ],
        &[
            "config",
            "show",
            "--set",
            "tracking.mlflow_url=http://ann:k4n4ry-pw@h/?token=k4n4ry-t",
        ],
        &["run", "https://ann:k4n4ry-pw@h/pdm.toml"],
        &["run", "--frobnicate", ADDRESS],
        &["predict", "--model", ADDRESS, "--input", ADDRESS],
        &["explain", "https://ann:k4n4ry-pw@h/E0101"],
        // Without a scheme, or with half of one.
        &["track", "sync", "--to", "ann:k4n4ry-pw@127.0.0.1:5000"],
        &[
            "config",
            "show",
            "--set",
            "tracking.mlflow_url=ann:k4n4ry-pw@h",
        ],
        &[
            "data",
            "fetch",
            "cmapss",
            "--from",
            "ann:k4n4ry-pw@host/x.zip",
        ],
        &[
            "data",
            "fetch",
            "cmapss",
            "--from",
            "https:/ann:k4n4ry-pw@host/x.zip",
        ],
        &["registry", "list", "--registry", "ann:k4n4ry-pw@host"],
        // As CloudFront signs them.
        &[
            "data",
            "fetch",
            "cmapss",
            "--from",
            "http://127.0.0.1:1/x.zip?Key-Pair-Id=k4n4ryID&Policy=k4n4ryP&Signature=k4n4ryS",
        ],
    ];
    for args in commands {
        let args: Vec<_> = args
            .iter()
            .filter(|arg| **arg != "k4n4ry")
            .copied()
            .collect();
        in_every_form(&project, &args, &[]);
    }
    nothing_is_left(project.path(), &[]);
}

#[test]
fn what_the_environment_holds_is_not_repeated() {
    let project = Project::with_pipeline(SMALL);
    let aws = [
        ("AWS_ENDPOINT_URL", "https://u:k4n4ry-pw@127.0.0.1:1"),
        ("AWS_ACCESS_KEY_ID", "AKIAk4n4ryk4n4ry0000"),
        ("AWS_SECRET_ACCESS_KEY", "k4n4ry/s3cr3t+key"),
        ("AWS_SESSION_TOKEN", "k4n4ry-session-t0ken"),
        ("AWS_REGION", "eu-west-1"),
    ];
    for args in [
        &["registry", "list", "--registry", "s3://models/x"][..],
        &["doctor", "--registry", "s3://models/x"],
    ] {
        in_every_form(&project, args, &aws);
    }
    let context = r#"{"note": "curl -H 'Authorization: Bearer k4n4ry-b34rer' --password k4n4ry-pw", "api_key": "k4n4ry"}"#;
    let mlflow = [
        ("MLFLOW_TRACKING_URI", "http://u:k4n4ry-pw@127.0.0.1:1/"),
        ("MLFLOW_TRACKING_TOKEN", "k4n4ry-mlflow-t0ken"),
        ("MLFLOW_RUN_CONTEXT", context),
        ("HTTPS_PROXY", "http://u:k4n4ry-proxy@127.0.0.1:1"),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://u:k4n4ry-otlp@127.0.0.1:1",
        ),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=k4n4ry-h34der"),
    ];
    let run = [
        "run",
        "--metrics-file",
        "m.prom",
        "--report",
        "gate.json",
        "--report",
        "gate.md",
    ];
    for args in [
        &run[..],
        &["doctor"],
        &["doctor", "--for", "ci"],
        &["track", "sync"],
        &["runs", "list"],
    ] {
        in_every_form(&project, args, &mlflow);
    }
    let run = project.json(&["runs", "list"])["runs"][0]["short"]
        .as_str()
        .unwrap()
        .to_owned();
    for args in [
        &["runs", "show", &run][..],
        &["runs", "trace", &run],
        &["runs", "trace", &run, "--output", "t.json"],
    ] {
        in_every_form(&project, args, &[]);
    }
    nothing_is_left(project.path(), &[]);
}

/// A webhook's path is its password; so is a line of the file that breaks the grammar.
#[test]
fn what_the_pipeline_file_holds_is_not_repeated() {
    let hooks = "\n[[notify]]\nkind = \"webhook\"\nurl = \"https://hooks.slack.com/services/T0/B0/k4n4ryk4n4ry\"\non = [\"promoted\"]\n\
                 \n[[notify]]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:1/in/k4n4ry-p4th?key=k4n4ry-k3y\"\non = [\"promoted\"]\n";
    let project = Project::with_pipeline(&format!("{SMALL}{hooks}"));
    let runs: [&[&str]; 6] = [
        &["config", "show"],
        &["config", "show", "--origin"],
        &["run", "--metrics-file", "m.prom"],
        &["plan"],
        &["retrain", "--if", "always", "--summary", "summary.json"],
        &["cache", "why", "train"],
    ];
    for args in runs {
        in_every_form(&project, args, &[]);
    }
    for wrong in [
        "[tracking]\npassword = \"k4n4ry pw\n",
        "[tracking]\ntoken = \"k4n4ry-t0ken\"\n",
        "[tracking]\nmlflow_url = \"http://ann:k4n4ry-pw@h\"\n",
        "[registry]\nurl = \"https://ann:k4n4ry-pw@h/?sig=k4n4ry\"\n",
        "[notify]\nurl = \"https://hooks.slack.com/services/T0/B0/k4n4ry\"\n",
        "[tracking]\ntoken_env = \"k4n4ry-t0ken\"\n",
        "db = \"postgres://ann:k4n4ry@h/x\"\n",
    ] {
        let project = Project::with_pipeline(&format!("{SMALL}\n{wrong}"));
        for args in [
            &[
                "run",
                "--report",
                "gate.json",
                "--report",
                "gate.xml",
                "--report",
                "gate.sarif",
                "--report",
                "gate.md",
            ][..],
            &["retrain", "--summary", "summary.json"],
            &["doctor"],
            &["doctor", "--for", "ci"],
            &["config", "show"],
        ] {
            in_every_form(&project, args, &[]);
        }
        nothing_is_left(project.path(), &["pdm.toml"]);
    }
}

#[test]
fn permanent_records_hold_no_secret() {
    let project = Project::with_pipeline(SMALL);
    assert_eq!(project.pdm(&["run"]).code, 0);
    let words = "see https://ann:k4n4ry-pw@h/?token=k4n4ry-t, password: k4n4ry-pw2";
    let commands: [&[&str]; 4] = [
        &["registry", "annotate", "small/1", "--note", words],
        &[
            "promote", "--model", "small/1", "--force", "--reason", words,
        ],
        &["registry", "retire", "small/1", "--reason", words],
        &["registry", "history"],
    ];
    for args in commands {
        in_every_form(&project, args, &[]);
    }
    nothing_is_left(project.path(), &[]);
}

/// Notices, too: who listens reads the words of an error.
#[test]
fn a_notice_holds_no_secret() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let heard = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(&stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(bytes) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                length = bytes.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        (&stream)
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
        String::from_utf8(body).unwrap()
    });
    let notify = format!(
        "\n[[notify]]\nkind = \"webhook\"\nurl = \"http://{address}/\"\non = [\"failure\"]\n"
    );
    let stage = "\n[[stage]]\nname = \"leaky\"\nafter = \"validate\"\nbefore = \"gate\"\nexec = [\"sh\", \"-c\", \"echo password=k4n4ry-pw; exit 3\"]\n";
    let project = Project::with_pipeline(&format!("{SMALL}{notify}{stage}"));
    let answer = Answer::of(&mut project.command(&["run", "--notify"]));
    assert_ne!(answer.code, 0, "{answer:?}");
    looks_clean(&answer, &["run", "--notify"]);
    let body = heard.join().unwrap();
    assert!(body.contains("failure") && !body.contains(CANARY), "{body}");
}

#[test]
fn the_current_folder_of_a_shell_is_no_password() {
    let project = Project::with_pipeline(SMALL);
    let folder = project.path().canonicalize().unwrap();
    let mut command = project.command(&["-C", folder.to_str().unwrap(), "runs", "show", "ffff"]);
    let answer = Answer::of(command.env("PWD", &folder).env("OLDPWD", &folder));
    assert!(
        answer.stderr.contains(folder.to_str().unwrap()),
        "{answer:?}"
    );
    let mut command = project.command(&["runs", "show", "ffff"]);
    let answer = Answer::of(command.env("DB_PWD", &folder));
    assert!(
        answer.stderr.contains("***") || !answer.stderr.contains(folder.to_str().unwrap()),
        "{answer:?}"
    );
}
