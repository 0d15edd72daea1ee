//! Tests of reading and validating, from files to a valid data set.

mod copies;
mod damage;
mod dialects;
mod fleet;
mod parquet;
mod pool;
mod real;
mod tables;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::*;

/// Returns the folder of NASA's files.
pub(super) fn real_data() -> PathBuf {
    let folder = std::env::var_os("PDM_ML_CMAPSS").map(PathBuf::from);
    folder.expect(
        "PDM_ML_CMAPSS is not set: it names the folder of NASA's files (datasets/README.md)",
    )
}

pub(super) fn small_fleet() -> SimulateOptions {
    SimulateOptions {
        path: "sim".into(),
        train_units: 12,
        test_units: 8,
        ..SimulateOptions::default()
    }
}

static WRITTEN: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let paths = simulate(&small_fleet()).write(folder.path()).unwrap();
    let read = |path: PathBuf| {
        (
            path.file_name().unwrap().to_str().unwrap().to_owned(),
            std::fs::read(path).unwrap(),
        )
    };
    paths.into_iter().map(read).collect()
});

/// A project with a small simulated fleet in it.
pub(super) struct TestProject(tempfile::TempDir);

impl TestProject {
    pub(super) fn new() -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(project.root().join("sim")).unwrap();
        for (name, contents) in WRITTEN.iter() {
            std::fs::write(project.root().join("sim").join(name), contents).unwrap();
        }
        project
    }

    /// A project whose files are not checked for being the simulated ones.
    pub(super) fn without_origin() -> Self {
        let project = Self::new();
        std::fs::remove_file(project.root().join("sim/SIM001.json")).unwrap();
        project
    }

    pub(super) fn root(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn edit(&self, name: &str, edit: impl FnOnce(&mut Vec<u8>)) {
        let path = self.root().join("sim").join(name);
        let mut contents = std::fs::read(&path).unwrap();
        edit(&mut contents);
        std::fs::write(path, contents).unwrap();
    }

    /// Replaces one line, counted from 1, by what `edit` makes of it.
    pub(super) fn edit_line(&self, name: &str, line: usize, edit: impl FnOnce(&str) -> String) {
        self.edit(name, |contents| {
            let text = String::from_utf8(std::mem::take(contents)).unwrap();
            let mut lines: Vec<_> = text.split_inclusive('\n').map(str::to_owned).collect();
            lines[line - 1] = edit(&lines[line - 1]);
            *contents = lines.concat().into_bytes();
        });
    }

    pub(super) fn report(&self) -> QualityReport {
        self.validate(&ValidateOptions::default()).report
    }

    pub(super) fn validate(&self, options: &ValidateOptions) -> Validation {
        validate(
            ingest(&DatasetOptions::Simulated(small_fleet()), self.root()).unwrap(),
            options,
        )
    }
}

/// Returns findings as `expectation file:line: message`.
pub(super) fn messages(report: &QualityReport, severity: Severity) -> Vec<String> {
    let findings = report
        .findings
        .iter()
        .filter(|finding| finding.severity == severity);
    findings
        .map(|finding| format!("{} {finding}", finding.expectation))
        .collect()
}

pub(super) fn errors(report: &QualityReport) -> Vec<String> {
    messages(report, Severity::Error)
}
