//! `registry`: list, show, diff, history, verify, keygen, register, rollback, annotate, retire, push, pull, copy, fetch, gc, export.

mod diff;
mod export;
mod gc;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::{keygen, pipeline};
use crate::cli::args::{self, Keeper, PipelineArgs, RegistryArgs, RegistryCommand};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::outputs::Outputs;
use crate::cli::settings;
use crate::cli::ui::{self, Ui};
use pdm_core::codes::Code;
use pdm_engine::config::Stage;
use pdm_engine::engine::Context;
use pdm_report::report::{self, Align, table};
use pdm_store::registry::blocking::Registry;
use pdm_store::registry::{
    Alias, ClockSetBack, Collection, Copied, HistoryAction, HistoryRow, ModelName, ModelRef,
    ModelSummary, NotedError, OpenOptions, RegistryError, RegistryRole, Target, VerifyReport,
    VersionDetail, s3_policy,
};

pub(super) fn run(command: &RegistryCommand, ui: &Ui) -> Result<Exit, CliError> {
    match command {
        RegistryCommand::List(args) => {
            let models = open(args, ui)?.1.list(None)?;
            ui.show(&models, || list(&models))?;
        }
        RegistryCommand::Show { model, registry } => {
            let detail = open(registry, ui)?.1.show(&model.parse()?)?;
            ui.show(&detail, || show(&detail))?;
        }
        RegistryCommand::Diff { a, b, to, registry } => {
            diff::run(a, b, to.as_deref(), registry, ui)?
        }
        RegistryCommand::Gc(args) => gc::run(args, ui)?,
        RegistryCommand::Export {
            model,
            oci,
            tag,
            registry,
        } => export::run(model, oci, tag.as_deref(), registry, ui)?,
        RegistryCommand::History {
            model,
            at,
            registry,
        } => {
            history(&open(registry, ui)?.1, model.as_deref(), at.as_deref(), ui)?;
        }
        RegistryCommand::Push {
            model,
            to,
            registry,
        } => {
            let (context, from) = open(registry, ui)?;
            let to = beside(to, &context)?;
            copied(&[from.copy(&model.parse()?, &to, &context.stamp())?], ui)?;
        }
        RegistryCommand::Pull {
            model,
            from,
            registry,
        } => {
            let (context, to) = open(registry, ui)?;
            let from = beside(from, &context)?;
            copied(&[from.copy(&model.parse()?, &to, &context.stamp())?], ui)?;
        }
        RegistryCommand::Copy { from, to, models } => copied(&copy(from, to, models, ui)?, ui)?,
        RegistryCommand::Fetch {
            model,
            into,
            registry,
        } => {
            let registry =
                open_to_write(registry, Outputs::default().known("--into", Some(into)), ui)?.1;
            let version = registry.resolve(&model.parse()?, None)?;
            registry.fetch_bundle(&version, into)?;
            ui.show(&version, || {
                let bytes: u64 = version.files.iter().map(|file| file.bytes).sum();
                let files = version.files.len();
                format!(
                    "{}/{}: {files} files, {bytes} bytes in {}",
                    version.model,
                    version.version,
                    into.display()
                )
            })?;
        }
        RegistryCommand::Verify { head, registry } => {
            let registry = open(registry, ui)?.1;
            let report = match head {
                Some(head) => registry.verify_head(head.parse().map_err(noted)?)?,
                None => registry.verify()?,
            };
            return verify(&report, ui);
        }
        RegistryCommand::Register {
            stage,
            refused: false,
        } => return pipeline::run(stage, Stage::Register, ui),
        RegistryCommand::Register {
            stage,
            refused: true,
        } => return pipeline::register_refused(stage, ui),
        RegistryCommand::Policy {
            keeper: Keeper::S3,
            role,
            principal,
            registry,
        } => {
            let url = match &registry.registry {
                Some(url) => url.clone(),
                None => {
                    settings::resolve(&PipelineArgs::default(), ui)?
                        .1
                        .spec
                        .registry
                        .url
                }
            };
            let role = match role {
                args::RoleArg::Reader => RegistryRole::Reader,
                args::RoleArg::Publisher => RegistryRole::Publisher,
                args::RoleArg::Promoter => RegistryRole::Promoter,
                args::RoleArg::Collector => RegistryRole::Collector,
            };
            let policy = s3_policy(&url, role, principal.as_deref())?;
            ui.show_verbatim(&policy, || {
                serde_json::to_string_pretty(&policy).expect("a policy is JSON")
            })?;
        }
        RegistryCommand::Keygen { file } => return keygen::run(file, ui),
        RegistryCommand::Annotate {
            model,
            note,
            registry,
        } => {
            let (context, registry) = open(registry, ui)?;
            let added = registry.annotate(&model.parse()?, note, &context.stamp())?;
            ui.show(&added, || {
                format!("{}/{}: note added", added.model, added.version)
            })?;
        }
        RegistryCommand::Retire {
            model,
            reason,
            registry,
        } => {
            let (context, registry) = open(registry, ui)?;
            let retirement = registry.retire(&model.parse()?, reason, &context.stamp())?;
            let word = if retirement.entry.is_some() {
                "retired"
            } else {
                "was already retired"
            };
            ui.show(&retirement, || {
                format!("{}/{}: {word}", retirement.model, retirement.version)
            })?;
        }
        RegistryCommand::Rollback {
            model,
            reason,
            registry,
        } => {
            let (context, registry) = open(registry, ui)?;
            let (model, alias) = with_alias(model.parse()?)?;
            let moved = registry.roll_back(&model, &alias, reason, &context.stamp())?;
            ui.show(&moved, || {
                let from = moved
                    .from
                    .map(|from| format!(" (was v{from})"))
                    .unwrap_or_default();
                format!(
                    "{} v{} is {} again{from}",
                    moved.model, moved.to, moved.alias
                )
            })?;
        }
    }
    Ok(Exit::Done)
}

