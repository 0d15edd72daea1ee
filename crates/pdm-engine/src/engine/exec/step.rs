use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::outputs::{self, Before};
use super::program::{Program, tail};
use super::{ExecError, clean_log, inputs};
use crate::cache::{
    Cache, CacheEntry, Claim, DigestCache, InputChange, InputFile, Pending, Status,
};
use crate::cache::{LOG, StageKey};
use crate::config::{ExecGraph, ExecOptions, Stage, StepName};
use crate::engine::decide::why_absent;
use crate::engine::inputs::{ExpectedFiles, HashPolicy, digest_cache};
use crate::engine::locking::Lock;
use crate::engine::outcome::{StageAction, StageRow, UNCHANGED};
use crate::engine::record::RunRecord;
use crate::engine::remote::SharedCache;
use crate::engine::why::told_changes;
use crate::engine::work::summary_of;
use crate::engine::{Context, Job};
use crate::pipeline::Summary;
use pdm_core::content::Digest;
use pdm_core::events::{Event, Reporter, size};

/// Where a program writes its log while it runs, below `.pdm-ml`.
const LOGS: &str = "exec";
/// Outputs of more bytes stay out of a run's record: data belongs in the cache.
const MOST_RECORDED: u64 = 10 << 20;

/// What all `exec` stages of a command share.
pub(in crate::engine) struct ExecContext<'b> {
    pub(in crate::engine) context: &'b Context,
    pub(in crate::engine) job: &'b Job,
    pub(in crate::engine) cache: &'b Cache,
    /// The run's record; none where the command keeps none.
    pub(in crate::engine) record: Option<&'b RunRecord<'b>>,
    /// Whether to run what is cached, too.
    pub(in crate::engine) force: bool,
    /// Digests of files that were hashed before.
    pub(in crate::engine) memory: DigestCache,
    /// What the run must keep to.
    pub(in crate::engine) lock: Arc<Lock>,
    /// Results of other machines.
    pub(in crate::engine) remote: Arc<SharedCache>,
}

/// All that a stage depends on.
pub(super) struct Need {
    pub(super) key: StageKey,
    /// The files behind its inputs.
    files: Vec<InputFile>,
}

/// What should be done about an `exec` stage.
pub(super) enum ExecDecision {
    /// Its result is in the cache; these outputs are to be put back.
    Cached(Box<CacheEntry>, Vec<(PathBuf, PathBuf)>),
    /// It must run.
    Run(String),
}

impl<'b> ExecContext<'b> {
    /// Returns what is needed to look, not to run.
    pub(in crate::engine) fn to_look(context: &'b Context, job: &'b Job, cache: &'b Cache) -> Self {
        let (lock, remote, memory) = (
            Arc::default(),
            Arc::default(),
            digest_cache(context, HashPolicy::Unchanged),
        );
        Self {
            context,
            job,
            cache,
            record: None,
            force: false,
            memory,
            lock,
            remote,
        }
    }

    fn options(&self, exec: usize) -> &ExecOptions {
        &self.job.spec.stages[exec]
    }

    /// Returns what a stage depends on whose inputs are there, or `known` to be there soon.
    pub(super) fn need(
        &self,
        exec: usize,
        entries: &BTreeMap<Stage, CacheEntry>,
        known: &ExpectedFiles,
    ) -> Result<Need, ExecError> {
        let options = self.options(exec);
        let parameters = serde_json::json!({ "exec": options.exec, "outputs": options.outputs });
        let (mut inputs, files) = self.files(options, known)?;
        let seen = options.after.map_or(&[][..], |after| after.line_up_to());
        let made = seen
            .iter()
            .filter_map(|stage| Some((format!("stage {stage}"), entries.get(stage)?.digest())));
        inputs.extend(made);
        let value = |name: &String| {
            Some((
                format!("variable {name}"),
                Digest::of((self.context.variable)(name)?),
            ))
        };
        inputs.extend(options.env.iter().filter_map(value));
        let semantic_version = ExecOptions::SEMANTIC_VERSION;
        Ok(Need {
            key: StageKey {
                stage: options.name.clone(),
                semantic_version,
                parameters,
                inputs,
            },
            files,
        })
    }

    /// Returns the digests of what a program reads, and of itself, and the files behind them.
    fn files(
        &self,
        options: &ExecOptions,
        known: &ExpectedFiles,
    ) -> Result<(BTreeMap<String, Digest>, Vec<InputFile>), ExecError> {
        let written = options
            .inputs
            .iter()
            .map(String::as_str)
            .chain(options.program_file());
        let (mut digests, mut files) = (BTreeMap::new(), Vec::new());
        for written in written {
            let found = inputs::look(&self.context.root, written, known, &self.memory)?;
            digests.insert(written.to_owned(), found.digest);
            files.extend(found.files);
        }
        Ok((digests, files))
    }

