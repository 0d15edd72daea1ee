//! `doctor --for ci`: check everything that a CI job needs, and return the exit code that the job would end with.

use std::collections::BTreeSet;
use std::fs::File;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::cli::args::PipelineArgs;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::settings;
use crate::cli::ui::Ui;
use pdm_core::gates::Rule;
use pdm_engine::engine::{self, Context, Job};
use pdm_models::data::{self, DatasetOptions, PartFile, Role};
use pdm_report::report::{Align, table};
use pdm_store::registry::RegistryError;
use pdm_store::registry::blocking::Registry;
use pdm_tracking::notify::NotifyOptions;
use pdm_tracking::tracking::Patience;

/// Version of the JSON document.
const FORMAT: u32 = 1;
/// Stores refuse requests whose clock differs by more.
const MOST_SKEW: SignedDuration = SignedDuration::from_mins(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Pass,
    Fail,
    /// Not needed, or not checked because an earlier check failed.
    Skip,
}

/// The result of one check.
#[derive(Debug, Serialize)]
struct Check {
    check: &'static str,
    verdict: Verdict,
    found: String,
    hint: Option<String>,
    /// The exit code that the job would end with.
    exit: u8,
}

#[derive(Debug, Serialize)]
struct Report {
    format: u32,
    #[serde(rename = "for")]
    purpose: &'static str,
    verdict: Verdict,
    exit: u8,
    checks: Vec<Check>,
}

impl Check {
    fn pass(check: &'static str, found: impl Into<String>) -> Self {
        Self {
            check,
            verdict: Verdict::Pass,
            found: found.into(),
            hint: None,
            exit: 0,
        }
    }

    fn skip(check: &'static str, found: impl Into<String>) -> Self {
        Self {
            check,
            verdict: Verdict::Skip,
            found: found.into(),
            hint: None,
            exit: 0,
        }
    }

    fn fail(check: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        let (found, hint) = (found.into(), Some(hint.into()));
        Self {
            check,
            verdict: Verdict::Fail,
            found,
            hint,
            exit: Exit::Failed as u8,
        }
    }

    fn error(check: &'static str, error: CliError) -> Self {
        let exit = error.exit() as u8;
        let (found, hint) = error.in_words();
        Self {
            check,
            verdict: Verdict::Fail,
            found,
            hint,
            exit,
        }
    }
}

pub(super) fn run(args: &PipelineArgs, ui: &Ui) -> Result<Exit, CliError> {
    let checks = match settings::resolve(args, ui) {
        Ok((context, job)) => of_project(&context, &job),
        Err(error) => vec![Check::error("pipeline", error)],
    };
    let first = checks.iter().find(|check| check.verdict == Verdict::Fail);
    let (verdict, exit) = first.map_or((Verdict::Pass, 0), |check| (Verdict::Fail, check.exit));
    let report = Report {
        format: FORMAT,
        purpose: "ci",
        verdict,
        exit,
        checks,
    };
    ui.show(&report, || text(&report))?;
    Ok(Exit::of_number(exit))
}

fn of_project(context: &Context, job: &Job) -> Vec<Check> {
    let data = data(context, job);
    let lock = match data.verdict {
        Verdict::Pass | Verdict::Skip => lock(context, job),
        Verdict::Fail => Check::skip("lock", "the data cannot be read"),
    };
    let mut checks = vec![
        pipeline(job),
        folder(context),
        data,
        secrets(context, job),
        lock,
    ];
    match open(context, job) {
        Ok(registry) => checks.extend(of_registry(context, job, &registry)),
        Err(error) => {
            checks.push(Check::error("registry", error));
            let why = "the registry cannot be read";
            checks.extend(
                ["safe registry", "champion", "clock"].map(|check| Check::skip(check, why)),
            );
        }
    }
    checks.push(tracking(context, job));
    checks
}

