//! `tune`: search the pipeline's options and write a pipeline with the best ones.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cli::args::{PipelineArgs, TuneArgs};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::outputs::Outputs;
use crate::cli::settings;
use crate::cli::tuned;
use crate::cli::ui::Ui;
use pdm_engine::engine::{self, Job, TuneError, TuneRequest};
use pdm_models::tune::{MOST_GRID_POINTS, SearchMethod, Space, TuneOptions, Values};
use pdm_report::report::{Align, table};

pub(super) fn run(args: &TuneArgs, ui: &Ui) -> Result<Exit, CliError> {
    let mut pipeline = args.pipeline.clone();
    pipeline
        .set
        .extend(args.trials.map(|trials| format!("tune.trials={trials}")));
    let (context, job) = settings::resolve_to_search(&pipeline, ui)?;
    let Some(options) = &job.spec.tune else {
        return Err(CliError::from(TuneError::NothingToSearch));
    };
    if args.dry_run {
        let space = job.spec.search_space();
        ui.show(&planned(options, &space), || plan_text(options, &space))?;
        return Ok(Exit::Done);
    }
    let output = args
        .output
        .clone()
        .unwrap_or_else(|| beside(&job, &pipeline));
    // A search may take hours, so its output is checked before.
    Outputs::new(args.force)
        .new_file("--output", &output)
        .reads_pipeline(&context, &job)
        .check(ui)?;
    let request = TuneRequest {
        set: pipeline.set,
        output,
        fresh: args.fresh,
    };
    let found = engine::tune(&context, &job, &request)?;
    ui.show(&found, || tuned::text(&found))?;
    ui.next(&format!("pdm-ml run {}", found.output.display()));
    Ok(Exit::Done)
}

/// Returns the name of the tuned file: `x.tuned.toml` next to `x.toml`.
fn beside(job: &Job, pipeline: &PipelineArgs) -> PathBuf {
    let named = pipeline.pipeline.as_deref();
    let found = || settings::file_of(job).map(Path::new);
    let file = named
        .or_else(found)
        .unwrap_or(Path::new(settings::MAIN_PIPELINE));
    file.with_extension("tuned.toml")
}

/// Returns the maximum number of trials, not counting the unchanged file.
fn most(options: &TuneOptions, space: &Space) -> Option<usize> {
    let points = points(space);
    match (options.most_trials(), points) {
        (Some(most), Some(points)) => Some(most.min(points)),
        (most, points) => most.or(points),
    }
}

/// Returns the number of points, if it is finite and not too large.
fn points(space: &Space) -> Option<usize> {
    let countable = space.uncountable().is_none();
    let points = countable.then(|| space.grid(MOST_GRID_POINTS + 1).len());
    points.filter(|points| *points <= MOST_GRID_POINTS)
}

fn planned(options: &TuneOptions, space: &Space) -> Value {
    let rows = space.dimensions().iter().map(|dimension| {
        json!({
            "key": dimension.key,
            "values": in_words(&dimension.values),
            "count": dimension.values.count(),
            "simpler": dimension.simpler,
            "when": dimension.when.as_ref().map(|when| json!({ "key": when.key, "one_of": when.one_of })),
        })
    });
    json!({
        "method": options.method,
        "metric": options.metric,
        "trials": most(options, space),
        "points": points(space),
        "space": rows.collect::<Vec<_>>(),
    })
}

fn plan_text(options: &TuneOptions, space: &Space) -> String {
    let header = [
        ("key", Align::Left),
        ("values", Align::Left),
        ("count", Align::Right),
        ("", Align::Left),
    ];
    let rows = space.dimensions().iter().map(|dimension| {
        let count = dimension
            .values
            .count()
            .map(|count| count.to_string())
            .unwrap_or_default();
        let when = dimension.when.as_ref().map(|when| {
            let values: Vec<_> = when
                .one_of
                .iter()
                .map(|v| v.as_str().unwrap_or_default())
                .collect();
            format!("only if {} is {}", when.key, values.join(" or "))
        });
        [
            dimension.key.clone(),
            in_words(&dimension.values),
            count,
            when.unwrap_or_default(),
        ]
    });
    let points = match points(space) {
        Some(points) => format!("{points} points"),
        None if space.uncountable().is_some() => "continuous".to_owned(),
        None => format!("more than {MOST_GRID_POINTS} points"),
    };
    let trials = most(options, space).map_or_else(|| "all".to_owned(), |most| most.to_string());
    let trials = format!(
        "the unchanged file and at most {trials} trials by {}",
        method(options.method)
    );
    format!(
        "{}\n\n{points}; {trials}, compared by out-of-fold {}",
        table(&header, rows),
        options.metric
    )
}

fn method(method: SearchMethod) -> &'static str {
    match method {
        SearchMethod::Tpe => "tpe",
        SearchMethod::Random => "random",
        SearchMethod::Grid => "grid",
    }
}

fn in_words(values: &Values) -> String {
    let list = |values: &[Value]| {
        values
            .iter()
            .map(Value::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let by = |log: bool| if log { ", logarithmic" } else { "" };
    match values {
        Values::Choices(values) | Values::Rungs(values) => list(values),
        Values::Whole { low, high, log } => format!("{low} to {high}, whole{}", by(*log)),
        Values::Real { low, high, log } => format!("{low} to {high}{}", by(*log)),
    }
}
