//! `run --notify` and `notify test`, with a receiver that verifies signatures by another implementation, and a real mail server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::needs::readers;
use crate::project::{Answer, Project, SMALL};
use crate::readers::beside;

const KEY: &str = "correct-horse-battery-staple";
const PASSWORD: &str = "hunter2-is-secret";

/// One request, as it came.
#[derive(Debug)]
pub(crate) struct Request {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn read(stream: &TcpStream) -> Self {
        let mut reader = BufReader::new(stream);
        let mut text = String::new();
        while !text.ends_with("\r\n\r\n") {
            assert_ne!(reader.read_line(&mut text).unwrap(), 0, "{text}");
        }
        let mut lines = text.trim_end().lines();
        let line = lines.next().unwrap().to_owned();
        let headers: Vec<_> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length = headers
            .iter()
            .find(|(name, _)| name == "content-length")
            .unwrap()
            .1
            .parse()
            .unwrap();
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        Self {
            line,
            headers,
            body,
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| *known == name.to_ascii_lowercase())
            .map(|(_, value)| value.as_str())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Answers one request after the other with these statuses; returns its address and what it heard.
pub(crate) fn receiver(statuses: &'static [&'static str]) -> (String, Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (heard, requests) = channel();
    std::thread::spawn(move || {
        for status in statuses {
            let (mut stream, _) = listener.accept().unwrap();
            let request = Request::read(&stream);
            write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )
            .unwrap();
            heard.send(request).unwrap();
        }
    });
    (address, requests)
}

fn webhook(address: &str, more: &str) -> String {
    format!(
        "{SMALL}\n[[notify]]\nkind = \"webhook\"\nurl = \"{address}/hook?key=in-the-url\"\n{more}\n"
    )
}

const SIGNED: &str = "secret = { env = \"PDM_HOOK_KEY\" }";