    /// Returns how long a stage took when it ran last, in milliseconds.
    pub(super) fn last_elapsed_ms(&self, name: &str) -> Option<u64> {
        let key = self.cache.last_key(&self.job.spec.project.name, name)?;
        self.cache
            .lookup(&key)
            .into_entry()
            .map(|entry| entry.elapsed_ms())
    }

    /// Decides about a stage by what it depends on.
    pub(super) fn decide(&self, exec: usize, need: &Need) -> ExecDecision {
        if self.force {
            return ExecDecision::Run("forced".to_owned());
        }
        match self.cache.lookup(&need.key) {
            Status::Hit(entry) => {
                let lost = outputs::to_restore(&self.context.root, &entry, &self.memory);
                ExecDecision::Cached(entry, lost)
            }
            Status::Damaged { reason } => {
                ExecDecision::Run(format!("the cached result is damaged: {reason}"))
            }
            Status::Absent => ExecDecision::Run(why_absent(self.changes_since_last(exec, need))),
        }
    }

    /// Returns what differs from what a stage depended on last, as fragments; none where it was never run.
    fn changes_since_last(&self, exec: usize, need: &Need) -> Option<Vec<String>> {
        let (pipeline, name) = (&self.job.spec.project.name, &need.key.stage);
        let last = self.cache.last_key(pipeline, name)?;
        let files = self.cache.last_files(pipeline, name);
        let between = |input: &str| InputChange::between(input, &files, &need.files);
        Some(told_changes(&last, &need.key, between, |path| {
            self.place(exec, path)
        }))
    }

    fn place(&self, exec: usize, path: &str) -> Option<String> {
        self.job.origins.place(&format!("stage.{exec}.{path}"))
    }

    /// Returns whether a result depends on the pipeline file, the files in the project and the environment alone: such results
    /// are locked, and shared with other machines. What the registry decides is not.
    fn is_reproducible(&self, exec: usize) -> bool {
        ExecGraph::of(&self.job.spec).stands_before(exec, Stage::Gate)
    }

