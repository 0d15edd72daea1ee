//! What a pipeline depends on: the files and folders that no output of a command may overwrite.

use std::path::{Path, PathBuf};

use super::exec::files_of;
use super::{Context, Job, policy};
use pdm_models::data::{self, DatasetOptions};
use pdm_store::bucket::BucketAddress;

/// The variable that names the file with the secret half of a signing key.
const SIGNING_KEY_FILE: &str = "PDM_ML_SIGNING_KEY_FILE";

/// A file or folder that a command or its pipeline depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// What it is, such as `the pipeline file`.
    pub what: String,
    /// Where it is.
    pub path: PathBuf,
    /// Whether it is a folder of this program, into which nothing else may be written.
    pub is_folder: bool,
}

impl Read {
    /// Returns a file.
    pub fn file(what: impl Into<String>, path: PathBuf) -> Self {
        Self {
            what: what.into(),
            path,
            is_folder: false,
        }
    }

    /// Returns a folder with everything in it.
    pub fn folder(what: impl Into<String>, path: PathBuf) -> Self {
        Self {
            what: what.into(),
            path,
            is_folder: true,
        }
    }
}

/// Returns everything that a pipeline depends on: its files, its data, its lock, its registry, its policies, its recorded runs,
/// and what its programs read.
pub fn reads(context: &Context, job: &Job) -> Vec<Read> {
    let root = context.root.as_path();
    let mut reads = Vec::new();
    for path in &job.files {
        reads.push(Read::file("a file of the pipeline", path.clone()));
    }
    if let Some(path) = job.lock_path() {
        reads.push(Read::file("the pipeline's lock", path));
    }
    reads.extend(data_files(job, root));
    reads.extend(program_files(job, root));
    for path in policy::files(root).unwrap_or_default() {
        reads.push(Read::file("a policy of the registry", path));
    }
    if let Some(path) = (context.variable)(SIGNING_KEY_FILE) {
        reads.push(Read::file("the signing key", root.join(path)));
    }
    reads.extend(folder_at(root, "the registry", &job.spec.registry.url));
    reads.extend(folder_at(root, "the shared cache", &job.spec.cache.url));
    reads.push(Read::folder(
        "the folder of recorded runs",
        context.resolve(&job.spec.tracking.dir),
    ));
    reads.push(Read::folder("the project's cache", context.state_dir()));
    reads
}

fn data_files(job: &Job, root: &Path) -> Vec<Read> {
    let dataset = &job.spec.dataset;
    let mut files: Vec<_> = data::parts(dataset, root)
        .into_iter()
        .map(|part| Read::file("a data file of the pipeline", part.path))
        .collect();
    if let DatasetOptions::Simulated(options) = dataset {
        let origin = root
            .join(&options.path)
            .join(format!("{}.json", options.name));
        files.push(Read::file("a data file of the pipeline", origin));
    }
    files
}

fn program_files(job: &Job, root: &Path) -> Vec<Read> {
    let mut files = Vec::new();
    for stage in &job.spec.stages {
        let what = format!("an input of the stage `{}`", stage.name);
        let inputs = stage.inputs.iter().map(String::as_str);
        for written in inputs.chain(stage.program_file()) {
            for path in files_of(root, written) {
                files.push(Read::file(what.clone(), path));
            }
        }
        let what = format!("an output of the stage `{}`", stage.name);
        for written in &stage.outputs {
            files.push(Read::file(what.clone(), root.join(written)));
        }
    }
    files
}

/// Returns the folder at an address; none where it is a bucket or not an address.
pub fn folder_at(root: &Path, what: &str, url: &str) -> Option<Read> {
    match BucketAddress::parse(url) {
        Ok(BucketAddress::Folder(folder)) => Some(Read::folder(what, root.join(folder))),
        Ok(BucketAddress::Memory | BucketAddress::Bucket { .. }) | Err(_) => None,
    }
}