fn text(report: &Report) -> String {
    let rows = report.checks.iter().map(|check| {
        let mark = match check.verdict {
            Verdict::Pass => "pass",
            Verdict::Fail => "FAIL",
            Verdict::Skip => "skip",
        };
        let hint = check
            .hint
            .as_ref()
            .map(|hint| format!(": {hint}"))
            .unwrap_or_default();
        [
            check.check.to_owned(),
            mark.to_owned(),
            format!("{}{hint}", check.found),
        ]
    });
    let table = table(
        &[
            ("check", Align::Left),
            ("", Align::Left),
            ("found", Align::Left),
        ],
        rows,
    );
    match report.exit {
        0 => format!("{table}\nready for CI"),
        exit => format!("{table}\nnot ready for CI: a job would end with exit code {exit}"),
    }
}

fn pipeline(job: &Job) -> Check {
    if job.label.starts_with('(') {
        return Check::fail(
            "pipeline",
            "no pipeline file",
            "name the pipeline file, or create one with `pdm-ml init`",
        );
    }
    Check::pass(
        "pipeline",
        format!("{} ({})", job.label, job.spec.project.name),
    )
}

/// Cache, runs and lock are written below the project folder.
fn folder(context: &Context) -> Check {
    let state = context.scratch();
    let made = std::fs::create_dir_all(&state).and_then(|()| tempfile::tempfile_in(&state));
    match made.and_then(|_| tempfile::tempfile_in(&context.root)) {
        Ok(_) => Check::pass("write access", context.root.display().to_string()),
        Err(error) => {
            let found = format!("cannot write to {}: {error}", context.root.display());
            Check::fail(
                "write access",
                found,
                "give the user of the job write permission",
            )
        }
    }
}

fn data(context: &Context, job: &Job) -> Check {
    let name = job.spec.dataset.name();
    if matches!(job.spec.dataset, DatasetOptions::Simulated(_)) {
        return Check::pass("data", format!("{name} is simulated"));
    }
    let parts = data::parts(&job.spec.dataset, &context.root);
    // A table needs all files that it names; for C-MAPSS the test part is optional.
    let names_files = matches!(job.spec.dataset, DatasetOptions::Table(_));
    let is_needed =
        |part: &&PartFile| names_files || part.role == Role::Train || part.path.exists();
    let mut roles = BTreeSet::new();
    for part in parts.iter().filter(is_needed) {
        roles.insert(part.role);
        let read = File::open(&part.path).and_then(|file| file.metadata());
        let problem = match read {
            Ok(file) if file.is_file() => continue,
            Ok(_) => "it is not a file".to_owned(),
            Err(error) => error.to_string(),
        };
        let found = format!(
            "the {} file `{}` cannot be read: {problem}",
            part.role,
            part.path.display()
        );
        return Check::fail("data", found, job.spec.dataset.how_to_get());
    }
    let there = if roles.contains(&Role::Test) {
        "training and test part are"
    } else {
        "training part is"
    };
    Check::pass("data", format!("{name}: {there} there"))
}

/// The variables that the pipeline names must be set for the job.
fn secrets(context: &Context, job: &Job) -> Check {
    let mut names: BTreeSet<String> = BTreeSet::new();
    names.extend(job.spec.notify.iter().flat_map(NotifyOptions::variables));
    if let Some(schedule) = &job.spec.schedule {
        names.extend(schedule.env.iter().chain(&schedule.secrets).cloned());
    }
    let unset: Vec<_> = names
        .iter()
        .filter(|name| (context.variable)(name).is_none())
        .map(|n| format!("`{n}`"))
        .collect();
    match (names.len(), unset.as_slice()) {
        (0, _) => Check::pass("secrets", "the pipeline needs none"),
        (count, []) => Check::pass("secrets", format!("{count} of {count} variables are set")),
        (_, unset) => Check::fail(
            "secrets",
            format!("not set: {}", unset.join(", ")),
            "set them for the job",
        ),
    }
}