fn pdm(project: &Project, args: &[&str], variables: &[(&str, &str)]) -> Answer {
    let output = project
        .command(args)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    Answer {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn next(requests: &Receiver<Request>) -> Request {
    requests.recv_timeout(Duration::from_secs(30)).unwrap()
}

/// The lines of Python that the documentation gives to receivers.
fn documented_check() -> String {
    let docs = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/notifications.md"),
    )
    .unwrap();
    docs.split("```python\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap()
        .to_owned()
}

/// Whether the documented check takes a request for genuine.
fn is_genuine(python: &Path, request: &Request, key: &str, now: i64) -> bool {
    let script = format!(
        "{}\nimport json, sys\nheaders = json.loads(sys.argv[1])\n\
         print(is_genuine(sys.argv[2].encode(), headers, sys.stdin.buffer.read(), {now} or None))",
        documented_check()
    );
    let names = ["X-Pdm-Ml-Timestamp", "X-Pdm-Ml-Signature"];
    let headers: Value = names
        .into_iter()
        .map(|name| (name.to_owned(), json!(request.header(name))))
        .collect();
    let mut child = Command::new(python)
        .args(["-c", &script, &headers.to_string(), key])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(&request.body)
        .unwrap();
    let output = child.wait_with_output().unwrap();
    match String::from_utf8(output.stdout).unwrap().trim() {
        "True" => true,
        "False" => false,
        other => panic!("{other}"),
    }
}

/// Nothing below a folder, and nothing of an answer, holds a text.
fn assert_nowhere(project: &Project, answers: &[&Answer], secret: &str) {
    for answer in answers {
        assert!(!format!("{answer:?}").contains(secret), "{answer:?}");
    }
    let found = Command::new("grep")
        .args(["-rl", "--", secret, "."])
        .current_dir(project.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
}

#[test]
fn a_promotion_is_notified_and_the_key_of_its_signature_is_nowhere() {
    let (address, requests) = receiver(&["204 No Content"]);
    let project = Project::with_pipeline(&webhook(&address, SIGNED));
    let variables = [("PDM_HOOK_KEY", KEY)];
    let quiet = pdm(&project, &["evaluate"], &variables);
    let answer = pdm(&project, &["run", "--notify"], &variables);
    assert_eq!(answer.code, 0, "{answer:?}");
    assert_eq!(
        answer.stderr.matches("warning").count(),
        0,
        "{}",
        answer.stderr
    );
    let request = next(&requests);
    assert_eq!(request.line, "POST /hook?key=in-the-url HTTP/1.1");
    let notice = request.json();
    assert_eq!(
        (&notice["format"], &notice["occasion"]),
        (&json!(1), &json!("promoted"))
    );
    assert_eq!(
        (&notice["version"], &notice["pipeline"]),
        (&json!("small/1"), &json!("small"))
    );
    assert_eq!(
        (&notice["title"], &notice["details"]["verdict"]),
        (&json!("small/1 is champion"), &json!("pass"))
    );
    assert_eq!(notice["details"]["units"], 12);
    assert!(
        notice["scores"][0]["lower"].is_number() && notice["run"].is_string(),
        "{notice:#}"
    );
    assert_eq!(
        (
            request.header("x-pdm-ml-event"),
            request.header("content-type")
        ),
        (Some("promoted"), Some("application/json"))
    );
    assert_eq!(request.header("x-pdm-ml-delivery"), notice["id"].as_str());

    let shown = pdm(&project, &["config", "show", "--origin"], &variables);
    assert_nowhere(&project, &[&quiet, &answer, &shown], KEY);
}

#[test]
#[ignore = "needs the readers of reports and mails; scripts/readers installs them"]
fn another_implementation_verifies_the_signature_of_a_notice() {
    let python = readers();
    let (address, requests) = receiver(&["204 No Content"]);
    let project = Project::with_pipeline(&webhook(&address, SIGNED));
    let answer = pdm(&project, &["run", "--notify"], &[("PDM_HOOK_KEY", KEY)]);
    assert_eq!(answer.code, 0, "{answer:?}");
    let request = next(&requests);
    assert!(is_genuine(&python, &request, KEY, 0));
    assert!(!is_genuine(&python, &request, "another key", 0));
    let sent: i64 = request
        .header("x-pdm-ml-timestamp")
        .unwrap()
        .parse()
        .unwrap();
    assert!(
        !is_genuine(&python, &request, KEY, sent + 600),
        "an old notice must not be taken again"
    );
    let mut forged = request;
    let at = forged.body.iter().position(|byte| *byte == b'1').unwrap();
    forged.body[at] = b'2';
    assert!(!is_genuine(&python, &forged, KEY, 0));
}

#[test]
fn a_receiver_of_other_occasions_is_not_notified() {
    let (address, requests) = receiver(&["200 OK", "200 OK", "200 OK"]);
    let text = webhook(&address, "on = [\"refused\", \"unchanged\", \"failure\"]");
    let project = Project::with_pipeline(&text);
    assert_eq!(project.pdm(&["run", "--notify"]).code, 0);
    assert_eq!(project.pdm(&["run"]).code, 0);
    assert_eq!(project.pdm(&["run", "--notify"]).code, 0);
    assert_eq!(next(&requests).json()["occasion"], "unchanged");
    project.write("pdm.toml", text.replace("value = 120.0", "value = 0.5"));
    assert_eq!(project.pdm(&["gate", "--notify"]).code, 20);
    let notice = next(&requests).json();
    assert_eq!(notice["occasion"], "refused");
    assert!(
        notice["text"]
            .as_str()
            .unwrap()
            .contains("fail: rmse is not at most 0.5"),
        "{notice:#}"
    );
    // What was never fitted fails on a file that is gone.
    std::fs::remove_dir_all(project.file("datasets")).unwrap();
    let table = "kind = \"table\"\ntrain = \"gone.csv\"\nsensors = [\"s\"]";
    project.write(
        "pdm.toml",
        text.replace(
            "kind = \"simulated\"\ntrain_units = 24\ntest_units = 12",
            table,
        ),
    );
    assert_eq!(project.pdm(&["run", "--notify"]).code, 1);
    let notice = next(&requests).json();
    assert_eq!(notice["occasion"], "failure");
    assert!(
        notice["text"].as_str().unwrap().contains("gone.csv"),
        "{notice:#}"
    );
}

#[test]
fn a_retrain_notifies_its_result() {
    let (address, requests) = receiver(&["200 OK", "200 OK", "200 OK"]);
    let project = Project::with_pipeline(&webhook(
        &address,
        "on = [\"promoted\", \"unchanged\", \"failure\"]",
    ));
    let retrain = ["retrain", "--if", "new-data", "--notify"];
    assert_eq!(project.pdm(&retrain).code, 0);
    let notice = next(&requests).json();
    assert_eq!(
        (&notice["occasion"], &notice["version"]),
        (&json!("promoted"), &json!("small/1"))
    );
    assert_eq!(
        (&notice["title"], &notice["details"]["result"]),
        (&json!("small/1 is champion"), &json!("promoted"))
    );
    assert!(
        notice["scores"][0]["lower"].is_number() && notice["run"].is_string(),
        "{notice:#}"
    );
    assert_eq!(project.pdm(&retrain).code, 0);
    let notice = next(&requests).json();
    assert_eq!(
        (&notice["occasion"], &notice["details"]["result"]),
        (&json!("unchanged"), &json!("nothing"))
    );
    std::fs::write(
        project.file("datasets/simulated/train_SIM001.txt"),
        "1 2 3\n",
    )
    .unwrap();
    assert_eq!(project.pdm(&retrain).code, 10);
    assert_eq!(next(&requests).json()["occasion"], "failure");
}

#[test]
fn a_busy_receiver_is_tried_again_and_a_deaf_one_costs_a_warning() {
    let (address, requests) =
        receiver(&["503 Service Unavailable", "429 Too Many Requests", "200 OK"]);
    let project = Project::with_pipeline(&webhook(&address, ""));
    let tested = project.json(&["notify", "test"]);
    assert_eq!(tested[0]["delivered"], true, "{tested:#}");
    let ids: Vec<_> = (0..3)
        .map(|_| {
            next(&requests)
                .header("x-pdm-ml-delivery")
                .unwrap()
                .to_owned()
        })
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");

    let (address, requests) = receiver(&["403 Forbidden"]);
    project.write("pdm.toml", webhook(&address, ""));
    let answer = project.pdm(&["run", "--notify"]);
    assert_eq!(answer.code, 0, "{answer:?}");
    let warning =
        format!("warning: cannot notify webhook {address}: the server answered 403 after 1 try");
    assert!(answer.stderr.contains(&warning), "{}", answer.stderr);
    assert!(!answer.stderr.contains("in-the-url"), "{}", answer.stderr);
    drop(requests);
    // The receiver has gone.
    let refused = project.pdm(&["gate", "--notify", "--set", "gate.0.value=0.5"]);
    assert_eq!(refused.code, 20, "{refused:?}");
    assert!(
        refused.stderr.contains("no answer after") && !refused.stderr.contains("in-the-url"),
        "{}",
        refused.stderr
    );
    let tested = project.pdm(&["notify", "test"]);
    assert_eq!(tested.code, 75, "{tested:?}");
}

#[test]
fn a_secret_that_is_missing_or_in_the_file_is_reported_and_not_shown() {
    let project = Project::with_pipeline(&webhook("https://plant.example", SIGNED));
    let answer = project.pdm(&["notify", "test"]);
    assert_eq!(answer.code, 1, "{answer:?}");
    assert!(
        answer
            .stdout
            .contains("the environment variable `PDM_HOOK_KEY` is not set"),
        "{}",
        answer.stdout
    );

    let mistakes = [
        "secret = \"hunter2\"",
        "secret = hunter2",
        "secert = \"hunter2\"",
        "secret = { env = \"hunter2 \" }",
        "secret = { key = \"hunter2\" }",
        "secret = [\"hunter2\"]",
    ];
    for mistake in mistakes {
        project.write("pdm.toml", webhook("https://plant.example", mistake));
        for args in [
            &["run"] as &[&str],
            &["run", "--format", "json"],
            &["gate", "--report", "github"],
        ] {
            let answer = project.pdm(args);
            assert_eq!(answer.code, 2, "{mistake}: {answer:?}");
            assert!(
                !format!("{answer:?}").contains("hunter2"),
                "{mistake}: {answer:?}"
            );
        }
    }
    project.write("pdm.toml", webhook("https://plant.example", mistakes[0]));
    let stderr = project.pdm(&["run"]).stderr;
    assert!(
        stderr.contains("write { env = \"NAME\" }") && stderr.contains("--> pdm.toml:"),
        "{stderr}"
    );
    project.write("pdm.toml", webhook("https://plant.example", ""));
    let answer = project.pdm(&["run", "--set", "notify.0.secret=hunter2"]);
    assert_eq!(answer.code, 2);
    assert!(!format!("{answer:?}").contains("hunter2"), "{answer:?}");
}

#[test]
fn a_shown_pipeline_holds_names_of_secrets_and_loads_again() {
    let text = format!(
        "{SMALL}\n[[notify]]\nkind = \"webhook\"\nurl = {{ env = \"CHAT_URL\" }}\n{SIGNED}\n\n[[notify]]\nkind = \"smtp\"\n\
         host = \"localhost\"\nfrom = \"a@plant.example\"\nto = [\"b@plant.example\"]\n{LOGIN}\n"
    );
    let project = Project::with_pipeline(&text);
    let variables = [("PDM_HOOK_KEY", KEY), ("PDM_MAIL_PASSWORD", PASSWORD)];
    let shown = pdm(&project, &["config", "show"], &variables);
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(
        shown.stdout.contains("CHAT_URL") && shown.stdout.contains("PDM_HOOK_KEY"),
        "{}",
        shown.stdout
    );
    project.write("again.toml", &shown.stdout);
    assert_eq!(
        project.pdm(&["config", "show", "again.toml"]).stdout,
        shown.stdout
    );
    assert_nowhere(&project, &[&shown], KEY);
}

/// A real mail server, which ends with this value.
struct MailServer {
    child: Child,
    output: BufReader<ChildStdout>,
    port: String,
}

impl MailServer {
    fn start(python: &Path, mode: &str, ca: &Path, more: &[&str]) -> Self {
        let mut child = Command::new(python)
            .arg(beside("mail_server.py"))
            .args([mode, ca.to_str().unwrap()])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut ready = String::new();
        output.read_line(&mut ready).unwrap();
        let port = ready.trim().strip_prefix("ready ").unwrap().to_owned();
        Self {
            child,
            output,
            port,
        }
    }

    fn mail(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

fn mail(server: &MailServer, more: &str) -> String {
    format!(
        "{SMALL}\n[[notify]]\nkind = \"smtp\"\nhost = \"localhost\"\nport = {}\nfrom = \"pdm-ml <pdm-ml@plant.example>\"\n\
         to = [\"Änne <anne@plant.example>\", \"bob@plant.example\"]\n{more}\n",
        server.port
    )
}

const LOGIN: &str = "username = \"pdm\"\npassword = { env = \"PDM_MAIL_PASSWORD\" }";

#[test]
#[ignore = "needs the readers of reports and mails; scripts/readers installs them"]
fn a_mail_is_encrypted_logs_in_and_holds_the_notice() {
    let python = readers();
    let project = Project::empty();
    let ca = project.file("ca.pem");
    let mut server = MailServer::start(&python, "starttls", &ca, &["pdm", PASSWORD]);
    project.write("pdm.toml", mail(&server, LOGIN));
    let variables = [
        ("PDM_MAIL_PASSWORD", PASSWORD),
        ("SSL_CERT_FILE", ca.to_str().unwrap()),
    ];
    let answer = pdm(&project, &["run", "--notify"], &variables);
    assert_eq!(
        (answer.code, answer.stderr.matches("warning").count()),
        (0, 0),
        "{answer:?}"
    );
    let taken = server.mail();
    assert_eq!(
        (&taken["encrypted"], &taken["authenticated"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(taken["from"], "pdm-ml@plant.example");
    assert_eq!(
        taken["to"],
        json!(["anne@plant.example", "bob@plant.example"])
    );
    let content = taken["content"].as_str().unwrap();
    for part in [
        "Subject: [pdm-ml] small/1 is champion\r\n",
        "Auto-Submitted: auto-generated",
        "notice.json",
        "version: small/1",
    ] {
        assert!(content.contains(part), "{part}: {content}");
    }
    assert_nowhere(&project, &[&answer], PASSWORD);

    let wrong = [
        ("PDM_MAIL_PASSWORD", "swordfish"),
        ("SSL_CERT_FILE", ca.to_str().unwrap()),
    ];
    let answer = pdm(&project, &["notify", "test"], &wrong);
    assert_eq!(answer.code, 1, "{answer:?}");
    assert!(
        answer.stdout.contains("535") && !format!("{answer:?}").contains("swordfish"),
        "{answer:?}"
    );
    // An untrusted authority.
    let answer = pdm(
        &project,
        &["run", "--notify", "--set", "gate.0.value=0.5"],
        &variables[..1],
    );
    assert_eq!(answer.code, 20, "{answer:?}");
    assert!(answer.stderr.contains("cannot notify "), "{answer:?}");
}

#[test]
#[ignore = "needs the readers of reports and mails; scripts/readers installs them"]
fn a_mail_server_may_encrypt_from_the_first_byte_or_be_on_this_machine() {
    let python = readers();
    let project = Project::empty();
    let ca = project.file("ca.pem");
    let trusted = [
        ("PDM_MAIL_PASSWORD", PASSWORD),
        ("SSL_CERT_FILE", ca.to_str().unwrap()),
    ];
    let mut server = MailServer::start(&python, "wrapper", &ca, &["pdm", PASSWORD]);
    project.write(
        "pdm.toml",
        mail(&server, &format!("tls = \"wrapper\"\n{LOGIN}")),
    );
    assert_eq!(pdm(&project, &["notify", "test"], &trusted).code, 0);
    assert_eq!(server.mail()["encrypted"], true);

    let mut busy = MailServer::start(&python, "plain", &ca, &["--busy-once"]);
    project.write("pdm.toml", mail(&busy, "tls = \"none\""));
    assert_eq!(project.pdm(&["notify", "test"]).code, 0);
    assert_eq!(busy.mail()["encrypted"], false);
    // It cannot encrypt, and nothing is sent to it unencrypted.
    project.write("pdm.toml", mail(&busy, LOGIN));
    let answer = pdm(&project, &["notify", "test"], &trusted);
    assert_ne!(answer.code, 0, "{answer:?}");
}

#[test]
fn an_alarm_of_a_prediction_is_notified_with_its_units() {
    let (address, requests) = receiver(&["200 OK", "200 OK", "200 OK", "200 OK", "200 OK"]);
    let project = Project::with_pipeline(&webhook(&address, "on = [\"alarm\", \"failure\"]"));
    project.json(&["run"]);
    let input = "datasets/simulated/test_SIM001.txt";
    let predict = |more: &[&str]| {
        project.pdm(
            &[
                &["predict", "-m", "small@champion", "-i", input, "--notify"],
                more,
            ]
            .concat(),
        )
    };
    assert_eq!(predict(&[]).code, 0);
    assert_eq!(
        predict(&["--alarm", "rul >= 0", "--unit", "3", "--unit", "5"]).code,
        32
    );
    let notice = next(&requests).json();
    assert_eq!(
        (&notice["occasion"], &notice["version"]),
        (&json!("alarm"), &json!("small/1"))
    );
    assert_eq!(notice["title"], "small: 2 of 2 units meet `rul >= 0`");
    assert!(
        notice["text"].as_str().unwrap().contains("unit 5, cycle"),
        "{notice:#}"
    );
    let alarms = notice["details"]["alarms"].as_array().unwrap();
    assert_eq!(
        alarms
            .iter()
            .map(|row| row["unit"].as_str().unwrap())
            .collect::<Vec<_>>(),
        ["3", "5"]
    );
    let bad = project.read(input).replacen("\n3 9 ", "\n3 x ", 1);
    project.write("bad.txt", bad);
    let answer = project.pdm(&[
        "predict",
        "-m",
        "small@champion",
        "-i",
        "bad.txt",
        "--notify",
    ]);
    assert_eq!(answer.code, 10, "{answer:?}");
    let notice = next(&requests).json();
    assert_eq!(
        (
            &notice["occasion"],
            &notice["details"]["skipped"][0]["unit"]
        ),
        (&json!("failure"), &json!("3"))
    );
    // An alarm does not hide what was left out: receivers of failures may not be receivers of alarms.
    let both = [
        "predict",
        "-m",
        "small@champion",
        "-i",
        "bad.txt",
        "--notify",
        "--alarm",
        "rul >= 0",
    ];
    assert_eq!(project.pdm(&both).code, 32);
    let (alarm, failure) = (next(&requests).json(), next(&requests).json());
    assert_eq!(
        (&alarm["occasion"], &failure["occasion"]),
        (&json!("alarm"), &json!("failure"))
    );
    assert_eq!(failure["title"], "small: 1 unit could not be predicted");
    project.write("pdm.toml", webhook(&address, "on = [\"failure\"]"));
    assert_eq!(project.pdm(&both).code, 32);
    assert_eq!(next(&requests).json()["occasion"], "failure");
}
