//! A run and its parts on the server.

use std::collections::BTreeMap;

use super::batch::EntryBatch;
use super::client::MlflowClient;
use super::remote::{LINES_TAG, OpenRun};
use super::search;
use super::wire::RemoteRun;
use crate::tracking::journal::{JournalLine, Opening, Stamped};
use crate::tracking::{TrackingError, parts};
use pdm_core::events::InputData;

/// The server's copy of a run: the run itself and a child run for each of its parts, created with its first entry.
///
/// All come from one journal. A line is sent to the run it belongs to; each run has a tag with the number of lines it has.
pub(super) struct Tree {
    client: MlflowClient,
    opening: Opening,
    pub(super) root: Branch,
    parts: BTreeMap<String, Branch>,
}

/// One run of the tree, and its unsent entries.
pub(super) struct Branch {
    pub(super) remote: OpenRun,
    batch: EntryBatch,
    inputs: Vec<InputData>,
    /// When it finished, in milliseconds.
    finished: Option<i64>,
}

impl Tree {
    /// Finds the server's copy of a run, or creates one. `hint` is its id from the last replay.
    pub(super) fn open(
        client: &MlflowClient,
        opening: Opening,
        hint: Option<&str>,
    ) -> Result<Self, TrackingError> {
        let known = hint
            .map(|id| search::get_run(client, id, opening.run))
            .transpose()?
            .flatten();
        let run = match known {
            Some(run) => run,
            None => search::find_or_create(client, &opening)?,
        };
        let run = if run.is_deleted() && client.restores() {
            search::restore(client, &opening, run)?
        } else {
            run
        };
        let mut children = search::children(client, &run, opening.run)?;
        // If there are several of one part, the most complete that was not deleted comes last and is used.
        children.sort_by_key(|child| (!child.is_deleted(), child.number(LINES_TAG)));
        let named = |child: RemoteRun| {
            Some((
                child.tag(search::PART_TAG)?.to_owned(),
                Branch::new(client, child),
            ))
        };
        let parts = children.into_iter().filter_map(named).collect();
        Ok(Self {
            client: client.clone(),
            opening,
            root: Branch::new(client, run),
            parts,
        })
    }

    /// Returns the number of journal lines that the server has for the run and all its parts.
    pub(super) fn lines(&self) -> u64 {
        self.root.remote.lines()
    }

    /// Returns whether the run was deleted on the server.
    pub(super) fn is_deleted(&self) -> bool {
        self.root.remote.run().is_deleted()
    }

    /// Adds a line of the journal to the run it belongs to; `number` counts from 1.
    pub(super) fn take(
        &mut self,
        number: u64,
        Stamped { at, line }: Stamped,
    ) -> Result<(), TrackingError> {
        let at = at.as_millisecond();
        let here = (number, at);
        match line {
            JournalLine::Metric { key, step, value } => {
                let (part, key) = parts::divide(&key);
                self.add(part, here, |branch| {
                    branch.batch.metric(key, step, value, at)
                })
            }
            JournalLine::Tag { key, value } => {
                self.add(None, here, |branch| branch.batch.tag(&key, &value))
            }
            JournalLine::Param { key, value } => {
                self.add(None, here, |branch| branch.param(&key, &value))
            }
            JournalLine::PartStarted { part, params } => self.add(Some(&part), here, |branch| {
                for (key, value) in &params {
                    branch.param(key, value);
                }
            }),
            // The end is sent after the tag with the number of lines, so it may be missing.
            JournalLine::PartFinished { part } => self
                .part(&part, at)
                .map(|branch| branch.finished = Some(at)),
            JournalLine::Input { part, data } => {
                let part = Some(part.as_str()).filter(|part| !part.is_empty());
                self.add(part, here, |branch| branch.inputs.push(data))
            }
            // MLflow has no equivalent; the journal that is uploaded at the end holds these.
            JournalLine::StageStarted { .. }
            | JournalLine::StageCached { .. }
            | JournalLine::StageFinished { .. } => Ok(()),
            JournalLine::Artifact { .. }
            | JournalLine::Warning { .. }
            | JournalLine::End { .. } => Ok(()),
        }
    }

