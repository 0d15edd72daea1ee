//! Reads the files of a data set into raw rows, with their digests and findings.

use std::collections::BTreeMap;
use std::path::Path;

use rayon::prelude::*;
use serde_json::json;

use super::cmapss::{self, RulRow};
use super::csv::RequestedCsv;
use super::findings::{FindingLocation, FindingLog};
use super::part::present;
use super::prepare::{Ends, Events, prepare};
use super::quality::Pinned;
use super::rows::Rows;
use super::simulate::SimulationOrigin;
use super::source::{SourceFile, read_binary, read_text};
use super::table::{self, TableColumns, TableFormat};
use super::{
    DataError, DatasetOptions, EndOfLife, Expectation, LifeOptions, LifeRecord, PartFile,
    PreparationReport, Role, Schema, Verify,
};
use pdm_core::content::{Digest, digest_of};
use pdm_core::domain::UnitId;

/// A data set as read, with the findings of its files; [`super::validate`] turns it into a valid one.
#[derive(Debug, Clone)]
pub struct RawDataset {
    pub(super) name: String,
    pub(super) digest: Digest,
    pub(super) schema: Schema,
    /// Whether units are numbered 1, 2, 3, … in every file.
    pub(super) numbered: bool,
    pub(super) parts: Vec<RawPart>,
    /// What is known about the histories of the training part, if it has a time column.
    pub(super) lives: BTreeMap<UnitId, LifeRecord>,
    pub(super) preparation: Option<PreparationReport>,
    pub(super) log: FindingLog,
}

/// One file as read.
#[derive(Debug, Clone)]
pub(super) struct RawPart {
    pub(super) role: Role,
    /// The group it belongs to in a pooled data set.
    pub(super) group: Option<String>,
    /// Its path below the project, if it is one of several files of its role.
    pub(super) name: Option<String>,
    /// The path, relative to the project if it is inside it.
    pub(super) file: String,
    pub(super) sha256: Digest,
    pub(super) bytes: u64,
    pub(super) pinned: Pinned,
    pub(super) expected: Option<ExpectedCounts>,
    /// What the file holds, if it is one of several whose rows were joined.
    pub(super) own: Option<OwnCounts>,
    pub(super) content: FileContent,
}

/// Numbers of units and rows of one of several files.
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnCounts {
    pub(super) units: u64,
    pub(super) rows: u64,
}

/// Known numbers of units and rows of a part.
#[derive(Debug, Clone, Copy)]
pub(super) struct ExpectedCounts {
    pub(super) units: u64,
    pub(super) rows: Option<u64>,
}

#[derive(Debug, Clone)]
pub(super) enum FileContent {
    Histories(Rows),
    Rul(Vec<RulRow>),
    Events(Events),
    /// The rows are among those of the first file of its role.
    Joined,
    /// The file could not be parsed.
    Unread,
}

/// Reads all files of a data set that exist, and takes their digests.
///
/// Damage becomes findings of the data set, so that all of it is reported at once.
///
/// # Errors
/// The training file is missing, or a file cannot be read.
pub fn ingest(options: &DatasetOptions, root: &Path) -> Result<RawDataset, DataError> {
    let mut log = FindingLog::default();
    let schema = options.schema();
    let present = present(options, root)?;
    let origin = match options {
        DatasetOptions::Simulated(options) => SimulationOrigin::read(options, root, &mut log)?,
        DatasetOptions::Cmapss(_) | DatasetOptions::Table(_) => None,
    };
    let read = |part: PartFile| {
        let mut log = FindingLog::default();
        let published = published(options, origin.as_ref(), &part);
        let part = read_part(options, &schema, part, published, root, &mut log)?;
        Ok((part, log))
    };
    let read: Vec<Result<(RawPart, FindingLog), DataError>> =
        present.into_par_iter().map(read).collect();
    let mut parts = Vec::new();
    for part in read {
        let (part, of_part) = part?;
        parts.push(part);
        log.append(of_part);
    }
    join_files(&schema, options.life(), &mut parts);
    check_pairs(&parts, &mut log);
    let digest = digest_of_parts(&schema, options.life(), &parts);
    let Preparation {
        lives,
        report: preparation,
    } = prepare_parts(options, &schema, &mut parts, &mut log);
    let numbered = !matches!(options, DatasetOptions::Table(_));
    Ok(RawDataset {
        name: options.name(),
        digest,
        schema,
        numbered,
        parts,
        lives,
        preparation,
        log,
    })
}

