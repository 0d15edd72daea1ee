use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jiff::Timestamp;
use pdm_ml::content::Digest;
use pdm_ml::registry::blocking::Registry;
use pdm_ml::registry::{NewFile, Stamp};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{Outcome, support};

/// Versions in the registry that is pushed from.
pub(crate) const VERSIONS: u32 = 8;

/// Name of the model.
pub(crate) const MODEL: &str = "chaos";

const PIPELINE: &str = r#"
version = 1
[project]
name = "chaos"
[dataset]
kind = "simulated"
[model]
kind = "linear"
[[gate]]
metric = "rmse"
rule = "non_inferior"
margin = 5.0
"#;

/// The command, in a project with a local registry of eight versions.
pub(crate) struct Program {
    release: PathBuf,
    project: PathBuf,
}

/// What is done to a registry.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    Push(u32),
    Promote(u32),
}

impl Step {
    pub(crate) fn words(self, url: &str) -> Vec<String> {
        let words = match self {
            Self::Push(version) => {
                format!("registry push {MODEL}/{version} --registry registry/store --to {url}")
            }
            Self::Promote(version) => {
                format!("promote --model {MODEL}/{version} --set registry.url={url}")
            }
        };
        words.split(' ').map(str::to_owned).collect()
    }
}

impl Program {
    pub(crate) fn new(release: &Path, project: &Path) -> Outcome<Self> {
        let program = Self {
            release: release.to_owned(),
            project: project.to_owned(),
        };
        std::fs::write(project.join("pdm.toml"), PIPELINE)?;
        let store = project.join("registry/store");
        let registry = Registry::open(
            store.to_str().ok_or("a folder with no Unicode name")?,
            project,
        )?;
        for version in 1..=VERSIONS {
            let files = NewFile::read_folder(&program.make_bundle(version)?)?;
            let stamp = Stamp {
                time: Timestamp::now(),
                actor: "setup".to_owned(),
            };
            let bundle = Digest::of(version.to_string());
            // Apart by less than the gate's margin.
            let error = |unit: u32| f64::from((unit + version) % 5) - 2.0;
            registry.register(
                &support::new_version(MODEL.parse()?, bundle, files, error)?,
                &stamp,
            )?;
        }
        Ok(program)
    }

    /// Writes three short files and a long one, which moves in two to four parts.
    fn make_bundle(&self, version: u32) -> Outcome<PathBuf> {
        let (folder, mut random) = (
            self.bundle(version),
            ChaCha8Rng::seed_from_u64(version.into()),
        );
        std::fs::create_dir_all(&folder)?;
        let long = random.random_range(9 << 20..26 << 20);
        for (name, length) in [
            ("bundle.json", 900),
            ("scaler", 20_000),
            ("predictor", 300_000),
            ("weights", long),
        ] {
            let mut bytes = vec![0; length];
            random.fill_bytes(&mut bytes);
            std::fs::write(folder.join(name), bytes)?;
        }
        Ok(folder)
    }

    /// Returns the folder with the files of a version.
    pub(crate) fn bundle(&self, version: u32) -> PathBuf {
        self.project.join("bundles").join(version.to_string())
    }

    pub(crate) fn project(&self) -> &Path {
        &self.project
    }

    /// Returns a command of the release folder, which answers what is asked of it and is not yet started.
    pub(crate) fn command<S: AsRef<str>>(&self, name: &str, words: &[S]) -> Command {
        let mut command = Command::new(self.release.join(name));
        command
            .args(words.iter().map(AsRef::as_ref))
            .current_dir(&self.project);
        command
            .env_remove("PDM_ML_REGISTRY")
            .env_remove("AWS_ENDPOINT_URL_S3")
            .env("PDM_ML_ACTOR", "chaos");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs `pdm-ml`, which must succeed, and returns what it printed.
    pub(crate) fn must<S: AsRef<str>>(&self, words: &[S]) -> Outcome<String> {
        let output = self.command("pdm-ml", words).output()?;
        if output.status.success() {
            return Ok(String::from_utf8(output.stdout)?);
        }
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        Err(format!("{}: {out}{err}", output.status).into())
    }

    /// Returns how many uploads were begun and not finished.
    pub(crate) fn kept_uploads(&self) -> Outcome<u64> {
        let Ok(folder) = self.project.join(".pdm-ml/transfers").read_dir() else {
            return Ok(0);
        };
        let names = folder
            .map(|file| Ok(file?.file_name()))
            .collect::<std::io::Result<Vec<_>>>()?;
        Ok(names
            .iter()
            .filter(|name| name.to_string_lossy().ends_with(".upload.json"))
            .count() as u64)
    }
}