/// Opens the given registry, else that of the pipeline.
fn open(args: &RegistryArgs, ui: &Ui) -> Result<(Context, Registry), CliError> {
    open_to_write(args, Outputs::default(), ui)
}

/// As [`open`], for a command that exports files: they must not be written into the registry itself.
fn open_to_write(
    args: &RegistryArgs,
    outputs: Outputs,
    ui: &Ui,
) -> Result<(Context, Registry), CliError> {
    if let Some(url) = &args.registry {
        let context = settings::context_here(ui)?;
        outputs
            .reads_registry(&context.root, url)
            .reads_project(ui)
            .check(ui)?;
        let registry = Registry::open(url, context.open_options()?)?;
        return Ok((context, registry));
    }
    let (context, job) = settings::resolve(&PipelineArgs::default(), ui)?;
    outputs.reads_pipeline(&context, &job).check(ui)?;
    let registry = context.registry(&job.spec.registry)?;
    Ok((context, registry))
}

/// Opens a registry given on the command line: a path is relative to the current folder.
fn beside(url: &str, context: &Context) -> Result<Registry, CliError> {
    let here = std::env::current_dir().map_err(CliError::resources)?;
    Ok(Registry::open(
        url,
        OpenOptions {
            root: &here,
            ..context.open_options()?
        },
    )?)
}

/// Copies one version after another, so that their order is kept.
fn copy(from: &str, to: &str, models: &[String], ui: &Ui) -> Result<Vec<Copied>, CliError> {
    let context = settings::context_here(ui)?;
    let from = Registry::open(from, context.open_options()?)?;
    let to = Registry::open(to, context.open_options()?)?;
    let state = from.state(None)?;
    let wanted: Vec<ModelName> = match models {
        [] => state.models().map(|(name, _)| name.clone()).collect(),
        named => named
            .iter()
            .map(|name| name.parse())
            .collect::<Result<_, _>>()
            .map_err(RegistryError::from)?,
    };
    let mut copied = Vec::new();
    for name in wanted {
        let known = state.model(&name)?;
        for version in known.versions() {
            if known.collection(version.version).is_some() {
                ui::note(&format!(
                    "{name}/{} was not copied: its files were removed",
                    version.version
                ));
                continue;
            }
            context.reporter.check().map_err(RegistryError::from)?;
            copied.push(from.copy(
                &ModelRef::version(name.clone(), version.version),
                &to,
                &context.stamp(),
            )?);
        }
    }
    Ok(copied)
}

fn copied(copied: &[Copied], ui: &Ui) -> Result<(), CliError> {
    let header = [
        ("model", Align::Left),
        ("from", Align::Right),
        ("to", Align::Right),
        ("bytes", Align::Right),
        ("", Align::Left),
    ];
    let rows = copied.iter().map(|copied| {
        let version = &copied.version;
        let bytes: u64 = version.files.iter().map(|file| file.bytes).sum();
        [
            version.model.to_string(),
            format!("v{}", copied.from),
            format!("v{}", version.version),
            bytes.to_string(),
            if copied.is_new {
                "copied"
            } else {
                "already there"
            }
            .to_owned(),
        ]
    });
    ui.show(&copied, || table(&header, rows))
}