impl RawDataset {
    /// Returns the name, such as `FD001`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the digest of the columns and of the contents of all parts.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Returns the histories of a part with its file.
    pub(super) fn histories(&self) -> impl Iterator<Item = (&RawPart, &Rows)> {
        self.parts.iter().filter_map(|part| match &part.content {
            FileContent::Histories(rows) => Some((part, rows)),
            FileContent::Rul(_)
            | FileContent::Events(_)
            | FileContent::Joined
            | FileContent::Unread => None,
        })
    }

    /// Returns the true remaining useful lives with their files, one for each group.
    pub(super) fn rul(&self) -> impl Iterator<Item = (&RawPart, &[RulRow])> {
        self.parts.iter().filter_map(|part| match &part.content {
            FileContent::Rul(rows) => Some((part, rows.as_slice())),
            FileContent::Histories(_)
            | FileContent::Events(_)
            | FileContent::Joined
            | FileContent::Unread => None,
        })
    }

    /// Returns the histories that a file of true remaining useful lives belongs to.
    pub(super) fn test_of(&self, rul: &RawPart) -> Option<&Rows> {
        let mut tests = self
            .histories()
            .filter(|(part, _)| part.role == Role::Test && part.group == rul.group);
        tests.next().map(|(_, rows)| rows)
    }
}

fn digest_of_parts(schema: &Schema, life: Option<&LifeOptions>, parts: &[RawPart]) -> Digest {
    let file = |part: &RawPart| match part.group.as_ref().or(part.name.as_ref()) {
        None => json!([part.role, part.sha256]),
        Some(name) => json!([part.role, name, part.sha256]),
    };
    let files: Vec<_> = parts.iter().map(file).collect();
    let digest = match life {
        Some(life) => digest_of(&(schema, files, life)),
        None => digest_of(&(schema, files)),
    };
    digest.expect("names and digests have a JSON form")
}

fn read_part(
    options: &DatasetOptions,
    schema: &Schema,
    part: PartFile,
    published: Published,
    root: &Path,
    log: &mut FindingLog,
) -> Result<RawPart, DataError> {
    let PartFile {
        role,
        group,
        name,
        path,
    } = part;
    let file = shown_path(&path, root);
    let (format, requested) = match options {
        DatasetOptions::Table(options) => (TableFormat::of(&path), options.csv()),
        DatasetOptions::Cmapss(_) | DatasetOptions::Simulated(_) => (None, RequestedCsv::default()),
    };
    let source = match format {
        Some(TableFormat::Parquet) => read_binary(&path, &file, log)?,
        Some(TableFormat::Csv) | None => read_text(&path, requested.encoding, &file, log)?,
    };
    let pinned = check_pinned(published, &source, &file, log);
    let content = match &source.contents {
        Some(bytes) => {
            let form = FileForm {
                format,
                role,
                requested,
            };
            parse(options, form, bytes, schema, &file, log)
        }
        None => FileContent::Unread,
    };
    let expected = expected_counts(options, role, group.as_deref());
    Ok(RawPart {
        role,
        group,
        name,
        file,
        sha256: source.sha256,
        bytes: source.bytes,
        pinned,
        expected,
        own: None,
        content,
    })
}

