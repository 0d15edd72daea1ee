//! A program of `[[stage]]` as a step: the digests of what it reads, its outputs, its log.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Compute, Prepared, Situation, Step, Task, Work};
use crate::cache::{CacheEntry, DigestCache, InputChange, InputFile, LOG, StageKey};
use crate::config::{ExecGraph, ExecOptions, Stage, StepName};
use crate::engine::exec::{
    ExecError, OutputsBefore, Program, copy_log, copy_to_cache, hash_input, produced, restore,
    tail, to_restore,
};
use crate::engine::inputs::ExpectedFiles;
use crate::engine::pipeline_run::PipelineRun;
use crate::engine::results::Results;
use crate::engine::{EngineError, Job};
use crate::pipeline::Summary;
use pdm_core::content::Digest;
use pdm_core::events::{Event, Reporter, size};

/// Where a program writes its log while it runs, in the project's state folder.
const LOGS: &str = "exec";
/// Outputs of more bytes are not recorded with a run: data belong in the cache.
const MOST_RECORDED: u64 = 10 << 20;

pub(super) struct ProgramStep<'s> {
    /// Number of the `[[stage]]` in the file, from 0.
    exec: usize,
    options: &'s ExecOptions,
    /// Whether no named stage from `gate` on comes before it.
    is_reproducible: bool,
}

impl<'s> ProgramStep<'s> {
    pub(super) fn new(exec: usize, job: &'s Job) -> Self {
        Self {
            exec,
            options: &job.spec.stages[exec],
            is_reproducible: ExecGraph::of(&job.spec).comes_before(exec, Stage::Gate),
        }
    }

    fn failed(&self) -> impl Fn(ExecError) -> EngineError {
        let stage = self.options.name.clone();
        move |source| EngineError::Exec {
            stage: stage.clone(),
            source: Box::new(source),
        }
    }

    /// Returns whether the named stages before the program have results. `register` and `promote` leave no files.
    fn has_results(&self, results: &Results) -> bool {
        self.stages_before()
            .iter()
            .filter(|stage| **stage <= Stage::Gate)
            .all(|stage| results.stage(*stage).is_some())
    }

    /// Returns the named stages whose results the program may read.
    fn stages_before(&self) -> &'static [Stage] {
        match self.options.after {
            Some(after) => after.up_to(),
            None => &[],
        }
    }

    fn key(&self, at: &Situation<'_>, found: Found) -> StageKey {
        let options = self.options;
        let mut inputs = found.digests;
        for stage in self.stages_before() {
            if let Some(digest) = at.results.digest(*stage) {
                inputs.insert(format!("stage {stage}"), digest);
            }
        }
        for name in &options.env {
            if let Some(value) = (at.run.context.variable)(name) {
                inputs.insert(format!("variable {name}"), Digest::of(value));
            }
        }
        StageKey {
            stage: options.name.clone(),
            semantic_version: ExecOptions::SEMANTIC_VERSION,
            parameters: serde_json::json!({ "exec": options.exec, "outputs": options.outputs }),
            inputs,
        }
    }
}

impl Step for ProgramStep<'_> {
    fn name(&self) -> StepName {
        StepName::Exec(self.options.name.clone())
    }

    fn reads_data(&self) -> bool {
        false
    }

    fn is_reproducible(&self) -> bool {
        self.is_reproducible
    }

    fn prepare<'s>(&'s self, at: &Situation<'s>) -> Result<Prepared<'s>, EngineError> {
        if !self.has_results(at.results) {
            return Ok(Prepared::Unknown);
        }
        let root = &at.run.context.root;
        let mut found = find(self.options, root, at.expected, at.hashes).map_err(self.failed())?;
        let files = std::mem::take(&mut found.files);
        Ok(Prepared::Task(Task {
            key: self.key(at, found),
            files,
            compute: Box::new(ProgramRun {
                step: self,
                run: at.run,
                results: at.results,
                hashes: at.hashes,
            }),
        }))
    }

    fn location(&self, job: &Job, path: &str) -> Option<String> {
        job.origins.place(&format!("stage.{}.{path}", self.exec))
    }

    /// Compares nothing where the older files are not known: a lock has only the data files, and of other inputs the digest.
    fn compare_files(
        &self,
        input: &str,
        then: &[InputFile],
        now: &[InputFile],
    ) -> Vec<InputChange> {
        if !then.iter().any(|file| file.input == input) {
            return Vec::new();
        }
        InputChange::between(input, then, now)
    }

    /// Returns the log, and outputs that are not too large.
    fn artifacts(&self, entry: &CacheEntry) -> Vec<Event> {
        let name = &self.options.name;
        let outputs = entry.outputs().iter();
        outputs
            .filter(|output| output.path == LOG || output.bytes <= MOST_RECORDED)
            .map(|output| Event::Artifact {
                name: format!("stages/{name}/{}", output.path),
                path: entry.path(&output.path),
            })
            .collect()
    }
}

