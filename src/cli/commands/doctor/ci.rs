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
use pdm_tracking::tracking::RetryPolicy;

/// Version of the JSON document.
const FORMAT: u32 = 1;
/// Stores refuse requests whose clock differs by more.
const MOST_SKEW: SignedDuration = SignedDuration::from_mins(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum CiVerdict {
    Pass,
    Fail,
    /// Not needed, or not checked because an earlier check failed.
    Skip,
}

/// The result of one check.
#[derive(Debug, Serialize)]
struct CiCheck {
    check: &'static str,
    verdict: CiVerdict,
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
    verdict: CiVerdict,
    exit: u8,
    checks: Vec<CiCheck>,
}

impl CiCheck {
    fn pass(check: &'static str, found: impl Into<String>) -> Self {
        Self {
            check,
            verdict: CiVerdict::Pass,
            found: found.into(),
            hint: None,
            exit: 0,
        }
    }

    fn skip(check: &'static str, found: impl Into<String>) -> Self {
        Self {
            check,
            verdict: CiVerdict::Skip,
            found: found.into(),
            hint: None,
            exit: 0,
        }
    }

    fn fail(check: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        let (found, hint) = (found.into(), Some(hint.into()));
        Self {
            check,
            verdict: CiVerdict::Fail,
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
            verdict: CiVerdict::Fail,
            found,
            hint,
            exit,
        }
    }
}

pub(super) fn run(args: &PipelineArgs, ui: &Ui) -> Result<Exit, CliError> {
    let checks = match settings::resolve(args, ui) {
        Ok((context, job)) => of_project(&context, &job),
        Err(error) => vec![CiCheck::error("pipeline", error)],
    };
    let first = checks.iter().find(|check| check.verdict == CiVerdict::Fail);
    let (verdict, exit) = first.map_or((CiVerdict::Pass, 0), |check| (CiVerdict::Fail, check.exit));
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

fn of_project(context: &Context, job: &Job) -> Vec<CiCheck> {
    let data = data(context, job);
    let lock = match data.verdict {
        CiVerdict::Pass | CiVerdict::Skip => lock(context, job),
        CiVerdict::Fail => CiCheck::skip("lock", "the data cannot be read"),
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
            checks.push(CiCheck::error("registry", error));
            let why = "the registry cannot be read";
            checks.extend(
                ["safe registry", "champion", "clock"].map(|check| CiCheck::skip(check, why)),
            );
        }
    }
    checks.push(tracking(context, job));
    checks
}

fn text(report: &Report) -> String {
    let rows = report.checks.iter().map(|check| {
        let mark = match check.verdict {
            CiVerdict::Pass => "pass",
            CiVerdict::Fail => "FAIL",
            CiVerdict::Skip => "skip",
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

fn pipeline(job: &Job) -> CiCheck {
    let Some(file) = settings::file_of(job) else {
        return CiCheck::fail(
            "pipeline",
            "no pipeline file",
            "name the pipeline file, or create one with `pdm-ml init`",
        );
    };
    CiCheck::pass("pipeline", format!("{file} ({})", job.spec.project.name))
}

/// Cache, runs and lock are written below the project folder.
fn folder(context: &Context) -> CiCheck {
    let state = context.state_dir();
    let made = std::fs::create_dir_all(&state).and_then(|()| tempfile::tempfile_in(&state));
    match made.and_then(|_| tempfile::tempfile_in(&context.root)) {
        Ok(_) => CiCheck::pass("write access", context.root.display().to_string()),
        Err(error) => {
            let found = format!("cannot write to {}: {error}", context.root.display());
            CiCheck::fail(
                "write access",
                found,
                "give the user of the job write permission",
            )
        }
    }
}

fn data(context: &Context, job: &Job) -> CiCheck {
    let name = job.spec.dataset.name();
    if matches!(job.spec.dataset, DatasetOptions::Simulated(_)) {
        return CiCheck::pass("data", format!("{name} is simulated"));
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
        return CiCheck::fail("data", found, job.spec.dataset.how_to_get());
    }
    let there = if roles.contains(&Role::Test) {
        "training and test part are"
    } else {
        "training part is"
    };
    CiCheck::pass("data", format!("{name}: {there} there"))
}

/// The variables that the pipeline names must be set for the job.
fn secrets(context: &Context, job: &Job) -> CiCheck {
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
        (0, _) => CiCheck::pass("secrets", "the pipeline needs none"),
        (count, []) => CiCheck::pass("secrets", format!("{count} of {count} variables are set")),
        (_, unset) => CiCheck::fail(
            "secrets",
            format!("not set: {}", unset.join(", ")),
            "set them for the job",
        ),
    }
}

fn lock(context: &Context, job: &Job) -> CiCheck {
    match engine::check_lock(context, job) {
        Ok(path) => CiCheck::pass(
            "lock",
            format!("{} matches the data and options", path.display()),
        ),
        Err(error) => CiCheck::error("lock", error.into()),
    }
}

fn open(context: &Context, job: &Job) -> Result<Registry, CliError> {
    Ok(Registry::open(
        &job.spec.registry.url,
        context.open_options()?,
    )?)
}

fn of_registry(context: &Context, job: &Job, registry: &Registry) -> Vec<CiCheck> {
    let models = match registry.list(None) {
        Ok(models) => models.len(),
        Err(error) => {
            let why = "the registry cannot be read";
            let skipped =
                ["safe registry", "champion", "clock"].map(|check| CiCheck::skip(check, why));
            return std::iter::once(CiCheck::error("registry", error.into()))
                .chain(skipped)
                .collect();
        }
    };
    let found = format!("{}: {models} models", registry.store().location());
    vec![
        CiCheck::pass("registry", found),
        safety(registry),
        champion(context, job),
        clock(context, job, registry),
    ]
}

/// Runs the test that promotion requires; a job with read-only access does not need it.
fn safety(registry: &Registry) -> CiCheck {
    match registry.examine() {
        Ok(proof) => CiCheck::pass(
            "safe registry",
            format!("{} concurrent writers, exactly one succeeded", proof.racers),
        ),
        Err(error @ RegistryError::Unsafe { .. }) => CiCheck::error("safe registry", error.into()),
        Err(error) => {
            let why = CliError::from(error).in_words().0;
            CiCheck::skip(
                "safe registry",
                format!("read-only, so this job can judge but not promote: {why}"),
            )
        }
    }
}

/// A gate that compares needs a champion.
fn champion(context: &Context, job: &Job) -> CiCheck {
    let compares = job
        .spec
        .gates
        .iter()
        .any(|gate| matches!(gate.rule, Rule::NonInferior | Rule::Better));
    match engine::champion(context, job) {
        Ok(Some(champion)) => CiCheck::pass("champion", format!("version {}", champion.version)),
        Ok(None) if !compares => CiCheck::skip("champion", "none, and no gate needs one"),
        Ok(None) => CiCheck::fail(
            "champion",
            "none, so gates that compare with it have nothing to compare",
            "`pdm-ml run` promotes the first; check that the job uses the right registry",
        ),
        Err(error) => CiCheck::error("champion", error.into()),
    }
}

/// The newest entry of the registry must not be in the future.
fn clock(context: &Context, job: &Job, registry: &Registry) -> CiCheck {
    let now = context.now.unwrap_or_else(Timestamp::now);
    let last = job.spec.registry.model_name(&job.spec.project.name).ok();
    let history = last
        .and_then(|model| registry.history(&model, None, None).ok())
        .unwrap_or_default();
    let Some(last) = history.iter().map(|row| row.time).max() else {
        return CiCheck::pass(
            "clock",
            format!("{now:.0}; the registry has no entry to compare it with"),
        );
    };
    if last.duration_since(now) > MOST_SKEW {
        let found = format!("{now:.0} here, but the newest registry entry has the time {last:.0}");
        return CiCheck::fail(
            "clock",
            found,
            "set the clock, for example with NTP: stores refuse requests with a wrong time",
        );
    }
    CiCheck::pass(
        "clock",
        format!("{now:.0}, later than the newest registry entry"),
    )
}

fn tracking(context: &Context, job: &Job) -> CiCheck {
    let client = match job
        .spec
        .tracking
        .mlflow(context.variable, RetryPolicy::BACKGROUND)
    {
        Ok(None) => return CiCheck::skip("tracking", "no MLflow server is configured"),
        Ok(Some(client)) => client,
        Err(error) => return CiCheck::error("tracking", error.into()),
    };
    let experiment = job
        .spec
        .tracking
        .experiment_or(&job.spec.project.name, context.variable);
    match client.examine(&experiment) {
        Ok(version) => CiCheck::pass("tracking", format!("MLflow {version} at {}", client.url())),
        Err(error) => CiCheck::error("tracking", error.into()),
    }
}