/// Joins the rows of several files of one role in the first of them.
fn join_files(schema: &Schema, life: Option<&LifeOptions>, parts: &mut [RawPart]) {
    for role in [Role::Train, Role::Test] {
        let is_marked =
            role == Role::Train && life.is_some_and(|life| life.end == EndOfLife::Column);
        let channels = schema.channels().count() + usize::from(is_marked);
        let mut files = Vec::new();
        for part in &mut *parts {
            if part.role != role || part.name.is_none() {
                continue;
            }
            let content = std::mem::replace(&mut part.content, FileContent::Joined);
            match content {
                FileContent::Histories(rows) => {
                    part.own = Some(OwnCounts {
                        units: rows.units() as u64,
                        rows: rows.len() as u64,
                    });
                    files.push((part.file.clone(), rows));
                }
                FileContent::Rul(_)
                | FileContent::Events(_)
                | FileContent::Joined
                | FileContent::Unread => part.content = content,
            }
        }
        let first = parts
            .iter_mut()
            .find(|part| part.role == role && part.own.is_some());
        if let Some(first) = first {
            first.content = FileContent::Histories(Rows::joined(files, channels));
        }
    }
}

/// What is known about the training histories.
#[derive(Default)]
struct Preparation {
    lives: BTreeMap<UnitId, LifeRecord>,
    report: Option<PreparationReport>,
}

/// Puts the rows of all parts on the grid, if the table has a time column.
fn prepare_parts(
    options: &DatasetOptions,
    schema: &Schema,
    parts: &mut [RawPart],
    log: &mut FindingLog,
) -> Preparation {
    let Some(time) = &schema.time else {
        return Preparation::default();
    };
    let events = parts.iter().find_map(|part| match &part.content {
        FileContent::Events(events) => Some(events.clone()),
        FileContent::Histories(_)
        | FileContent::Rul(_)
        | FileContent::Joined
        | FileContent::Unread => None,
    });
    let mut preparation = Preparation::default();
    for part in parts {
        let FileContent::Histories(rows) = &part.content else {
            continue;
        };
        let ends = match part.role {
            Role::Train => Ends::of(options.life(), events.as_ref()),
            Role::Test | Role::Rul | Role::Events => Ends::Unknown,
        };
        let prepared = prepare(rows, time, schema, ends, &part.file, log);
        part.content = FileContent::Histories(prepared.rows);
        if part.role != Role::Train {
            continue;
        }
        // Where the events could not be read, that is what is wrong.
        let are_ends_known = !matches!(ends, Ends::Unknown);
        if are_ends_known && prepared.report.failed == 0 && prepared.report.machines > 0 {
            let message = format!(
                "none of the {} units has failed: a remaining life can only be learnt from units that did",
                prepared.report.machines
            );
            log.error(
                Expectation::UnitCounts,
                FindingLocation::file(&part.file),
                message,
            );
        }
        preparation.lives = prepared.lives;
        preparation.report = Some(prepared.report);
    }
    preparation
}

/// How the bytes of a file are read.
#[derive(Debug, Clone, Copy)]
struct FileForm {
    /// Absent for the text format of C-MAPSS.
    format: Option<TableFormat>,
    role: Role,
    requested: RequestedCsv,
}

fn parse(
    options: &DatasetOptions,
    form: FileForm,
    bytes: &[u8],
    schema: &Schema,
    file: &str,
    log: &mut FindingLog,
) -> FileContent {
    let FileForm {
        format,
        role,
        requested,
    } = form;
    match role {
        Role::Rul => FileContent::Rul(match format {
            None => cmapss::rul(bytes, file, log),
            Some(format) => table::rul(format, bytes, &schema.unit, requested, file, log),
        }),
        Role::Events => match options.life() {
            Some(life) => {
                FileContent::Events(Events::read(bytes, life, schema, requested, file, log))
            }
            None => FileContent::Unread,
        },
        Role::Train | Role::Test => {
            let Some(format) = format else {
                return histories(cmapss::histories(bytes, schema, file, log));
            };
            match columns_of(options, role, schema).in_file(schema, file) {
                Ok(columns) => {
                    histories(table::read(format, bytes, &columns, requested, file, log))
                }
                Err(message) => {
                    log.error(Expectation::Columns, FindingLocation::file(file), message);
                    FileContent::Unread
                }
            }
        }
    }
}