fn list(models: &[ModelSummary]) -> String {
    let header = [
        ("model", Align::Left),
        ("version", Align::Right),
        ("aliases", Align::Left),
        ("kind", Align::Left),
        ("created", Align::Left),
        ("bundle", Align::Left),
    ];
    let rows = models.iter().flat_map(|model| {
        model.versions.iter().rev().map(|version| {
            let mut aliases: Vec<_> = version.aliases.iter().map(ToString::to_string).collect();
            let end = if version.collected {
                "(collected)"
            } else {
                "(retired)"
            };
            aliases.extend(version.retired.then(|| end.to_owned()));
            [
                model.model.to_string(),
                version.version.to_string(),
                aliases.join(", "),
                version.origin.kind.clone(),
                format!("{:.0}", version.origin.created),
                version.bundle.short(),
            ]
        })
    });
    if models.is_empty() {
        "the registry has no models yet".to_owned()
    } else {
        table(&header, rows)
    }
}

fn show(detail: &VersionDetail) -> String {
    let version = &detail.version;
    let aliases: Vec<_> = detail.aliases.iter().map(ToString::to_string).collect();
    let (origin, copied_from) = (&version.origin, version.copied.as_ref());
    let facts = [
        ("model", format!("{}/{}", version.model, version.version)),
        ("aliases", aliases.join(", ")),
        ("bundle", version.bundle.to_string()),
        ("kind", origin.kind.clone()),
        ("pipeline", origin.pipeline.clone()),
        ("run", origin.run.clone()),
        ("training data", origin.data.to_string()),
        ("seed", origin.seed.to_string()),
        ("created", format!("{:.0}", origin.created)),
        (
            "signed by",
            version
                .signatures
                .iter()
                .map(|one| one.key.short())
                .collect::<Vec<_>>()
                .join(", "),
        ),
        (
            "copied from",
            copied_from
                .map(|from| format!("v{} of {}", from.version, from.registry))
                .unwrap_or_default(),
        ),
    ];
    let facts = facts.map(|(name, value)| [name.to_owned(), value]);
    let files = version.files.iter().map(|file| {
        [
            file.path.as_str().to_owned(),
            file.bytes.to_string(),
            file.sha256.to_string(),
        ]
    });
    let parts = [
        table(&[("", Align::Left), ("", Align::Left)], facts),
        table(
            &[
                ("file", Align::Left),
                ("bytes", Align::Right),
                ("sha256", Align::Left),
            ],
            files,
        ),
        detail
            .scorecard
            .as_ref()
            .map(report::scores)
            .unwrap_or_default(),
        rows(&detail.history),
        detail.collected.as_ref().map(collected).unwrap_or_default(),
    ];
    let parts = parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>();
    parts.join("\n\n")
}

fn collected(collection: &Collection) -> String {
    let Collection { entry, time, actor } = collection;
    format!("its files were removed on {time:.0} by {actor} (entry {entry} of the log)")
}

fn history(
    registry: &Registry,
    model: Option<&str>,
    at: Option<&str>,
    ui: &Ui,
) -> Result<(), CliError> {
    let at = at.map(time).transpose()?;
    let known = registry.list(at)?;
    let wanted: Vec<ModelName> = match model {
        Some(model) => vec![model.parse()?],
        None => known.iter().map(|model| model.model.clone()).collect(),
    };
    let mut history = Vec::new();
    for model in &wanted {
        history.extend(registry.history(model, None, at)?);
    }
    history.sort_by_key(|row| row.entry);
    let stood = known
        .iter()
        .filter(|model| wanted.contains(&model.model))
        .flat_map(|model| {
            model
                .aliases
                .iter()
                .map(|(alias, version)| (format!("{}@{alias}", model.model), *version))
        });
    let clocks_set_back = registry.clocks_set_back()?;
    if let Some(first) = clocks_set_back.first() {
        ui::note(&set_back(first, clocks_set_back.len(), at));
    }
    let history = AliasHistory {
        aliases: stood.collect(),
        entries: history,
        clocks_set_back,
    };
    ui.show(&history, || {
        let stood = history
            .aliases
            .iter()
            .map(|(alias, version)| format!("{alias} → v{version}"));
        format!(
            "{}\n\n{}",
            rows(&history.entries),
            stood.collect::<Vec<_>>().join("\n")
        )
    })
}

/// Log entries, and where the aliases pointed after them.
#[derive(Serialize)]
struct AliasHistory {
    aliases: BTreeMap<String, u32>,
    entries: Vec<HistoryRow>,
    /// Entries of the whole log with an earlier time than a preceding entry.
    clocks_set_back: Vec<ClockSetBack>,
}

