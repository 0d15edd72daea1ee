//! Tests of requests and answers.

use super::super::client::Idempotency;
use super::fake::{Fake, HASTY, closed_port, response};
use crate::tracking::*;

fn client(url: &str) -> MlflowClient {
    MlflowClient::new(url, Credentials::Anonymous, HASTY).unwrap()
}

fn get(url: &str) -> Result<serde_json::Value, TrackingError> {
    client(url).get("experiments/get", &[("name", "a b&c")])
}

#[test]
fn a_busy_server_is_asked_again() {
    for busy in [
        "408 Request Timeout",
        "429 Too Many Requests",
        "500 Oops",
        "502 X",
        "503 X",
        "504 X",
    ] {
        let server = Fake::answering(move |n| match n {
            0 => response(busy, "Retry-After: 0\r\n", ""),
            1 => String::new(),
            _ => response("200 OK", "", "{\"ok\":1}"),
        });
        assert_eq!(get(&server.url).unwrap()["ok"], 1);
        assert_eq!(server.requests(), 3);
        assert!(
            server.heads.lock().unwrap()[0]
                .starts_with("GET /api/2.0/mlflow/experiments/get?name=a+b%26c HTTP/1.1")
        );
    }
}

#[test]
fn what_creates_is_sent_once_and_refusals_are_final() {
    let server = Fake::answering(|_| response("503 Busy", "", ""));
    client(&server.url)
        .post::<serde_json::Value>("runs/create", &1, Idempotency::NotIdempotent)
        .unwrap_err();
    assert_eq!(server.requests(), 1);
    let refusing = Fake::answering(|_| {
        response(
            "400 Bad Request",
            "",
            r#"{"error_code":"X","message":"no"}"#,
        )
    });
    assert!(matches!(
        get(&refusing.url),
        Err(TrackingError::Refused { status: 400, .. })
    ));
    assert_eq!(refusing.requests(), 1);
    let patient = Fake::answering(|_| {
        response(
            "429 Slow Down",
            "Retry-After: Wed, 01 Jan 2098 00:00:00 GMT\r\n",
            "",
        )
    });
    assert!(matches!(
        get(&patient.url),
        Err(TrackingError::Refused { status: 429, .. })
    ));
    assert_eq!(
        patient.requests(),
        1,
        "a wait longer than ours ends the tries"
    );
}

#[test]
fn errors_say_who_answered_what() {
    let error_of = |status: &'static str, headers: &'static str, body: &'static str| {
        let server = Fake::answering(move |_| response(status, headers, body));
        let error = get(&server.url).unwrap_err();
        (error.to_string().replace(&server.url, "URL"), error.hint())
    };
    let asked = "GET URL/api/2.0/mlflow/experiments/get?name=a+b%26c";
    let (text, _) = error_of(
        "404 Not Found",
        "",
        r#"{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"no such thing"}"#,
    );
    assert_eq!(
        text,
        format!("{asked} answered 404 RESOURCE_DOES_NOT_EXIST: no such thing")
    );
    let (text, hint) = error_of("401 Unauthorized", "", "You are not authenticated.");
    assert_eq!(
        text,
        format!("{asked} answered 401: You are not authenticated.")
    );
    assert!(hint.unwrap().contains("token_env"));
    let (text, hint) = error_of(
        "404 Not Found",
        "",
        "<!doctype html>\n<title>404</title><h1>Not  here</h1>",
    );
    assert_eq!(text, format!("{asked} answered 404: 404 Not here"));
    assert!(hint.unwrap().contains("mlflow_url"));
    let (text, hint) = error_of("200 OK", "", "<html>Log in</html>");
    assert_eq!(
        text,
        format!("the answer to {asked} is not from an MLflow server: Log in")
    );
    assert!(hint.unwrap().contains("mlflow_url"));
    let (text, _) = error_of(
        "301 Moved Permanently",
        "Location: https://elsewhere/\r\n",
        "",
    );
    assert_eq!(
        text,
        format!("{asked} answered 301: moved to https://elsewhere/")
    );
    let (text, _) = error_of("403 Forbidden", "", "");
    assert_eq!(text, format!("{asked} answered 403: Forbidden"));
}

#[test]
fn silence_ends_in_an_error_with_its_cause() {
    for url in [closed_port(), Fake::hanging().url] {
        let error = get(&url).unwrap_err();
        assert!(
            matches!(&error, TrackingError::Unreachable { .. }),
            "{error}"
        );
        assert!(error.in_one_line().len() > error.to_string().len() && error.is_transient());
    }
}

#[test]
fn credentials_go_into_the_header_and_nowhere_else() {
    let token = || Credentials::Token(Secret::new("s3cret\n"));
    let password = Credentials::Password {
        username: "ann".into(),
        password: Secret::new("s3cret"),
    };
    // RFC 7617: base64 of `ann:s3cret`.
    for (credentials, header) in [
        (token(), "Bearer s3cret"),
        (password, "Basic YW5uOnMzY3JldA=="),
    ] {
        let server = Fake::answering(|_| response("403 Forbidden", "", "no"));
        let client = MlflowClient::new(&server.url, credentials, HASTY).unwrap();
        let error = client.get::<serde_json::Value>("x", &[]).unwrap_err();
        assert!(
            server.heads.lock().unwrap()[0]
                .to_lowercase()
                .contains(&format!("authorization: {header}").to_lowercase())
        );
        assert!(!format!("{error} {error:?} {client:?}").contains("s3cret"));
    }
    let broken = Credentials::Token(Secret::new("two words"));
    assert!(matches!(
        MlflowClient::new("http://h", broken, HASTY),
        Err(TrackingError::Credentials { .. })
    ));
}

