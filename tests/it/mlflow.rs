//! The line with a real MLflow server, started by `scripts/services`.

use crate::project::{Project, SMALL};

/// The server's address; without one, fails in CI and skips elsewhere.
fn server() -> Option<String> {
    let url = std::env::var("PDM_ML_TEST_MLFLOW_URL").ok();
    assert!(
        url.is_some() || std::env::var_os("CI").is_none(),
        "no MLflow server: run the tests with `scripts/test`, or under `scripts/services run --`"
    );
    url
}

#[test]
fn a_run_is_tracked_live_and_a_replay_adds_nothing() {
    let Some(url) = server() else { return };
    let project = Project::with_pipeline(SMALL);
    let at = format!("tracking.mlflow_url={url}");
    let set = ["--set", at.as_str(), "--set", "tracking.experiment=line"];
    let answer = project.pdm(&[&["run"], &set[..]].concat());
    assert_eq!(answer.code, 0, "{answer:?}");
    assert!(!answer.stderr.contains("warning: "), "{}", answer.stderr);
    let synced = project.pdm(&[&["track", "sync"], &set[..]].concat());
    assert_eq!(synced.code, 0, "{synced:?}");
    assert!(synced.stdout.contains("nothing to send"), "{}", synced.stdout);
}
