//! What watches a run from outside: log lines, metrics for Prometheus, the timeline, OpenTelemetry.

use std::path::Path;

use serde_json::Value;

use crate::needs::program;
use crate::project::{Answer, Project, SMALL};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// Runs the command with more in its environment.
fn with(project: &Project, variables: &[(&str, &str)], args: &[&str]) -> Answer {
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

/// Reads a log of one JSON object a line, each with what every line must have.
fn lines(log: &str) -> Vec<Value> {
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect();
    for line in &lines {
        let time = line["timestamp"].as_str().unwrap();
        assert!(
            time.ends_with('Z') && time.parse::<jiff::Timestamp>().is_ok(),
            "{time} is not RFC 3339"
        );
        assert!(
            ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"].contains(&line["level"].as_str().unwrap()),
            "{line}"
        );
        assert!(
            line["message"].is_string() && line["target"].as_str().unwrap().starts_with("pdm_ml"),
            "{line}"
        );
    }
    lines
}

fn find<'a>(lines: &'a [Value], begin: &str) -> &'a Value {
    let says = |line: &&Value| line["message"].as_str().unwrap().starts_with(begin);
    lines
        .iter()
        .find(says)
        .unwrap_or_else(|| panic!("no line begins with `{begin}`: {lines:#?}"))
}

#[test]
fn a_log_in_json_shows_where_each_line_belongs() {
    let project = Project::with_pipeline(SMALL);
    let traceparent = format!("00-{TRACE}-{PARENT}-01");
    let answer = with(
        &project,
        &[("TRACEPARENT", &traceparent)],
        &["run", "--log-format", "json", "--format", "json"],
    );
    assert_eq!(answer.code, 0, "{answer:?}");
    let outcome: Value =
        serde_json::from_str(&answer.stdout).expect("standard output holds the data alone");
    let lines = lines(&answer.stderr);
    assert!(
        lines.iter().all(|line| line["trace_id"] == TRACE),
        "{lines:#?}"
    );

    let began = find(&lines, "stage train begins");
    let ended = find(&lines, "stage train ended");
    for line in [began, ended] {
        assert_eq!(
            (&line["pipeline"], &line["stage"], &line["level"]),
            (&"small".into(), &"train".into(), &"INFO".into())
        );
        assert_eq!(line["run"], outcome["run"]);
    }
    assert!(
        began["why"].is_string() && ended["elapsed_ms"].is_u64() && ended["summary"].is_string()
    );
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["message"], &last["exit_code"]),
        (&"pdm-ml run ended well".into(), &0.into())
    );
    assert!(last["elapsed_ms"].as_u64().unwrap() >= ended["elapsed_ms"].as_u64().unwrap());
    // Metrics and parts of fits are for those who ask for them.
    assert!(
        lines
            .iter()
            .all(|line| line["level"] == "INFO" && line.get("part").is_none()),
        "{lines:#?}"
    );

    let again = project.pdm(&["run", "--log-format=json", "--log-level", "debug"]);
    let again = self::lines(&again.stderr);
    assert_eq!(
        find(&again, "stage train is not run")["why"],
        "inputs and options are unchanged"
    );
    assert_ne!(again[0]["trace_id"], TRACE);
    let quiet = project.pdm(&["run", "--log-format", "json", "--quiet"]);
    assert_eq!(quiet.stderr, "");
}