#[test]
fn an_answer_that_ends_too_early_is_asked_for_again() {
    let server = Fake::answering(|n| match n {
        0 => {
            "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{\"ok\":".to_owned()
        }
        1 => response("200 OK", "", "{\"ok\":"),
        _ => response("200 OK", "", "{\"ok\":1}"),
    });
    assert_eq!(get(&server.url).unwrap()["ok"], 1);
    assert_eq!(server.requests(), 3);
    let always = Fake::answering(|_| response("200 OK", "", "{\"ok\":"));
    let error = get(&always.url).unwrap_err();
    assert!(
        matches!(error, TrackingError::CutShort { .. }) && error.is_transient(),
        "{error}"
    );
}

/// A client that sends files of 10 bytes and more in parts of 4.
fn in_parts(url: &str) -> MlflowClient {
    let options = TrackingOptions {
        mlflow_url: url.into(),
        ..Default::default()
    };
    let variable = |name: &str| match name {
        "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE" => Some("10".to_owned()),
        "MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE" => Some("4".to_owned()),
        _ => None,
    };
    options.mlflow(variable, HASTY).unwrap().unwrap()
}

#[test]
fn a_large_file_goes_in_parts_straight_to_the_store() {
    // The second part fails at first.
    let store = Fake::answering(|n| match n {
        1 => response("503 Busy", "", ""),
        n => response("200 OK", &format!("ETag: \"{n}\"\r\n"), ""),
    });
    let part = |number: usize| {
        format!(
            r#"{{"url":"{}/up?part={number}","part_number":{number},"headers":{{"x-a":"b"}}}}"#,
            store.url
        )
    };
    let begun = format!(
        r#"{{"upload_id":"u","credentials":[{},{},{}]}}"#,
        part(1),
        part(2),
        part(3)
    );
    let server =
        Fake::answering(move |n| response("200 OK", "", if n == 0 { &begun } else { "{}" }));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("f");
    std::fs::write(&file, "abcdefghij").unwrap();
    in_parts(&server.url)
        .upload("1/run/artifacts/model/f", &file)
        .unwrap();

    let heads = server.heads.lock().unwrap();
    assert!(
        heads[0]
            .starts_with("POST /api/2.0/mlflow-artifacts/mpu/create/1/run/artifacts/model HTTP"),
        "{heads:?}"
    );
    assert!(
        heads[1]
            .starts_with("POST /api/2.0/mlflow-artifacts/mpu/complete/1/run/artifacts/model HTTP"),
        "{heads:?}"
    );
    let bodies = server.bodies.lock().unwrap();
    let sent: Vec<serde_json::Value> = bodies
        .iter()
        .map(|body| serde_json::from_slice(body).unwrap())
        .collect();
    assert_eq!(sent[0], serde_json::json!({"path": "f", "num_parts": 3}));
    let parts = sent[1]["parts"].as_array().unwrap();
    assert_eq!(
        parts
            .iter()
            .map(|part| part["part_number"].as_u64().unwrap())
            .collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert!(
        parts
            .iter()
            .all(|part| !part["etag"].as_str().unwrap().is_empty()),
        "{parts:?}"
    );
    // Whichever thread sent them: each part once, except the one that failed.
    let mut sent: Vec<_> = store
        .bodies
        .lock()
        .unwrap()
        .iter()
        .map(|body| String::from_utf8(body.clone()).unwrap())
        .collect();
    sent.sort();
    sent.dedup();
    assert_eq!(
        (sent, store.requests()),
        (["abcd", "efgh", "ij"].map(str::to_owned).to_vec(), 4)
    );
    let heads = store.heads.lock().unwrap();
    assert!(
        heads
            .iter()
            .all(|head| head.contains("x-a: b") && !head.to_lowercase().contains("authorization"))
    );
}

#[test]
fn a_large_file_goes_whole_where_parts_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("f");
    std::fs::write(&file, "abcdefghij").unwrap();
    let whole = |answers: fn(usize, &str) -> String, requests: usize| {
        let unreachable = closed_port();
        let server = Fake::answering(move |n| answers(n, &unreachable));
        in_parts(&server.url)
            .upload("1/run/artifacts/f", &file)
            .unwrap();
        let heads = server.heads.lock().unwrap();
        assert_eq!(heads.len(), requests, "{heads:?}");
        assert!(
            heads
                .last()
                .unwrap()
                .starts_with("PUT /api/2.0/mlflow-artifacts/artifacts/1/run/artifacts/f HTTP")
        );
        assert_eq!(server.bodies.lock().unwrap().last().unwrap(), b"abcdefghij");
    };
    whole(
        |n, _| {
            response(
                if n == 0 {
                    "501 Not Implemented"
                } else {
                    "200 OK"
                },
                "",
                "{}",
            )
        },
        2,
    );
    // The addresses lead nowhere: the upload is given up, then the file goes whole.
    let dead = |n: usize, at: &str| match n {
        0 => {
            let part = |number| format!(r#"{{"url":"{at}/p?s=1","part_number":{number}}}"#);
            response(
                "200 OK",
                "",
                &format!(
                    r#"{{"upload_id":"u","credentials":[{},{},{}]}}"#,
                    part(1),
                    part(2),
                    part(3)
                ),
            )
        }
        _ => response("200 OK", "", "{}"),
    };
    whole(dead, 3);
}
