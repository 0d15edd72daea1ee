//! `doctor`: check this machine and project, and report what is missing.

mod ci;

use std::path::PathBuf;

use serde::Serialize;

use crate::cli::args::{DoctorArgs, PipelineArgs, ProjectPurpose};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::settings;
use crate::cli::ui::Ui;
use pdm_engine::engine::{Context, Job};
use pdm_models::data::{self, Role};
use pdm_report::report::{Align, table};
use pdm_store::registry::blocking::Registry;
use pdm_tracking::tracking::RetryPolicy;

#[derive(Serialize)]
struct DoctorCheck {
    what: &'static str,
    good: bool,
    found: String,
    hint: Option<String>,
}

impl DoctorCheck {
    fn good(what: &'static str, found: impl Into<String>) -> Self {
        Self {
            what,
            good: true,
            found: found.into(),
            hint: None,
        }
    }

    fn bad(what: &'static str, found: impl Into<String>, hint: Option<impl Into<String>>) -> Self {
        Self {
            what,
            good: false,
            found: found.into(),
            hint: hint.map(Into::into),
        }
    }
}

pub(super) fn run(args: &DoctorArgs, ui: &Ui) -> Result<Exit, CliError> {
    match (&args.registry, args.purpose) {
        (Some(url), _) => examined(url, ui),
        (None, Some(ProjectPurpose::Ci)) => ci::run(&args.pipeline, ui),
        (None, None) => project(&args.pipeline, ui),
    }
}

/// Runs the test of a store that promotion requires.
fn examined(url: &str, ui: &Ui) -> Result<Exit, CliError> {
    let context = settings::context_here(ui)?;
    let registry = Registry::open(url, context.open_options()?)?;
    let proof = registry.examine()?;
    let promise = format!(
        "{} races of {} concurrent writers, exactly one succeeded in each",
        proof.rounds, proof.racers
    );
    let deletes = if proof.deletes {
        "allowed"
    } else {
        "refused, for example by an append-only policy"
    };
    let checks = [
        DoctorCheck::good("registry", registry.store().location()),
        DoctorCheck::good("create-only writes", promise),
        DoctorCheck::good("deleting", deletes),
    ];
    ui.show(&checks, || text(&checks))?;
    Ok(Exit::Done)
}

fn project(args: &PipelineArgs, ui: &Ui) -> Result<Exit, CliError> {
    // The pipeline may set the number of threads.
    let resolved = settings::resolve(args, ui);
    let mut checks = vec![
        DoctorCheck::good("program", format!("pdm-ml {}", env!("CARGO_PKG_VERSION"))),
        machine(),
    ];
    match resolved {
        Ok((context, job)) => {
            checks.push(DoctorCheck::good(
                "pipeline",
                format!("{} ({})", job.label, job.spec.project.name),
            ));
            checks.extend([
                folder(&context),
                data(&context, &job),
                registry(&context, &job),
                mlflow(&job, &context),
            ]);
        }
        Err(error) => checks.push(DoctorCheck::bad(
            "pipeline",
            error.render(false),
            None::<String>,
        )),
    }
    ui.show(&checks, || text(&checks))?;
    Ok(if checks.iter().all(|check| check.good) {
        Exit::Done
    } else {
        Exit::Failed
    })
}

fn text(checks: &[DoctorCheck]) -> String {
    let rows = checks.iter().map(|check| {
        let mark = if check.good { "ok" } else { "MISSING" };
        let hint = check
            .hint
            .as_ref()
            .map(|hint| format!(": {hint}"))
            .unwrap_or_default();
        [
            check.what.to_owned(),
            mark.to_owned(),
            format!("{}{hint}", check.found),
        ]
    });
    table(
        &[
            ("check", Align::Left),
            ("", Align::Left),
            ("found", Align::Left),
        ],
        rows,
    )
}

fn machine() -> DoctorCheck {
    let threads = rayon::current_num_threads();
    let memory = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| available_mib(&text));
    let memory = memory.map_or_else(String::new, |mib| format!(", {mib} MiB of memory free"));
    DoctorCheck::good("machine", format!("{threads} threads{memory}"))
}

fn available_mib(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.split_whitespace()
        .next()?
        .parse::<u64>()
        .ok()
        .map(|kib| kib / 1024)
}

/// The project folder must be writable for the cache and the runs.
fn folder(context: &Context) -> DoctorCheck {
    let shown = context.root.display().to_string();
    match tempfile::tempfile_in(&context.root) {
        Ok(_) => DoctorCheck::good("project folder", shown),
        Err(error) => DoctorCheck::bad(
            "project folder",
            format!("cannot write to {shown} ({error})"),
            Some("choose another folder"),
        ),
    }
}

fn data(context: &Context, job: &Job) -> DoctorCheck {
    let parts = data::parts(&job.spec.dataset, &context.root).into_iter();
    let there: Vec<_> = parts.map(|part| (part.path.is_file(), part)).collect();
    let described = |(is_there, part): &(bool, data::PartFile)| {
        format!(
            "{} {}",
            named(part),
            if *is_there { "there" } else { "not there" }
        )
    };
    let found = there.iter().map(described);
    let found = format!(
        "{}: {}",
        job.spec.dataset.name(),
        found.collect::<Vec<_>>().join(", ")
    );
    let simulated = matches!(job.spec.dataset, data::DatasetOptions::Simulated(_));
    match there
        .iter()
        .filter(|(_, part)| part.role == Role::Train)
        .all(|(is_there, _)| *is_there)
    {
        true => DoctorCheck::good("data", found),
        false if simulated => DoctorCheck::good(
            "data",
            format!(
                "{} will be simulated by the first run",
                job.spec.dataset.name()
            ),
        ),
        false => DoctorCheck::bad("data", found, Some(job.spec.dataset.how_to_get())),
    }
}

fn named(part: &data::PartFile) -> String {
    part.group.as_ref().map_or_else(
        || part.role.to_string(),
        |group| format!("{group} {}", part.role),
    )
}

fn registry(context: &Context, job: &Job) -> DoctorCheck {
    let registry = match context.registry(&job.spec.registry) {
        Ok(registry) => registry,
        Err(error) => return DoctorCheck::bad("registry", error.to_string(), None::<String>),
    };
    match registry.list(None) {
        Ok(models) => DoctorCheck::good(
            "registry",
            format!("{}: {} models", registry.store().location(), models.len()),
        ),
        Err(error) => DoctorCheck::bad("registry", error.to_string(), error.hint()),
    }
}

fn mlflow(job: &Job, context: &Context) -> DoctorCheck {
    match job
        .spec
        .tracking
        .mlflow(context.variable, RetryPolicy::BACKGROUND)
    {
        Ok(None) => DoctorCheck::good(
            "tracking",
            format!(
                "{} only; no MLflow server is configured",
                runs(job).display()
            ),
        ),
        Ok(Some(client)) => match client.version() {
            Ok(version) => {
                DoctorCheck::good("tracking", format!("MLflow {version} at {}", client.url()))
            }
            Err(error) => DoctorCheck::bad("tracking", error.in_one_line(), error.hint()),
        },
        Err(error) => DoctorCheck::bad("tracking", error.in_one_line(), error.hint()),
    }
}

fn runs(job: &Job) -> PathBuf {
    job.spec.tracking.dir.clone()
}
