//! What some tests need that `cargo` does not provide: NASA's files, servers, and programs that others wrote.
//!
//! Such a test has the attribute `#[ignore = "needs WHAT; HOW TO GET IT"]`. `scripts/test` provides all of it and runs the
//! ignored tests too; there a test fails where what it needs is missing.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::architecture::{source_folders, sources};

/// Returns the value of a variable, which must be set.
fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run the tests with `scripts/test`"))
}

/// Returns the folder of NASA's files.
pub(crate) fn cmapss() -> PathBuf {
    let folder = std::env::var_os("PDM_ML_CMAPSS").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| {
        panic!("PDM_ML_CMAPSS is not set: it names the folder of NASA's files (datasets/README.md)")
    });
    assert!(
        folder.join("train_FD001.txt").is_file(),
        "PDM_ML_CMAPSS is `{}`, where there is no train_FD001.txt",
        folder.display()
    );
    folder
}

/// Returns the name of a bucket on a real S3 server.
pub(crate) fn s3_bucket() -> String {
    variable("PDM_ML_TEST_S3_BUCKET")
}

/// Returns the address of a real MLflow server.
pub(crate) fn mlflow_url() -> String {
    variable("PDM_ML_TEST_MLFLOW_URL")
}

/// Returns a Python with mlflow, onnx, onnxruntime and OpenTelemetry's package.
pub(crate) fn python() -> PathBuf {
    variable("PDM_ML_TEST_PYTHON").into()
}

/// Returns a Python with the validators of schedules and workflows.
pub(crate) fn validators() -> PathBuf {
    variable("PDM_ML_TEST_VALIDATORS").into()
}

/// Returns a Python with Airflow.
pub(crate) fn airflow() -> PathBuf {
    variable("PDM_ML_TEST_AIRFLOW").into()
}

/// Returns Taplo, the TOML language server.
pub(crate) fn taplo() -> PathBuf {
    variable("PDM_ML_TEST_TAPLO").into()
}

/// Returns a Python with the readers of reports and a mail server: the one that the variable names, else the one that
/// `scripts/readers` installed.
pub(crate) fn readers() -> PathBuf {
    if let Some(named) = std::env::var_os("PDM_ML_TEST_READERS") {
        return named.into();
    }
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/readers/bin/python");
    assert!(
        installed.exists(),
        "PDM_ML_TEST_READERS is not set: run the tests with `scripts/test`, or run `scripts/readers` first"
    );
    installed
}

/// Returns a program of the system, which must be installed.
pub(crate) fn program(name: &str, package: &str) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    assert!(
        std::env::split_paths(&path).any(|folder| folder.join(name).is_file()),
        "{name} is not installed: apt-get install {package}"
    );
    Command::new(name)
}

/// The sources of the program and of its tests.
fn all_sources() -> Vec<PathBuf> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let folders = source_folders().into_iter().chain([tests]);
    folders.flat_map(|folder| sources(&folder)).collect()
}

#[test]
fn an_ignored_test_says_what_it_needs_and_how_to_get_it() {
    let mark = concat!("#[", "ignore");
    let mut seen = 0;
    for file in all_sources() {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut lines = text.lines();
        while let Some(line) = lines.find(|line| line.contains(mark)) {
            let reason = line.split('"').nth(1).unwrap_or_default();
            assert!(
                reason.starts_with("needs ") && reason.contains("; "),
                "{}: {line}",
                file.display()
            );
            // By its name `scripts/test` leaves a test out where NASA's files are missing.
            if reason.contains("PDM_ML_CMAPSS") {
                let name = lines.next().unwrap_or_default();
                assert!(name.contains("nasa_files"), "{}: {name}", file.display());
            }
            seen += 1;
        }
    }
    assert!(seen > 60, "{seen} ignored tests");
}

#[test]
fn no_test_passes_because_something_is_missing() {
    let mark = concat!("\"skip", "ped: ");
    for file in all_sources() {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains(mark), "{}", file.display());
    }
}
