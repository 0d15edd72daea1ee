//! Spans and metrics to an OpenTelemetry collector: decoded by OpenTelemetry's own Python package, and taken by a real
//! MLflow server, which stores traces.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::needs::{mlflow_url, python};
use crate::project::{Project, SMALL};

const DECODE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/otlp_decode.py");
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// What was posted: the request line and headers, and the body.
struct Posted {
    head: String,
    body: Vec<u8>,
}

/// A collector that takes everything with `status`, and passes it on.
fn collector(status: &'static str) -> (String, Receiver<Posted>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, posted) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let sender = sender.clone();
            std::thread::spawn(move || {
                while let Some(request) = read(&stream) {
                    let _gone = sender.send(request);
                    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
                    (&stream).write_all(answer.as_bytes()).unwrap();
                }
            });
        }
    });
    (address, posted)
}

fn read(mut stream: &TcpStream) -> Option<Posted> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| {
        line.to_ascii_lowercase()
            .strip_prefix("content-length: ")?
            .parse()
            .ok()
    });
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    Some(Posted { head, body })
}

/// Decodes bodies as OpenTelemetry's own package understands them: `traces` or `metrics`.
fn decode(python: &Path, kind: &str, bodies: &[Posted], project: &Project) -> Vec<Value> {
    let decoded = bodies.iter().map(|posted| {
        project.write("body", &posted.body);
        let output = Command::new(python)
            .args([DECODE, kind])
            .arg(project.file("body"))
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    });
    decoded.collect()
}

fn spans(requests: &[Value]) -> Vec<Value> {
    let scopes = requests
        .iter()
        .flat_map(|request| request["resourceSpans"].as_array().unwrap());
    let spans = scopes.flat_map(|resource| resource["scopeSpans"].as_array().unwrap());
    spans
        .flat_map(|scope| scope["spans"].as_array().unwrap())
        .cloned()
        .collect()
}

fn attribute<'a>(of: &'a Value, key: &str) -> Option<&'a Value> {
    let found = of["attributes"]
        .as_array()?
        .iter()
        .find(|attribute| attribute["key"] == key)?;
    found["value"].as_object()?.values().next()
}

