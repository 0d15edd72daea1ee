use std::collections::BTreeMap;
use std::fmt;

use crate::interruption::Struck;

/// What was met so far.
#[derive(Default)]
pub(crate) struct Tally {
    /// Commands that ended before their interruption.
    missed: u64,
    killed: Outcomes,
    /// Were neither killed nor gave up.
    went_on: u64,
    gave_up: Outcomes,
    faults: BTreeMap<String, u64>,
    kept_uploads: u64,
    registries: u64,
}

/// How often, and how often the log held the entry nevertheless.
#[derive(Default)]
struct Outcomes {
    all: u64,
    written: u64,
}

impl Outcomes {
    fn add(&mut self, is_written: bool) {
        self.all += 1;
        self.written += u64::from(is_written);
    }
}

impl fmt::Display for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({} after their entry was written)",
            self.all, self.written
        )
    }
}

impl Tally {
    /// Returns how many interruptions hit a command at work.
    pub(crate) fn moments(&self) -> u64 {
        self.killed.all + self.went_on + self.gave_up.all
    }

    pub(crate) fn add(&mut self, struck: &Struck, is_written: bool) {
        for (name, count) in &struck.faults {
            *self.faults.entry(name.clone()).or_default() += count;
        }
        match struck.code {
            None => self.killed.add(is_written),
            _ if !struck.is_spoilt() => self.missed += 1,
            Some(0) => self.went_on += 1,
            Some(_) => self.gave_up.add(is_written),
        }
    }

    /// Notes unfinished uploads that a command finds.
    pub(crate) fn kept(&mut self, uploads: u64) {
        self.kept_uploads += uploads;
    }

    pub(crate) fn registry(&mut self) {
        self.registries += 1;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            missed,
            killed,
            went_on,
            gave_up,
            kept_uploads,
            registries,
            ..
        } = self;
        writeln!(
            f,
            "{} interruptions of push and promote; {missed} more came too late",
            self.moments()
        )?;
        writeln!(f, "  killed                 {killed}")?;
        if !self.faults.is_empty() {
            let faults: Vec<_> = self
                .faults
                .iter()
                .map(|(name, count)| format!("{name} {count}"))
                .collect();
            writeln!(f, "  requests by the proxy  {}", faults.join(", "))?;
            writeln!(f, "  went on by themselves  {went_on}")?;
            writeln!(f, "  gave up, exit code 75  {gave_up}")?;
            writeln!(f, "  uploads left half done {kept_uploads}")?;
        }
        write!(
            f,
            "  failures 0: clean after each, done by the same command again, {registries} logs as if nothing had been"
        )
    }
}
