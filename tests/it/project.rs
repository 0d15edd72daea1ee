//! A project in a temporary folder, and the command run in it as a user would.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

/// A fleet small enough to run the whole pipeline in a second.
pub const SMALL: &str = r#"
version = 3

[project]
name = "small"
seed = 7

[dataset]
kind = "simulated"
train_units = 24
test_units = 12

[model]
kind = "linear"

[evaluate]
bootstrap = { resamples = 400 }

[[gate]]
metric = "rmse"
rule = "at_most"
value = 120.0

[[gate]]
metric = "nasa_mean"
rule = "non_inferior"
margin = 1000.0
"#;

pub struct Project {
    folder: TempDir,
}

/// What a command answered.
#[derive(Debug)]
pub struct Answer {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Answer {
    /// Runs a command and returns its answer.
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Project {
    /// An empty folder.
    pub fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A folder with one pipeline, `pdm.toml`.
    pub fn with_pipeline(text: &str) -> Self {
        let project = Self::empty();
        project.write("pdm.toml", text);
        project
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap()
    }

    pub fn read_bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.file(name)).unwrap()
    }

    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        let path = self.file(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, contents).unwrap();
    }

    /// The command, not yet started, in an environment of its own.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pdm-ml"));
        command
            .args(args)
            .current_dir(self.path())
            .stdin(Stdio::null());
        for name in [
            "PDM_ML_FORMAT",
            "PDM_ML_THREADS",
            "PDM_ML_REGISTRY",
            "PDM_ML_PROFILE",
            "PDM_ML_CMAPSS",
            "NO_COLOR",
        ] {
            command.env_remove(name);
        }
        std::env::vars()
            .filter(|(name, _)| {
                ["MLFLOW_", "OTEL_", "PDM_ML_LOG", "PDM_ML__", "TRACEPARENT"]
                    .iter()
                    .any(|set| name.starts_with(set))
            })
            .for_each(|(name, _)| _ = command.env_remove(name));
        command
    }

    /// Runs the command and returns its answer.
    pub fn pdm(&self, args: &[&str]) -> Answer {
        Answer::of(&mut self.command(args))
    }

    /// Runs the command, which must succeed, and returns its JSON.
    pub fn json(&self, args: &[&str]) -> serde_json::Value {
        let answer = self.pdm(&[args, &["--format", "json"]].concat());
        assert_eq!(answer.code, 0, "{answer:?}");
        serde_json::from_str(&answer.stdout).unwrap_or_else(|e| panic!("{e}: {}", answer.stdout))
    }
}

/// Returns a table of units whose one sensor, `temp`, rises as they wear, with noise.
pub fn wearing_units(units: u32) -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut text = "unit,cycle,temp\n".to_owned();
    for unit in 1..=units {
        let life = 30 + unit * 5 % 17;
        for cycle in 1..=life {
            let temp = f64::from(cycle) / 9.0 + rng.random_range(0.0..1.0);
            writeln!(text, "p{unit},{cycle},{temp:.6}").unwrap();
        }
    }
    text
}
