use super::super::client::Repeat;
use super::fake::{Fake, HASTY, nobody, response};
use crate::tracking::*;

fn client(url: &str) -> MlflowClient {
    MlflowClient::new(url, Credentials::Anonymous, HASTY).unwrap()
}

fn get(url: &str) -> Result<serde_json::Value, TrackingError> {
    client(url).get("experiments/get", &[("name", "a b&c")])
}

#[test]
fn a_busy_server_is_asked_again() {
    for busy in ["408 Request Timeout", "429 Too Many Requests", "500 Oops", "502 X", "503 X", "504 X"] {
        let server = Fake::answering(move |n| match n {
            0 => response(busy, "Retry-After: 0\r\n", ""),
            1 => String::new(),
            _ => response("200 OK", "", "{\"ok\":1}"),
        });
        assert_eq!(get(&server.url).unwrap()["ok"], 1);
        assert_eq!(server.requests(), 3);
        assert!(
            server.heads.lock().unwrap()[0].starts_with("GET /api/2.0/mlflow/experiments/get?name=a+b%26c HTTP/1.1")
        );
    }
}

#[test]
fn what_creates_is_sent_once_and_refusals_are_final() {
    let server = Fake::answering(|_| response("503 Busy", "", ""));
    client(&server.url).post::<serde_json::Value>("runs/create", &1, Repeat::Never).unwrap_err();
    assert_eq!(server.requests(), 1);
    let refusing = Fake::answering(|_| response("400 Bad Request", "", r#"{"error_code":"X","message":"no"}"#));
    assert!(matches!(get(&refusing.url), Err(TrackingError::Refused { status: 400, .. })));
    assert_eq!(refusing.requests(), 1);
    let patient = Fake::answering(|_| response("429 Slow Down", "Retry-After: Wed, 01 Jan 2098 00:00:00 GMT\r\n", ""));
    assert!(matches!(get(&patient.url), Err(TrackingError::Refused { status: 429, .. })));
    assert_eq!(patient.requests(), 1, "a wait longer than ours ends the tries");
}

#[test]
fn errors_say_who_answered_what() {
    let said = |status: &'static str, headers: &'static str, body: &'static str| {
        let server = Fake::answering(move |_| response(status, headers, body));
        let error = get(&server.url).unwrap_err();
        (error.to_string().replace(&server.url, "URL"), error.hint())
    };
    let asked = "GET URL/api/2.0/mlflow/experiments/get?name=a+b%26c";
    let (text, _) = said("404 Not Found", "", r#"{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"no such thing"}"#);
    assert_eq!(text, format!("{asked} answered 404 RESOURCE_DOES_NOT_EXIST: no such thing"));
    let (text, hint) = said("401 Unauthorized", "", "You are not authenticated.");
    assert_eq!(text, format!("{asked} answered 401: You are not authenticated."));
    assert!(hint.unwrap().contains("token_env"));
    let (text, hint) = said("404 Not Found", "", "<!doctype html>\n<title>404</title><h1>Not  here</h1>");
    assert_eq!(text, format!("{asked} answered 404: 404 Not here"));
    assert!(hint.unwrap().contains("mlflow_url"));
    let (text, hint) = said("200 OK", "", "<html>Log in</html>");
    assert_eq!(text, format!("{asked} did not answer as MLflow does: Log in"));
    assert!(hint.unwrap().contains("mlflow_url"));
    let (text, _) = said("301 Moved Permanently", "Location: https://elsewhere/\r\n", "");
    assert_eq!(text, format!("{asked} answered 301: moved to https://elsewhere/"));
    let (text, _) = said("403 Forbidden", "", "");
    assert_eq!(text, format!("{asked} answered 403: Forbidden"));
}

#[test]
fn silence_ends_in_an_error_with_its_cause() {
    for url in [nobody(), Fake::hanging().url] {
        let error = get(&url).unwrap_err();
        assert!(matches!(&error, TrackingError::Unreachable { .. }), "{error}");
        assert!(error.in_one_line().len() > error.to_string().len() && error.is_passing());
    }
}

#[test]
fn credentials_go_into_the_header_and_nowhere_else() {
    let token = || Credentials::Token(Secret::new("s3cret\n"));
    let password = Credentials::Password { username: "ann".into(), password: Secret::new("s3cret") };
    // RFC 7617: base64 of `ann:s3cret`.
    for (credentials, header) in [(token(), "Bearer s3cret"), (password, "Basic YW5uOnMzY3JldA==")] {
        let server = Fake::answering(|_| response("403 Forbidden", "", "no"));
        let client = MlflowClient::new(&server.url, credentials, HASTY).unwrap();
        let error = client.get::<serde_json::Value>("x", &[]).unwrap_err();
        assert!(
            server.heads.lock().unwrap()[0].to_lowercase().contains(&format!("authorization: {header}").to_lowercase())
        );
        assert!(!format!("{error} {error:?} {client:?}").contains("s3cret"));
    }
    let broken = Credentials::Token(Secret::new("two words"));
    assert!(matches!(MlflowClient::new("http://h", broken, HASTY), Err(TrackingError::Credentials { .. })));
}
