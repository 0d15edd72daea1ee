//! A program of `[[stage]]` as a step: what it reads by digest, the outputs it promises, its log.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Compute, Prepared, Situation, Step, Task, Work};
use crate::cache::{CacheEntry, DigestCache, InputChange, InputFile, LOG, StageKey};
use crate::config::{ExecGraph, ExecOptions, Stage, StepName};
use crate::engine::exec::{
    Before, ExecError, Program, copy_log, keep, look, produced, restore, tail, to_restore,
};
use crate::engine::inputs::ExpectedFiles;
use crate::engine::pipeline_run::PipelineRun;
use crate::engine::results::Results;
use crate::engine::{EngineError, Job};
use crate::pipeline::Summary;
use pdm_core::content::Digest;
use pdm_core::events::{Event, Reporter, size};

/// Where a program writes its log while it runs, below the project's state folder.
const LOGS: &str = "exec";
/// Outputs of more bytes stay out of a run's record: data belongs in the cache.
const MOST_RECORDED: u64 = 10 << 20;

pub(super) struct ProgramStep<'s> {
    /// The number of the `[[stage]]` in the file.
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
            is_reproducible: ExecGraph::of(&job.spec).stands_before(exec, Stage::Gate),
        }
    }

    fn failed(&self) -> impl Fn(ExecError) -> EngineError {
        let stage = self.options.name.clone();
        move |source| EngineError::Exec {
            stage: stage.clone(),
            source: Box::new(source),
        }
    }

    /// Returns whether the results of the named stages that the program may read are there. What the registry stages do leaves no
    /// files.
    fn results_are_there(&self, results: &Results) -> bool {
        let stages = self.stages_before().iter();
        stages
            .filter(|stage| **stage <= Stage::Gate)
            .all(|stage| results.stage(*stage).is_some())
    }

    /// Returns the named stages whose results the program may read.
    fn stages_before(&self) -> &'static [Stage] {
        match self.options.after {
            Some(after) => after.line_up_to(),
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
        if !self.results_are_there(at.results) {
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

    /// The lock keeps the data files alone: of an input without files it knows only the digest.
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
        let input = look(root, written, expected, hashes)?;
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
        self.bring_about(work).map_err(self.step.failed())
    }

    fn lost_outputs(&self, entry: &CacheEntry) -> Vec<(PathBuf, PathBuf)> {
        to_restore(&self.run.context.root, entry, self.hashes)
    }

    fn put_back(&self, lost: &[(PathBuf, PathBuf)]) -> Result<(), EngineError> {
        restore(lost).map_err(self.step.failed())
    }

    fn expected_files(&self, entry: &CacheEntry) -> ExpectedFiles {
        let produced = produced(&self.run.context.root, entry).into_iter();
        produced.map(|(path, _, found)| (path, found)).collect()
    }
}

impl ProgramRun<'_> {
    fn bring_about(&self, work: &Work<'_>) -> Result<Summary, ExecError> {
        let options = self.step.options;
        let root = &self.run.context.root;
        let project = &self.run.job.spec.project.name;
        let logs = self.run.context.state_folder(LOGS).join(project);
        let log = logs.join(format!("{}.log", options.name));
        let aside = logs.join(format!("{}.failed", options.name));
        let _nothing_there = fs::remove_dir_all(&aside);
        let before = Before::look(root, options)?;
        let program = Program {
            options,
            root,
            variable: self.run.context.variable,
            folders: self.folders(),
            log: log.clone(),
        };
        if let Err(error) = self.run_to_the_end(&program, &before, work) {
            set_aside(&before, root, &aside, work.reporter, &options.name);
            return Err(error);
        }
        let folder = work.pending.dir();
        let (count, bytes) = keep(root, options, &folder)?;
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

    /// Runs the program, and checks that it did what it promised.
    fn run_to_the_end(
        &self,
        program: &Program<'_>,
        before: &Before,
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

    /// What the program read of a file that changed meanwhile is unknown.
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
fn set_aside(before: &Before, root: &Path, aside: &Path, reporter: &Reporter, name: &str) {
    if let Err(left) = before.set_aside(root, aside) {
        reporter.warn(format!(
            "what `{name}` wrote before it failed is still in the project: {left}"
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