#[test]
fn debug_shows_parts_metrics_and_requests() {
    let project = Project::with_pipeline(SMALL);
    let set = "tracking.mlflow_url=http://127.0.0.1:9/";
    let answer = with(
        &project,
        &[("PDM_ML_LOG", "debug"), ("PDM_ML_LOG_FORMAT", "json")],
        &["run", "--set", set],
    );
    assert_eq!(answer.code, 0, "{answer:?}");
    let lines = lines(&answer.stderr);
    let part = find(&lines, "part fold-1 ended");
    assert_eq!(
        (&part["part"], &part["stage"]),
        (&"fold-1".into(), &"train".into())
    );
    let metric = find(&lines, "metric judged/rmse");
    assert!(metric["value"].is_f64() && metric["step"] == 0, "{metric}");
    let request = find(&lines, "GET 127.0.0.1/");
    assert_eq!(
        (&request["target"], &request["method"]),
        (&"pdm_ml::http".into(), &"GET".into())
    );
    assert!(
        request["elapsed_ms"].is_f64() && request.get("status").is_none(),
        "{request}"
    );

    let project = Project::with_pipeline(SMALL);
    let text = project.pdm(&["run", "--log-level", "pdm_ml=debug"]).stderr;
    assert!(
        text.lines()
            .any(|line| line.contains(" DEBUG metric judged/rmse = ")),
        "{text}"
    );
    assert!(!text.contains('{') && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn without_options_the_messages_are_unchanged() {
    let project = Project::with_pipeline(SMALL);
    let plain = project.pdm(&["run"]);
    assert_eq!(plain.code, 0, "{plain:?}");
    assert!(
        !plain.stderr.contains("INFO") && !plain.stderr.contains("timestamp"),
        "{}",
        plain.stderr
    );
}

#[test]
fn a_failure_is_logged_once_with_its_exit_code() {
    let project = Project::with_pipeline(&SMALL.replace("seed = 7", "sede = 7"));
    let answer = project.pdm(&["run", "--log-format", "json"]);
    let [only] = &lines(&answer.stderr)[..] else {
        panic!("{}", answer.stderr)
    };
    assert_eq!(
        (answer.code, &only["level"], &only["exit_code"]),
        (2, &"ERROR".into(), &2.into())
    );
    assert!(
        only["detail"].as_str().unwrap().contains("pdm.toml:6:1"),
        "{only}"
    );
    assert_eq!(only["code"], "E0107");

    let project = Project::with_pipeline(SMALL);
    let answer = project.pdm(&[
        "run",
        "--log-format",
        "json",
        "--set",
        "dataset.kind=cmapss",
        "--set",
        "dataset.subset=FD001",
    ]);
    let logged = lines(&answer.stderr);
    assert_eq!(
        logged
            .iter()
            .filter(|line| line["level"] == "ERROR")
            .count(),
        1,
        "{logged:#?}"
    );
    let last = logged.last().unwrap();
    assert_eq!(
        (&last["exit_code"], last["level"].as_str()),
        (&answer.code.into(), Some("ERROR")),
        "{last}"
    );

    for args in [
        &["run", "--log-format", "json", "--nonsense"] as &[&str],
        &["run", "--log-format=json", "--log-level=loud"],
    ] {
        let refused = project.pdm(args);
        let [only] = &lines(&refused.stderr)[..] else {
            panic!("{}", refused.stderr)
        };
        assert_eq!(
            (refused.code, &only["exit_code"], &only["level"]),
            (2, &2.into(), &"ERROR".into())
        );
        assert_eq!(only["code"], "E0150");
    }
    let refused = with(&project, &[("PDM_ML_LOG_FORMAT", "xml")], &["runs", "list"]);
    assert_eq!(refused.code, 2);
    assert!(
        refused.stderr.contains("PDM_ML_LOG_FORMAT is `xml`"),
        "{}",
        refused.stderr
    );

    let project = Project::with_pipeline(&SMALL.replace("value = 120.0", "value = 0.1"));
    let answer = project.pdm(&["gate", "--log-format", "json"]);
    let last = lines(&answer.stderr).pop().unwrap();
    assert_eq!(
        (answer.code, &last["level"], &last["exit_code"]),
        (20, &"WARN".into(), &20.into()),
        "{last}"
    );
}

#[test]
fn nothing_logged_holds_a_secret() {
    let project = Project::with_pipeline(SMALL);
    let set = "tracking.mlflow_url=http://ann:hunter2@127.0.0.1:9/?token=hunter3";
    let refused = project.pdm(&["run", "--log-format", "json", "--set", set]);
    assert!(
        refused.stderr.contains("http://***@127.0.0.1:9/?token=***"),
        "{}",
        refused.stderr
    );
    assert!(
        refused.code == 2 && !refused.stderr.contains("hunter"),
        "{refused:?}"
    );
    for (format, server) in [
        ("json", "http://127.0.0.1:9/"),
        ("text", "http://127.0.0.1:9/"),
        ("json", "http://ann:hunter2@127.0.0.1:9/?token=hunter3"),
        ("text", "http://ann:hunter2@127.0.0.1:9/?token=hunter3"),
    ] {
        let secrets = [
            ("MLFLOW_TRACKING_TOKEN", "hunter4"),
            ("AWS_SECRET_ACCESS_KEY", "hunter5"),
        ];
        let variables = [&secrets[..], &[("MLFLOW_TRACKING_URI", server)]].concat();
        let answer = with(
            &project,
            &variables,
            &[
                "run",
                "--log-level",
                "trace",
                "--log-format",
                format,
                "--force",
            ],
        );
        assert_eq!(answer.code, 0, "{answer:?}");
        assert!(
            answer.stderr.contains("stage train ended") && !answer.stderr.contains("hunter"),
            "{}",
            answer.stderr
        );
    }
}

/// Returns the value of a metric, by its name and all its labels.
fn metric(file: &Path, metric: &str) -> Option<f64> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines()
        .find_map(|line| line.strip_prefix(metric)?.strip_prefix(' ')?.parse().ok())
}

#[test]
fn metrics_for_prometheus_show_how_the_last_job_ended() {
    let project = Project::with_pipeline(SMALL);
    let file = project.file("metrics/pdm_ml.prom");
    let run = |args: &[&str]| {
        with(
            &project,
            &[("PDM_ML_METRICS_FILE", "metrics/pdm_ml.prom")],
            args,
        )
    };
    assert_eq!(run(&["plan"]).code, 0);
    assert!(!file.exists(), "only jobs write metrics");
    assert_eq!(run(&["run"]).code, 0);
    let value = |name: &str| metric(&file, name);
    let of = |name: &str| value(&format!("{name}{{pipeline=\"small\"}}"));
    assert_eq!(
        (of("pdm_ml_exit_code"), of("pdm_ml_champion_version")),
        (Some(0.0), Some(1.0))
    );
    let succeeded = of("pdm_ml_last_success_timestamp_seconds").unwrap();
    let now = jiff::Timestamp::now().as_second() as f64;
    assert!(
        (now - succeeded).abs() < 600.0
            && of("pdm_ml_champion_timestamp_seconds").unwrap() <= succeeded
    );
    assert!(value("pdm_ml_stage_duration_seconds{pipeline=\"small\",stage=\"train\"}").is_some());
    assert_eq!(
        value("pdm_ml_gate_verdict{pipeline=\"small\",verdict=\"pass\"}"),
        Some(1.0)
    );
    let rmse = |bound| {
        value(&format!(
            "pdm_ml_score{{pipeline=\"small\",metric=\"rmse\",part=\"test\",bound=\"{bound}\"}}"
        ))
    };
    let (lower, rmse_now, upper) = (
        rmse("lower").unwrap(),
        rmse("value").unwrap(),
        rmse("upper").unwrap(),
    );
    assert!(lower < rmse_now && rmse_now < upper);

    // A gate that says no is no success, and its scores are the newest.
    project.write("pdm.toml", SMALL.replace("value = 120.0", "value = 0.1"));
    assert_eq!(run(&["gate"]).code, 20);
    assert_eq!(of("pdm_ml_last_success_timestamp_seconds"), Some(succeeded));
    assert!(of("pdm_ml_last_run_timestamp_seconds").unwrap() > succeeded);
    assert_eq!(
        (of("pdm_ml_exit_code"), of("pdm_ml_champion_version")),
        (Some(20.0), Some(1.0))
    );
    assert_eq!(
        value("pdm_ml_gate_verdict{pipeline=\"small\",verdict=\"fail\"}"),
        Some(1.0)
    );

    // A pipeline that cannot be read has no name; the file knows only one.
    project.write("pdm.toml", "version = 1\nnonsense");
    assert_eq!(run(&["run"]).code, 2);
    assert_eq!(
        (of("pdm_ml_exit_code"), rmse("value")),
        (Some(2.0), Some(rmse_now))
    );

    // A failure to write metrics does not change the result of the command.
    project.write("pdm.toml", SMALL);
    project.write("taken.prom", "up 1\n");
    let answer = project.pdm(&["run", "--metrics-file", "taken.prom"]);
    assert_eq!(answer.code, 0, "{answer:?}");
    assert!(
        answer.stderr.contains(
            "the metrics are not written: line 1 of `taken.prom` was not written by pdm-ml"
        ),
        "{}",
        answer.stderr
    );
    assert_eq!(project.read("taken.prom"), "up 1\n");
}

#[test]
#[ignore = "needs promtool; apt-get install prometheus"]
fn promtool_accepts_the_metrics() {
    let project = Project::with_pipeline(SMALL);
    let file = project.file("pdm_ml.prom");
    let answer = project.pdm(&["run", "--metrics-file", "pdm_ml.prom"]);
    assert_eq!(answer.code, 0, "{answer:?}");
    let checked = program("promtool", "prometheus")
        .args(["check", "metrics"])
        .stdin(std::fs::File::open(&file).unwrap())
        .output()
        .unwrap();
    assert!(
        checked.status.success() && checked.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
}

#[test]
fn a_run_s_timeline_is_a_chrome_trace() {
    let project = Project::with_pipeline(SMALL);
    let outcome = project.json(&[
        "run",
        "--set",
        "model.kind=gbdt",
        "--set",
        "model.rounds=20",
        "--set",
        "train.seeds=2",
    ]);
    let run = outcome["run"].as_str().unwrap();
    assert_eq!(
        project
            .pdm(&["runs", "trace", run, "--out", "out/trace.json"])
            .code,
        0
    );
    let written = project.read("out/trace.json");
    let printed = project.pdm(&["runs", "trace", &run[..30]]);
    assert_eq!(
        (printed.code, printed.stdout.trim_end()),
        (0, written.as_str())
    );

    let trace: Value = serde_json::from_str(&written).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let of = |cat: &str, ph: &str| {
        events
            .iter()
            .filter(|e| e["cat"] == cat && e["ph"] == ph)
            .collect::<Vec<_>>()
    };
    let [whole] = of("run", "X")[..] else {
        panic!("{trace:#}")
    };
    let end = |slice: &Value| slice["ts"].as_u64().unwrap() + slice["dur"].as_u64().unwrap();
    for slice in of("stage", "X").into_iter().chain(of("part", "X")) {
        assert!(end(slice) <= end(whole), "{slice} ends after the run");
    }
    let train = of("stage", "X")
        .into_iter()
        .find(|slice| slice["name"] == "train")
        .unwrap();
    let folds: Vec<_> = of("part", "X")
        .into_iter()
        .filter(|part| part["name"].as_str().unwrap().starts_with("fold-1"))
        .collect();
    assert_eq!(folds.len(), 3, "a fold and its two seeds");
    for part in &folds {
        assert!(
            part["ts"].as_u64() >= train["ts"].as_u64() && end(part) <= end(train),
            "{part} is within training"
        );
    }
    assert!(!of("metric", "C").is_empty());
    let unknown = project.pdm(&["runs", "trace", "ffff"]);
    assert_eq!(unknown.code, 1, "{unknown:?}");
}

#[cfg(not(feature = "otlp"))]
#[test]
fn a_program_without_opentelemetry_says_so_once() {
    let project = Project::with_pipeline(SMALL);
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")];
    let answer = with(&project, &variables, &["run"]);
    assert_eq!(
        (
            answer.code,
            answer.stderr.matches("--features otlp").count()
        ),
        (0, 1),
        "{answer:?}"
    );
    assert_eq!(with(&project, &variables, &["runs", "list"]).stderr, "");
}