    /// Returns whether a batch must be sent before more lines are added.
    pub(super) fn is_full(&self) -> bool {
        self.root.batch.is_full() || self.parts.values().any(|branch| branch.batch.is_full())
    }

    /// Adds a tag to the run itself.
    pub(super) fn tag(&mut self, key: &str, value: &str) {
        self.root.batch.tag(key, value);
    }

    /// Returns whether there are unsent entries.
    pub(super) fn has_news(&self) -> bool {
        self.root.has_news() || self.parts.values().any(Branch::has_news)
    }

    /// Sends all entries. The parts first, because the number of lines of the run itself covers all of them.
    pub(super) fn flush(&mut self, lines: u64) -> Result<(), TrackingError> {
        for branch in self.parts.values_mut().filter(|branch| branch.has_news()) {
            branch.flush(lines)?;
        }
        self.root.flush(lines)
    }

    /// Ends the unfinished parts with the status of the run, and deletes empty copies.
    pub(super) fn settle(
        &mut self,
        status: &str,
        end_time: Option<i64>,
    ) -> Result<(), TrackingError> {
        let branches = self.parts.values().chain([&self.root]);
        let kept = branches
            .map(|branch| branch.remote.run().info.run_id.clone())
            .collect();
        search::delete_strays(
            &self.client,
            self.root.remote.run(),
            self.opening.run,
            &kept,
        )?;
        let mut open = self.parts.values_mut().filter(|branch| branch.is_running());
        open.try_for_each(|branch| branch.remote.end(status, end_time))
    }

    /// Returns what the server refused.
    pub(super) fn problems(&self) -> Vec<String> {
        let of_part = |(part, branch): (&String, &Branch)| {
            branch
                .remote
                .problems
                .iter()
                .map(|problem| format!("{part}: {problem}"))
                .collect::<Vec<_>>()
        };
        self.root
            .remote
            .problems
            .iter()
            .cloned()
            .chain(self.parts.iter().flat_map(of_part))
            .collect()
    }

    /// Adds a line to the run it belongs to, unless that has it already or was deleted.
    fn add(
        &mut self,
        part: Option<&str>,
        (number, at): (u64, i64),
        line: impl FnOnce(&mut Branch),
    ) -> Result<(), TrackingError> {
        let branch = match part {
            None => &mut self.root,
            Some(part) => self.part(part, at)?,
        };
        if !branch.remote.run().is_deleted() && branch.remote.lines() < number {
            line(branch);
        }
        Ok(())
    }

    fn part(&mut self, part: &str, at: i64) -> Result<&mut Branch, TrackingError> {
        if !self.parts.contains_key(part) {
            let parent = match parts::above(part) {
                Some(above) => self.part(above, at)?.remote.run().clone(),
                None => self.root.remote.run().clone(),
            };
            let child = search::create_child(&self.client, &self.opening, &parent, part, at)?;
            self.parts
                .insert(part.to_owned(), Branch::new(&self.client, child));
        }
        Ok(self.parts.get_mut(part).expect("the lines above make it"))
    }
}

impl Branch {
    fn new(client: &MlflowClient, run: RemoteRun) -> Self {
        Self {
            remote: OpenRun::new(client, run),
            batch: EntryBatch::default(),
            inputs: Vec::new(),
            finished: None,
        }
    }

    fn param(&mut self, key: &str, value: &str) {
        if let Err(key) = self.batch.param(key, value) {
            self.remote.report(format!(
                "parameter `{key}` is refused: it was logged before with another value"
            ));
        }
    }

    fn has_news(&self) -> bool {
        !self.batch.is_empty()
            || !self.inputs.is_empty()
            || self.finished.is_some() && self.is_running()
    }

    fn is_running(&self) -> bool {
        self.remote.run().info.status == "RUNNING" && !self.remote.run().is_deleted()
    }

    fn flush(&mut self, lines: u64) -> Result<(), TrackingError> {
        self.remote.send_inputs(&self.inputs)?;
        self.inputs.clear();
        self.remote.send(std::mem::take(&mut self.batch), lines)?;
        match self.finished.take() {
            Some(at) if self.is_running() => self.remote.end("FINISHED", Some(at)),
            _ => Ok(()),
        }
    }
}
