//! The real readers of what the command writes for other programs, as `scripts/readers` installs them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// Python with validators and a mail server; without one, fails in CI and skips elsewhere.
pub fn readers() -> Option<PathBuf> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/readers/bin/python");
    let named = std::env::var_os("PDM_ML_TEST_READERS").map(PathBuf::from);
    let python = named.or_else(|| Some(installed).filter(|python| python.exists()));
    assert!(
        python.is_some() || std::env::var_os("CI").is_none(),
        "no readers: run the tests with `scripts/test`, or run `scripts/readers` first"
    );
    if python.is_none() {
        eprintln!("skipped: needs `scripts/readers`");
    }
    python
}

/// A script beside the tests, by its name.
pub fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it")
        .join(name)
}

/// What the readers say of some reports: a JSON object a file.
pub fn read(python: &Path, files: &[PathBuf]) -> Vec<Value> {
    let output = Command::new(python)
        .arg(beside("read_reports.py"))
        .args(files)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (stdout, stderr) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{stdout}\n{stderr}");
    stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