/// What a program reads, and the program itself.
struct Found {
    digests: BTreeMap<String, Digest>,
    files: Vec<InputFile>,
}

fn find(
    options: &ExecOptions,
    root: &Path,
    expected: &ExpectedFiles,
    hashes: &DigestCache,
) -> Result<Found, ExecError> {
    let mut found = Found {
        digests: BTreeMap::new(),
        files: Vec::new(),
    };
    let inputs = options.inputs.iter().map(String::as_str);
    for written in inputs.chain(options.program_file()) {
        let input = hash_input(root, written, expected, hashes)?;
        found.digests.insert(written.to_owned(), input.digest);
        found.files.extend(input.files);
    }
    Ok(found)
}

struct ProgramRun<'s> {
    step: &'s ProgramStep<'s>,
    run: &'s PipelineRun<'s>,
    results: &'s Results,
    hashes: &'s DigestCache,
}

impl Compute for ProgramRun<'_> {
    fn run(&self, work: &Work<'_>) -> Result<Summary, EngineError> {
        self.execute(work).map_err(self.step.failed())
    }

    fn lost_outputs(&self, entry: &CacheEntry) -> Vec<(PathBuf, PathBuf)> {
        to_restore(&self.run.context.root, entry, self.hashes)
    }

    fn put_back(&self, lost: &[(PathBuf, PathBuf)]) -> Result<(), EngineError> {
        restore(lost).map_err(self.step.failed())
    }

    fn expected_files(&self, entry: &CacheEntry) -> ExpectedFiles {
        produced(&self.run.context.root, entry)
            .into_iter()
            .map(|(path, _, expected)| (path, expected))
            .collect()
    }
}

impl ProgramRun<'_> {
    fn execute(&self, work: &Work<'_>) -> Result<Summary, ExecError> {
        let options = self.step.options;
        let root = &self.run.context.root;
        let project = &self.run.job.spec.project.name;
        let logs = self.run.context.state_folder(LOGS).join(project);
        let log = logs.join(format!("{}.log", options.name));
        let aside = logs.join(format!("{}.failed", options.name));
        // It fails where the program did not fail before.
        let _removed = fs::remove_dir_all(&aside);
        let before = OutputsBefore::record(root, options)?;
        let program = Program {
            options,
            root,
            variable: self.run.context.variable,
            folders: self.folders(),
            log: log.clone(),
        };
        if let Err(error) = self.run_and_check(&program, &before, work) {
            set_aside(&before, root, &aside, work.reporter, &options.name);
            return Err(error);
        }
        let folder = work.pending.dir();
        let (count, bytes) = copy_to_cache(root, options, &folder)?;
        copy_log(&log, &folder.join(LOG)).map_err(ExecError::io("copy", &log))?;
        Ok(summarise(count, bytes))
    }

    /// Returns the folders of the results that the program may read.
    fn folders(&self) -> Vec<(Stage, PathBuf)> {
        let mut folders = Vec::new();
        for stage in self.step.stages_before() {
            if let Some(entry) = self.results.stage(*stage) {
                folders.push((*stage, entry.dir()));
            }
        }
        folders
    }

    /// Runs the program, and checks that it made its outputs and that its inputs did not change.
    fn run_and_check(
        &self,
        program: &Program<'_>,
        before: &OutputsBefore,
        work: &Work<'_>,
    ) -> Result<(), ExecError> {
        program.run(work.reporter)?;
        if let Some(output) = before.missing(program.root)? {
            return Err(ExecError::NoOutput {
                output,
                tail: tail(&program.log),
                log: program.log.clone(),
            });
        }
        self.refuse_changed_inputs(work.pending.key())
    }

    /// Refuses inputs that changed while the program ran: it is not known which content it read.
    fn refuse_changed_inputs(&self, key: &StageKey) -> Result<(), ExecError> {
        let root = &self.run.context.root;
        let now = find(self.step.options, root, &ExpectedFiles::new(), self.hashes)?;
        for (name, digest) in &now.digests {
            if key.inputs.get(name) != Some(digest) {
                return Err(ExecError::InputChanged(format!("input `{name}`")));
            }
        }
        Ok(())
    }
}

/// Moves what a failed program made out of the project.
fn set_aside(before: &OutputsBefore, root: &Path, aside: &Path, reporter: &Reporter, name: &str) {
    if let Err(left) = before.set_aside(root, aside) {
        reporter.warn(format!(
            "the files that `{name}` wrote before it failed are still in the project: {left}"
        ));
    }
}

fn summarise(count: usize, bytes: u64) -> Summary {
    let text = match count {
        0 => "no outputs".to_owned(),
        1 => format!("1 output, {}", size(bytes)),
        many => format!("{many} outputs, {}", size(bytes)),
    };
    Summary::new(text)
        .figure("outputs", count)
        .figure("bytes", bytes)
}