#[test]
#[ignore = "needs a Python with mlflow and onnxruntime; scripts/test installs one"]
fn the_run_s_spans_and_metrics_reach_a_collector() {
    let python = python();
    let project = Project::with_pipeline(SMALL);
    let (address, posted) = collector("200 OK");
    let answer = project
        .command(&["run", "--log-format", "json", "--log-level", "debug"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &address)
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=hunter2")
        .env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=plant-7")
        .env("TRACEPARENT", format!("00-{TRACE}-{PARENT}-01"))
        .output()
        .unwrap();
    let log = String::from_utf8(answer.stderr).unwrap();
    assert!(
        answer.status.success()
            && !log.contains("hunter2")
            && !log.contains("not everything could be sent"),
        "{log}"
    );

    let posted: Vec<_> = posted.try_iter().collect();
    assert!(posted.iter().all(|posted| {
        posted
            .head
            .to_ascii_lowercase()
            .contains("x-api-key: hunter2")
    }));
    let (traces, metrics): (Vec<_>, Vec<_>) = posted
        .into_iter()
        .partition(|p| p.head.starts_with("POST /v1/traces "));
    assert!(
        metrics
            .iter()
            .all(|posted| posted.head.starts_with("POST /v1/metrics "))
    );

    let traces = decode(&python, "traces", &traces, &project);
    let resource = &traces[0]["resourceSpans"][0]["resource"];
    assert_eq!(attribute(resource, "service.name").unwrap(), "pdm-ml");
    assert_eq!(
        attribute(resource, "deployment.environment").unwrap(),
        "plant-7"
    );
    let spans = spans(&traces);
    let named = |name: &str| {
        spans
            .iter()
            .find(|span| span["name"] == name)
            .unwrap_or_else(|| panic!("{name}: {spans:#?}"))
    };
    assert!(
        spans.iter().all(|span| span["traceId"] == TRACE),
        "{spans:#?}"
    );
    let command = named("pdm-ml run");
    assert_eq!(command["parentSpanId"], PARENT);
    assert_eq!(
        (
            attribute(command, "pipeline").unwrap(),
            attribute(command, "exit_code").unwrap()
        ),
        (&"small".into(), &"0".into())
    );
    let train = named("stage train");
    assert_eq!(train["parentSpanId"], command["spanId"]);
    assert_eq!(named("part fold-1")["parentSpanId"], train["spanId"]);
    assert!(attribute(train, "summary").is_some());
    let time = |span: &Value, key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
    assert!(time(command, "startTimeUnixNano") <= time(train, "startTimeUnixNano"));
    assert!(time(train, "endTimeUnixNano") <= time(command, "endTimeUnixNano"));

    let metrics = serde_json::to_string(&decode(&python, "metrics", &metrics, &project)).unwrap();
    for name in [
        "pdm_ml.run.duration",
        "pdm_ml.stage.duration",
        "pdm_ml.score",
        "pdm_ml.exit_code",
        "pdm_ml.champion.version",
    ] {
        assert!(
            metrics.contains(&format!("\"name\":\"{name}\"")),
            "{name}: {metrics}"
        );
    }
}

#[test]
fn a_collector_that_is_dead_or_silent_fails_nothing_and_is_not_waited_for() {
    // Takes connections, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = (format!("http://{}", silent.local_addr().unwrap()), silent);
    let (refusing, _posted) = collector("401 Unauthorized");
    for (address, why) in [
        ("http://127.0.0.1:9", "onnection refused"),
        (silent.0.as_str(), "no answer within 2 s"),
        (refusing.as_str(), "/v1/traces returned 401"),
        (
            "not a url",
            "no traces or metrics are sent to OpenTelemetry",
        ),
    ] {
        let project = Project::with_pipeline(SMALL);
        assert_eq!(project.pdm(&["run"]).code, 0);
        let begun = Instant::now();
        let output = project
            .command(&["run"])
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", address)
            .output()
            .unwrap();
        let (words, elapsed) = (String::from_utf8(output.stderr).unwrap(), begun.elapsed());
        assert!(
            output.status.success() && words.contains(why),
            "{address}: {words}"
        );
        assert_eq!(words.matches("OpenTelemetry").count(), 1, "{words}");
        // Without a collector it takes a twentieth of a second; the limit is 2 s.
        assert!(elapsed < Duration::from_secs(4), "{address}: {elapsed:?}");
    }
}

#[test]
#[ignore = "needs an MLflow server; scripts/test starts one"]
fn mlflow_takes_the_trace_of_a_run() {
    let python = python();
    let url = mlflow_url();
    let project = Project::with_pipeline(SMALL);
    let trace: String = format!(
        "{:032x}",
        0x0af7_6519_16cd_43dd_8448_eb21_0000_0000_u128 + u128::from(std::process::id())
    );
    let answer = project
        .command(&["run"])
        .env(
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            format!("{url}/v1/traces"),
        )
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-mlflow-experiment-id=0")
        .env("TRACEPARENT", format!("00-{trace}-{PARENT}-01"))
        .output()
        .unwrap();
    let words = String::from_utf8(answer.stderr).unwrap();
    assert!(
        answer.status.success() && !words.contains("not everything could be sent"),
        "{words}"
    );
    let read = Command::new(python)
        .args([DECODE, "mlflow", &url, &trace])
        .output()
        .unwrap();
    assert!(
        read.status.success(),
        "{}",
        String::from_utf8_lossy(&read.stderr)
    );
    let names: Vec<String> = serde_json::from_slice(&read.stdout).unwrap();
    for name in ["pdm-ml run", "stage train", "part fold-1", "stage promote"] {
        assert!(
            names.iter().any(|found| found == name),
            "{name} of {names:?}"
        );
    }
}