fn lock(context: &Context, job: &Job) -> Check {
    match engine::check_lock(context, job) {
        Ok(path) => Check::pass(
            "lock",
            format!("{} matches the data and options", path.display()),
        ),
        Err(error) => Check::error("lock", error.into()),
    }
}

fn open(context: &Context, job: &Job) -> Result<Registry, CliError> {
    Ok(Registry::open(
        &job.spec.registry.url,
        context.surroundings()?,
    )?)
}

fn of_registry(context: &Context, job: &Job, registry: &Registry) -> Vec<Check> {
    let models = match registry.list(None) {
        Ok(models) => models.len(),
        Err(error) => {
            let why = "the registry cannot be read";
            let skipped =
                ["safe registry", "champion", "clock"].map(|check| Check::skip(check, why));
            return std::iter::once(Check::error("registry", error.into()))
                .chain(skipped)
                .collect();
        }
    };
    let found = format!("{}: {models} models", registry.store().location());
    vec![
        Check::pass("registry", found),
        safety(registry),
        champion(context, job),
        clock(context, job, registry),
    ]
}

/// Runs the test that promotion requires; a job with read-only access does not need it.
fn safety(registry: &Registry) -> Check {
    match registry.examine() {
        Ok(proof) => Check::pass(
            "safe registry",
            format!("{} concurrent writers, exactly one succeeded", proof.racers),
        ),
        Err(error @ RegistryError::Unsafe { .. }) => Check::error("safe registry", error.into()),
        Err(error) => {
            let why = CliError::from(error).in_words().0;
            Check::skip(
                "safe registry",
                format!("read-only, so this job can judge but not promote: {why}"),
            )
        }
    }
}

/// A gate that compares needs a champion.
fn champion(context: &Context, job: &Job) -> Check {
    let compares = job
        .spec
        .gates
        .iter()
        .any(|gate| matches!(gate.rule, Rule::NonInferior | Rule::Better));
    match engine::champion(context, job) {
        Ok(Some(champion)) => Check::pass("champion", format!("version {}", champion.version)),
        Ok(None) if !compares => Check::skip("champion", "none, and no gate needs one"),
        Ok(None) => Check::fail(
            "champion",
            "none, so gates that compare with it have nothing to compare",
            "`pdm-ml run` promotes the first; check that the job uses the right registry",
        ),
        Err(error) => Check::error("champion", error.into()),
    }
}

/// The newest entry of the registry must not be in the future.
fn clock(context: &Context, job: &Job, registry: &Registry) -> Check {
    let now = context.now.unwrap_or_else(Timestamp::now);
    let last = job.spec.registry.model_name(&job.spec.project.name).ok();
    let history = last
        .and_then(|model| registry.history(&model, None, None).ok())
        .unwrap_or_default();
    let Some(last) = history.iter().map(|row| row.time).max() else {
        return Check::pass(
            "clock",
            format!("{now:.0}; the registry has no entry to compare it with"),
        );
    };
    if last.duration_since(now) > MOST_SKEW {
        let found = format!("{now:.0} here, but the newest registry entry has the time {last:.0}");
        return Check::fail(
            "clock",
            found,
            "set the clock, for example with NTP: stores refuse requests with a wrong time",
        );
    }
    Check::pass(
        "clock",
        format!("{now:.0}, later than the newest registry entry"),
    )
}

fn tracking(context: &Context, job: &Job) -> Check {
    let client = match job
        .spec
        .tracking
        .mlflow(context.variable, Patience::BACKGROUND)
    {
        Ok(None) => return Check::skip("tracking", "no MLflow server is configured"),
        Ok(Some(client)) => client,
        Err(error) => return Check::error("tracking", error.into()),
    };
    let experiment = job
        .spec
        .tracking
        .experiment_or(&job.spec.project.name, context.variable);
    match client.examine(&experiment) {
        Ok(version) => Check::pass("tracking", format!("MLflow {version} at {}", client.url())),
        Err(error) => Check::error("tracking", error.into()),
    }
}
