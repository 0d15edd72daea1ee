use std::path::Path;

use jiff::Timestamp;
use pdm_ml::registry::blocking::Registry;
use pdm_ml::registry::{HistoryAction, HistoryRow, ModelRef, OpenOptions, Stamp, Store};
use pdm_ml::scoring::Verdict;
use serde_json::Value;

use crate::Outcome;
use crate::interruption::Struck;
use crate::program::{MODEL, Program, Step};

/// What a registry's log must hold: the steps that were taken, each once.
pub(crate) struct Ledger {
    url: String,
    rows: Vec<Row>,
    /// Keys of what a stranger brought, which `verify` must name and nothing else.
    strange: Vec<String>,
}

/// What was done, the version the alias pointed to before, and the version it is about.
type Row = (HistoryAction, Option<u32>, u32);

impl Ledger {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            rows: Vec::new(),
            strange: Vec::new(),
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn champion(&self) -> Option<u32> {
        self.rows
            .iter()
            .rev()
            .find(|row| row.0 == HistoryAction::Promote)
            .map(|row| row.2)
    }

    /// Notes what a stranger brought.
    pub(crate) fn expect(&mut self, strange: Vec<String>) {
        self.strange = strange;
        self.strange.sort();
    }

    /// Keeps notes until the log has so many entries.
    pub(crate) fn fill(&mut self, entries: usize) -> Outcome {
        let (registry, first) = (self.open()?, ModelRef::version(MODEL.parse()?, 1));
        while self.rows.len() < entries {
            registry.annotate(
                &first,
                "a note",
                &Stamp {
                    time: Timestamp::now(),
                    actor: "setup".to_owned(),
                },
            )?;
            self.rows.push((HistoryAction::Annotate, None, 1));
        }
        Ok(())
    }

    /// Verifies the registry after a command was interrupted, and returns whether its entry is there.
    pub(crate) fn look(&self, program: &Program, struck: &Struck) -> Outcome<bool> {
        if !matches!(struck.code, None | Some(0 | 75)) {
            return Err(format!("exit code {:?}: {}", struck.code, struck.stderr).into());
        }
        let (entries, before) = (self.verify(program)?, self.rows.len() as u64);
        if entries != before + 1 && (entries != before || struck.code == Some(0)) {
            return Err(format!(
                "exit code {:?}, and {entries} entries after {before}",
                struck.code
            )
            .into());
        }
        Ok(entries > before)
    }

    /// Returns how many entries there are in the registry, of which nothing but a stranger's objects may be wrong.
    fn verify(&self, program: &Program) -> Outcome<u64> {
        let words = [
            "registry",
            "verify",
            "--registry",
            &self.url,
            "--format",
            "json",
        ];
        let output = program.command("pdm-ml", &words).output()?;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        // Killed before anything was written.
        if self.rows.is_empty() && stderr.contains("there is no registry in") {
            return Ok(0);
        }
        let expected = if self.strange.is_empty() { 0 } else { 40 };
        if output.status.code() != Some(expected) {
            return Err(format!("{}: {stderr}", output.status).into());
        }
        let report: Value = serde_json::from_slice(&output.stdout)?;
        let findings = report["findings"].as_array().ok_or("no findings")?;
        let found: Vec<_> = findings
            .iter()
            .map(|finding| finding["key"].as_str().unwrap_or_default())
            .collect();
        if found != self.strange {
            return Err(format!("verify names {found:?} instead of {:?}", self.strange).into());
        }
        report["entries"].as_u64().ok_or("no entries".into())
    }

    /// Notes that a step was taken, and holds the whole log against all that were.
    pub(crate) fn written(&mut self, step: Step) -> Outcome {
        self.rows.push(match step {
            Step::Push(version) => (HistoryAction::Register, None, version),
            Step::Promote(version) => (HistoryAction::Promote, self.champion(), version),
        });
        let registry = self.open()?;
        let rows = registry.history(&MODEL.parse()?, None, None)?;
        let found: Vec<Row> = rows
            .iter()
            .map(|row| (row.action, row.from, row.version))
            .collect();
        if found != self.rows
            || rows
                .iter()
                .zip(1..)
                .any(|(row, number)| row.entry != number)
        {
            return Err(format!("the log holds {found:?} instead of {:?}", self.rows).into());
        }
        let aliases = registry
            .list(None)?
            .into_iter()
            .flat_map(|model| model.aliases.into_values());
        if aliases.collect::<Vec<_>>() != self.champion().into_iter().collect::<Vec<_>>() {
            return Err(format!("the alias does not point to {:?}", self.champion()).into());
        }
        rows.iter()
            .filter(|row| row.action == HistoryAction::Promote)
            .try_for_each(|row| check_gates(&registry, row))
    }

    fn open(&self) -> Outcome<Registry> {
        let (here, variable) = (std::env::current_dir()?, |name: &str| {
            std::env::var(name).ok()
        });
        let surroundings = OpenOptions {
            variable: &variable,
            ..here.as_path().into()
        };
        Ok(Registry::new(Store::open(&self.url, surroundings)?)?)
    }

    /// Verifies the registry, and holds the files of all its versions against those that were pushed.
    pub(crate) fn check_blobs(&self, program: &Program) -> Outcome {
        let entries = self.verify(program)?;
        if entries != self.rows.len() as u64 {
            return Err(format!(
                "{}: {entries} entries instead of {}",
                self.url,
                self.rows.len()
            )
            .into());
        }
        for (_, _, version) in self
            .rows
            .iter()
            .filter(|row| row.0 == HistoryAction::Register)
        {
            let into = tempfile::tempdir_in(program.project())?;
            let folder = into
                .path()
                .to_str()
                .ok_or("a folder with no Unicode name")?;
            let model = format!("{MODEL}/{version}");
            program.must(&[
                "registry",
                "fetch",
                &model,
                "--registry",
                &self.url,
                "--into",
                folder,
            ])?;
            same_files(&program.bundle(*version), into.path())?;
        }
        Ok(())
    }
}

/// A promotion must have been judged against the version it replaced.
fn check_gates(registry: &Registry, row: &HistoryRow) -> Outcome {
    let report = registry.report(row.report.ok_or("a promotion without its gates")?)?;
    let judged = report.champion.map(|champion| champion.version);
    if (judged, report.verdict) == (row.from, Verdict::Pass) {
        return Ok(());
    }
    Err(format!(
        "entry {} replaced {:?} and was judged against {judged:?}",
        row.entry, row.from
    )
    .into())
}

fn same_files(expected: &Path, found: &Path) -> Outcome {
    for file in expected.read_dir()? {
        let name = file?.file_name();
        if std::fs::read(expected.join(&name))? != std::fs::read(found.join(&name))? {
            return Err(format!(
                "{} differs from {}",
                found.join(&name).display(),
                expected.display()
            )
            .into());
        }
    }
    Ok(())
}