/// Returns the columns of histories; those of the training part may have one more, which marks the end of a life.
fn columns_of<'a>(options: &'a DatasetOptions, role: Role, schema: &'a Schema) -> TableColumns<'a> {
    let mut columns = TableColumns::of(schema);
    let life = options.life().filter(|life| life.end == EndOfLife::Column);
    if role == Role::Train
        && let Some(mark) = life.and_then(|life| life.column.as_deref())
    {
        columns.channels.push(mark);
    }
    columns
}

fn histories(rows: Option<Rows>) -> FileContent {
    rows.map_or(FileContent::Unread, FileContent::Histories)
}

pub(super) fn shown_path(path: &Path, root: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string()
}

/// The expected digest of a file.
enum Published {
    Known {
        sha256: Digest,
        verdict: &'static str,
    },
    Unchecked,
    Unknown,
}

fn published(
    options: &DatasetOptions,
    origin: Option<&SimulationOrigin>,
    part: &PartFile,
) -> Published {
    let (sha256, verdict) = match options {
        DatasetOptions::Cmapss(options) if options.verify == Verify::Off => {
            return Published::Unchecked;
        }
        DatasetOptions::Cmapss(options) => {
            let file = options.published(part.role, part.group.as_deref());
            (
                file.map(|file| file.sha256),
                "this copy differs from NASA's",
            )
        }
        DatasetOptions::Simulated(_) => (
            origin.and_then(|origin| origin.digest(part.role)),
            "this file is not what was simulated",
        ),
        DatasetOptions::Table(_) => (None, ""),
    };
    sha256.map_or(Published::Unknown, |sha256| Published::Known {
        sha256,
        verdict,
    })
}

fn check_pinned(
    published: Published,
    source: &SourceFile,
    file: &str,
    log: &mut FindingLog,
) -> Pinned {
    let (expected, verdict) = match published {
        Published::Known { sha256, .. } if sha256 == source.sha256 => return Pinned::Matches,
        Published::Known { sha256, verdict } => (sha256, verdict),
        Published::Unchecked => return Pinned::Unchecked,
        Published::Unknown => return Pinned::Unknown,
    };
    let message = format!(
        "{verdict}: sha256 is {}, expected {expected}",
        source.sha256
    );
    log.error(Expectation::Pinned, FindingLocation::file(file), message);
    Pinned::Differs
}

fn expected_counts(
    options: &DatasetOptions,
    role: Role,
    group: Option<&str>,
) -> Option<ExpectedCounts> {
    match options {
        DatasetOptions::Cmapss(options) => {
            let published = options.published(role, group)?;
            Some(ExpectedCounts {
                units: published.units,
                rows: Some(published.rows),
            })
        }
        DatasetOptions::Simulated(options) => {
            let units = if role == Role::Train {
                options.train_units
            } else {
                options.test_units
            };
            Some(ExpectedCounts {
                units: u64::from(units),
                rows: None,
            })
        }
        DatasetOptions::Table(_) => None,
    }
}

/// Logs an incomplete test part: histories without truth, or truth without histories.
fn check_pairs(parts: &[RawPart], log: &mut FindingLog) {
    for part in parts {
        let (other, missing) = match part.role {
            Role::Test => (Role::Rul, "file with its true remaining useful lives"),
            Role::Rul => (Role::Test, "test file that belongs to it"),
            Role::Train | Role::Events => continue,
        };
        if !parts
            .iter()
            .any(|there| there.role == other && there.group == part.group)
        {
            let message =
                format!("exists, but the {missing} does not: install both files or neither");
            log.error(
                Expectation::RulRows,
                FindingLocation::file(&part.file),
                message,
            );
        }
    }
}
