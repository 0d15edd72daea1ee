//! The real readers of what the command writes for other programs, as `scripts/readers` installs them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

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