/// Warns that the times contradict the order of the log, and how `--at` handles it.
fn set_back(first: &ClockSetBack, count: usize, at: Option<Timestamp>) -> String {
    let ClockSetBack {
        entry,
        time,
        after,
        after_time,
    } = first;
    let more = if count > 1 {
        format!(", and {} more like it", count - 1)
    } else {
        String::new()
    };
    let shown = match at {
        Some(_) => {
            "; `--at` goes by the order of the log and shows all entries up to the last one that is not later than the time"
        }
        None => "; the order of the log is used",
    };
    format!(
        "entry {entry} has the time {time:.0}, earlier than entry {after} ({after_time:.0}){more}: a clock was wrong{shown}"
    )
}

fn rows(history: &[HistoryRow]) -> String {
    let header = [
        ("entry", Align::Right),
        ("time", Align::Left),
        ("who", Align::Left),
        ("action", Align::Left),
        ("model", Align::Left),
        ("alias", Align::Left),
        ("from", Align::Left),
        ("to", Align::Left),
        ("why", Align::Left),
    ];
    let rows = history.iter().map(|row| {
        [
            row.entry.to_string(),
            format!("{:.0}", row.time),
            row.actor.clone(),
            done(row.action).to_owned(),
            row.model.to_string(),
            row.alias
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            row.from.map(|from| format!("v{from}")).unwrap_or_default(),
            format!("v{}", row.version),
            if row.forced {
                format!("forced: {}", row.reason)
            } else {
                row.reason.clone()
            },
        ]
    });
    table(&header, rows)
}

fn done(action: HistoryAction) -> &'static str {
    match action {
        HistoryAction::Register => "register",
        HistoryAction::Promote => "promote",
        HistoryAction::Rollback => "rollback",
        HistoryAction::Annotate => "annotate",
        HistoryAction::Approve => "approve",
        HistoryAction::Retire => "retire",
        HistoryAction::Collect => "collect",
    }
}

fn noted(error: NotedError) -> CliError {
    CliError::new(Code::ArgumentValue, error)
        .hint("`pdm-ml registry verify` prints the head; note it where writers of the store cannot change it")
}

fn verify(report: &VerifyReport, ui: &Ui) -> Result<Exit, CliError> {
    if report.is_mostly_unnamed() {
        ui::note(&format!(
            "{} of {} blobs, with {} of {} bytes, are not referenced by the log: interrupted jobs leave such blobs, and so does a log that lost \
             its newest entries; check with `--head` and a head that you noted earlier",
            report.unnamed, report.blobs, report.unnamed_bytes, report.bytes
        ));
    }
    ui.show(report, || {
        let mut lines: Vec<_> = report
            .findings
            .iter()
            .map(|finding| format!("{}: {}", finding.key, finding.what))
            .collect();
        let verdict = if report.is_intact() {
            "intact"
        } else {
            "DAMAGED"
        };
        let VerifyReport {
            entries,
            signed,
            blobs,
            orphans,
            ..
        } = report;
        let counts =
            format!("{entries} log entries ({signed} signed), {blobs} blobs, {orphans} orphans");
        lines.push(format!("{}: {counts}, {verdict}", report.location));
        lines.extend(
            report
                .noted
                .map(|entry| format!("the given head is entry {entry} of {entries}")),
        );
        lines.extend(report.id.map(|id| format!("id {id}")));
        lines.extend(report.head.map(|head| format!("head {head}")));
        lines.join("\n")
    })?;
    Ok(if report.is_intact() {
        Exit::Done
    } else {
        Exit::IntegrityBroken
    })
}

fn with_alias(reference: ModelRef) -> Result<(ModelName, Alias), CliError> {
    match reference.target {
        Target::Alias(alias) => Ok((reference.model, alias)),
        Target::Version(_) | Target::Latest => {
            let error = CliError::new(Code::ArgumentValue, "a rollback moves an alias");
            Err(error.hint("write name@alias, such as turbofan@champion"))
        }
    }
}

/// Reads a time; a date means its end in UTC, so that `--at` includes that day.
fn time(text: &str) -> Result<Timestamp, CliError> {
    let day = || {
        TimeZone::UTC
            .to_timestamp(text.parse::<Date>().ok()?.tomorrow().ok()?.at(0, 0, 0, 0))
            .ok()
    };
    text.parse::<Timestamp>().ok().or_else(day).ok_or_else(|| {
        let error = CliError::new(Code::ArgumentValue, format!("`{text}` is not a time"));
        error.hint("write 2026-11-23 or 2026-11-23T12:00:00Z")
    })
}