    /// Returns the results that a lock names.
    pub(in crate::engine) fn locked<'e>(
        &self,
        left: &'e [(usize, CacheEntry)],
    ) -> impl Iterator<Item = &'e CacheEntry> {
        left.iter()
            .filter(|(exec, _)| self.is_reproducible(*exec))
            .map(|(_, entry)| entry)
    }

    /// Notes that a stage used this key, and the files behind it.
    fn remember(&self, need: &Need) -> Result<(), ExecError> {
        Ok(self
            .cache
            .remember_files(&self.job.spec.project.name, &need.key, &need.files)?)
    }

    /// Brings a stage about: from the cache, or by running its program.
    pub(super) fn step(
        &self,
        exec: usize,
        entries: &BTreeMap<Stage, CacheEntry>,
        reporter: &Reporter,
    ) -> Result<(StageRow, CacheEntry), ExecError> {
        reporter.check()?;
        let need = self.need(exec, entries, &ExpectedFiles::new())?;
        let keeps = self.is_reproducible(exec);
        if keeps {
            let changes = |old: &StageKey, _: &[InputFile]| {
                told_changes(
                    old,
                    &need.key,
                    |_| Vec::new(),
                    |path| self.place(exec, path),
                )
            };
            self.lock.agree_on_key(&need.key, changes)?;
        }
        let fetched = match keeps && !self.force {
            true => self.remote.fetch(
                self.cache,
                &need.key,
                self.lock.outputs(&need.key),
                reporter,
            )?,
            false => None,
        };
        let (row, entry) = match self.decide(exec, &need) {
            ExecDecision::Cached(entry, lost) => {
                outputs::restore(&lost)?;
                self.remember(&need)?;
                let why = fetched.unwrap_or_else(|| UNCHANGED.to_owned());
                self.cached(
                    exec,
                    *entry,
                    restored(&why, &lost, &self.context.root, "put back"),
                )
            }
            ExecDecision::Run(why) => self.begin(exec, &need, entries, why, reporter)?,
        };
        if keeps {
            self.lock.agree_on_result(&entry, reporter)?;
            if row.action == StageAction::Ran {
                self.remote.share(&entry, reporter)?;
            }
        }
        Ok((row, entry))
    }

    fn begin(
        &self,
        exec: usize,
        need: &Need,
        entries: &BTreeMap<Stage, CacheEntry>,
        why: String,
        reporter: &Reporter,
    ) -> Result<(StageRow, CacheEntry), ExecError> {
        let (name, started) = (&self.options(exec).name, Instant::now());
        if let Some(record) = self.record {
            record.begin();
        }
        reporter.emit(Event::StageStarted {
            stage: name.clone(),
            why: why.clone(),
        });
        let interrupt = reporter.interrupt();
        let waiting = || {
            reporter.warn(format!(
                "another process is working on `{name}`; waiting for it"
            ))
        };
        let claim = match self.force {
            false => self.cache.claim(&need.key, interrupt, waiting)?,
            true => Claim::Work(Box::new(self.cache.begin(&need.key, interrupt, waiting)?)),
        };
        let entry = match claim {
            Claim::Ready(entry) => {
                outputs::restore(&outputs::to_restore(
                    &self.context.root,
                    &entry,
                    &self.memory,
                ))?;
                self.remember(need)?;
                return Ok(self.cached(exec, *entry, "another process finished it".to_owned()));
            }
            Claim::Work(pending) => self.run(exec, *pending, entries, reporter)?,
        };
        self.remember(need)?;
        let (summary, elapsed_ms) = (
            summary_of(&entry),
            u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        );
        let text = summary.text.clone();
        reporter.emit(Event::StageFinished {
            stage: name.clone(),
            summary: text,
            elapsed_ms,
        });
        Ok((
            StageRow {
                stage: StepName::Exec(name.clone()),
                action: StageAction::Ran,
                why,
                summary,
                elapsed_ms,
            },
            entry,
        ))
    }

    fn run(
        &self,
        exec: usize,
        pending: Pending,
        entries: &BTreeMap<Stage, CacheEntry>,
        reporter: &Reporter,
    ) -> Result<CacheEntry, ExecError> {
        let (options, root) = (self.options(exec), &self.context.root);
        let seen = options.after.map_or(&[][..], |after| after.line_up_to());
        let folders = seen
            .iter()
            .filter_map(|stage| Some((*stage, entries.get(stage)?.dir())))
            .collect();
        let logs = self
            .context
            .state_folder(LOGS)
            .join(&self.job.spec.project.name);
        let log = logs.join(format!("{}.log", options.name));
        let aside = logs.join(format!("{}.failed", options.name));
        let _nothing_there = fs::remove_dir_all(&aside);
        let before = Before::look(root, options)?;
        let program = Program {
            options,
            root,
            variable: self.context.variable,
            folders,
            log: log.clone(),
        };
        if let Err(error) = self.ends_well(&program, &before, pending.key(), reporter) {
            if let Err(left) = before.set_aside(root, &aside) {
                reporter.warn(format!(
                    "what `{}` wrote half-way is still in the project: {left}",
                    options.name
                ));
            }
            return Err(error);
        }
        let (count, bytes) = outputs::keep(root, options, &pending.dir())?;
        let kept = pending.dir().join(LOG);
        clean_log::copy(&log, &kept).map_err(ExecError::io("copy", &log))?;
        let summary = serde_json::to_value(summarise(count, bytes))
            .expect("a fragment and named figures have a JSON form");
        Ok(pending.commit(summary)?)
    }

    /// Runs a program to its end, and looks whether it did what it promised.
    fn ends_well(
        &self,
        program: &Program<'_>,
        before: &Before,
        key: &StageKey,
        reporter: &Reporter,
    ) -> Result<(), ExecError> {
        program.run(reporter)?;
        if let Some(output) = before.missing(program.root)? {
            return Err(ExecError::NoOutput {
                output,
                tail: tail(&program.log),
                log: program.log.clone(),
            });
        }
        self.still_the_same(program.options, key)
    }

    /// Nobody knows what a program read of a file that changed meanwhile.
    fn still_the_same(&self, options: &ExecOptions, key: &StageKey) -> Result<(), ExecError> {
        let (now, _) = self.files(options, &ExpectedFiles::new())?;
        match now
            .iter()
            .find(|(name, digest)| key.inputs.get(*name) != Some(*digest))
        {
            Some((name, _)) => Err(ExecError::InputChanged(format!("input `{name}`"))),
            None => Ok(()),
        }
    }

    fn cached(&self, exec: usize, entry: CacheEntry, why: String) -> (StageRow, CacheEntry) {
        let name = self.options(exec).name.clone();
        let reporter = self
            .record
            .map_or_else(|| self.context.reporter.clone(), RunRecord::reporter);
        reporter.emit(Event::StageCached {
            stage: name.clone(),
            why: why.clone(),
        });
        let summary = summary_of(&entry);
        (
            StageRow {
                stage: StepName::Exec(name),
                action: StageAction::Cached,
                why,
                summary,
                elapsed_ms: 0,
            },
            entry,
        )
    }
}

/// Returns a reason, and what is put back beside.
pub(super) fn restored(why: &str, lost: &[(PathBuf, PathBuf)], root: &Path, word: &str) -> String {
    let shown: Vec<_> = lost
        .iter()
        .map(|(path, _)| format!("`{}`", path.strip_prefix(root).unwrap_or(path).display()))
        .collect();
    if shown.is_empty() {
        why.to_owned()
    } else {
        format!("{why}; {} {word}", shown.join(", "))
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

/// Returns the files of an `exec` stage that belong to a run: its log, and outputs that are not too large.
pub(in crate::engine) fn artifacts(name: &str, entry: &CacheEntry) -> Vec<Event> {
    let small = entry
        .outputs()
        .iter()
        .filter(|output| output.path == LOG || output.bytes <= MOST_RECORDED);
    small
        .map(|output| Event::Artifact {
            name: format!("stages/{name}/{}", output.path),
            path: entry.path(&output.path),
        })
        .collect()
}
