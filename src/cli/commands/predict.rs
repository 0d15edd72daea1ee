//! `predict`: remaining useful life with an interval, for any unit.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::json;

use super::judged::{notify_of_error, require_receiver, send};
use super::model::{self, OpenedModel};
use crate::cli::args::{PipelineArgs, PredictArgs};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::inputs::{self, PredictInputs};
use crate::cli::outputs::Outputs;
use crate::cli::predicted::{self, Predicted};
use crate::cli::ui::{self, Ui};
use crate::cli::{environment, settings};
use pdm_core::codes::Code;
use pdm_core::domain::{Alarm, UnitId};
use pdm_engine::engine::{self, Context, Job, JournalEntry};
use pdm_models::bundle::ModelBundle;
use pdm_models::data::{DatasetOptions, RequestedCsv, Schema, Trajectory};
use pdm_report::report::{KnownFile, PredictionSheet};

/// The project of a command, if there is one.
type FoundProject = Option<(Context, Job)>;

pub(super) fn run(args: &PredictArgs, ui: &Ui) -> Result<Exit, CliError> {
    let alarms = args.alarms().map_err(|error| {
        let hint = "write a comparison such as --alarm 'lower < 48'";
        CliError::new(error.code(), error).hint(hint)
    })?;
    let project = project(args, ui)?;
    check_outputs(args, &project, ui)?;
    let result = predict(args, &alarms, &project, ui);
    if args.notify
        && let Some((context, job)) = &project
    {
        match &result {
            Ok(predicted) => {
                for notice in predicted.notices(&job.spec.project.name) {
                    send(&job.spec.notify, &notice, context);
                }
            }
            Err(error) => notify_of_error(&job.spec.notify, context, job, error),
        }
    }
    result.map(|predicted| predicted.exit())
}

/// Checks before any work that no output overwrites an input.
fn check_outputs(args: &PredictArgs, project: &FoundProject, ui: &Ui) -> Result<(), CliError> {
    let mut outputs = Outputs::new(args.force)
        .document("--output", args.output.as_deref(), KnownFile::Predictions)
        .known("--journal", args.journal.as_deref());
    for input in inputs::files(&args.input)? {
        outputs = outputs.reads_file("--input", Some(&input));
    }
    if model::is_folder(&args.model) {
        outputs = outputs.reads_folder("the model", Path::new(&args.model));
    }
    outputs = match project {
        Some((context, job)) => outputs.reads_pipeline(context, &model::named(&args.registry, job)),
        None => outputs.reads_pipeline_file(args.pipeline.as_deref()),
    };
    outputs.check(ui)
}

/// Returns the pipeline; `None` for a bundle folder without one.
fn project(args: &PredictArgs, ui: &Ui) -> Result<FoundProject, CliError> {
    let pipeline = PipelineArgs {
        pipeline: args.pipeline.clone(),
        ..Default::default()
    };
    let is_needed = !model::is_folder(&args.model) || args.notify || args.pipeline.is_some();
    if is_needed {
        let (context, job) = settings::resolve(&pipeline, ui)?;
        if args.notify {
            require_receiver(&job.spec.notify, ui)?;
        }
        return Ok(Some((context, job)));
    }
    if settings::main_pipeline()?.is_none() {
        return Ok(None);
    }
    let resolved = settings::resolve(&pipeline, ui);
    if resolved.is_err() && args.journal.is_none() && !args.no_journal {
        ui::warn("the pipeline of the project is invalid, so no journal of predictions is written");
    }
    Ok(resolved.ok())
}

fn predict(
    args: &PredictArgs,
    alarms: &[Alarm],
    project: &FoundProject,
    ui: &Ui,
) -> Result<Predicted, CliError> {
    let OpenedModel { bundle, version } = match project {
        Some((context, job)) if !model::is_folder(&args.model) => {
            model::open_registered(&args.model, &args.registry, context, job)?
        }
        _ => model::open_folder(&args.model)?,
    };
    let schema = &bundle.manifest().schema;
    let inputs = inputs::read(
        &args.input,
        args.input_format,
        schema,
        args.csv().or(requested_csv(project, schema)),
    )?;
    let PredictInputs {
        units,
        skipped,
        digests,
    } = only(inputs, &args.unit)?;
    let predictions = if args.every_cycle {
        bundle.predict_every_cycle(&units)
    } else {
        bundle.predict(&units)
    };
    let model = version.map(|version| format!("{}/{}", version.model, version.version));
    let predicted = Predicted::new(predictions, skipped, alarms, bundle.digest(), model)
        .counted_as(bundle.features().schema());
    if let Some(error) = predicted.nothing_predicted() {
        // An earlier table is not replaced by an empty one.
        predicted.report(&bundle, ui);
        return Err(error);
    }
    show(args, &predicted, &bundle, ui)?;
    predicted.report(&bundle, ui);
    keep(args, &predicted, &bundle, &digests, project)?;
    ui.watch
        .predicted(&bundle.manifest().provenance.dataset, predicted.fact());
    Ok(predicted)
}

fn show(
    args: &PredictArgs,
    predicted: &Predicted,
    bundle: &ModelBundle,
    ui: &Ui,
) -> Result<(), CliError> {
    let Some(path) = &args.output else {
        return ui.show(&predicted.rows(), || predicted::text(predicted, bundle));
    };
    let sheet = PredictionSheet {
        alarms: predicted.alarm_column(),
        ..PredictionSheet::of(&predicted.predictions)
    };
    sheet.write(path)?;
    let count = predicted.predictions.len();
    let written = json!({
        "file": path,
        "predictions": count,
        "flagged": predicted.flags.units(),
        "skipped": predicted.skipped,
        "alarms": predicted.alarmed_units(),
    });
    ui.show(&written, || {
        format!("{}: {count} predictions", path.display())
    })
}

/// Returns the project's CSV options, if its data have the columns that the model reads.
fn requested_csv(project: &FoundProject, schema: &Schema) -> RequestedCsv {
    match project.as_ref().map(|(_, job)| &job.spec.dataset) {
        Some(DatasetOptions::Table(options)) if options.schema() == *schema => options.csv(),
        Some(
            DatasetOptions::Table(_) | DatasetOptions::Cmapss(_) | DatasetOptions::Simulated(_),
        )
        | None => RequestedCsv::default(),
    }
}

/// Adds the predictions to the journal.
fn keep(
    args: &PredictArgs,
    predicted: &Predicted,
    bundle: &ModelBundle,
    digests: &std::collections::BTreeMap<UnitId, pdm_core::content::Digest>,
    project: &FoundProject,
) -> Result<(), CliError> {
    let Some((path, is_asked_for)) = journal(args, project) else {
        return Ok(());
    };
    let time = environment::now()?.unwrap_or_else(Timestamp::now);
    let mut entries = Vec::new();
    for prediction in &predicted.predictions {
        let Some(input) = digests.get(&prediction.unit) else {
            continue;
        };
        entries.push(JournalEntry {
            format: JournalEntry::FORMAT,
            time,
            unit: prediction.unit.clone(),
            cycle: prediction.cycle,
            rul: prediction.rul,
            lower: prediction.interval.map(|interval| interval.lower),
            upper: prediction.interval.map(|interval| interval.upper),
            coverage: bundle.calibration().coverage(),
            truth_cap: bundle.calibration().truth_cap(),
            flags: prediction.flags.iter().map(|flag| flag.kind).collect(),
            model: predicted.model.clone(),
            bundle: bundle.digest(),
            input: *input,
        });
    }
    match engine::append_predictions(&path, &entries) {
        Ok(_) => Ok(()),
        Err(error) if is_asked_for => {
            let hint = "the predictions above are correct; choose another file with --journal";
            Err(CliError::new(error.code(), error).hint(hint))
        }
        Err(error) => {
            // A project on a read-only disk can still predict.
            let error = CliError::new(error.code(), error).render(false);
            ui::warn(&format!(
                "{}; these predictions are not recorded in a journal",
                pdm_core::codes::unmarked(&error)
            ));
            Ok(())
        }
    }
}

/// Returns the journal of predictions, and whether it was requested; there is none outside a project.
fn journal(args: &PredictArgs, project: &FoundProject) -> Option<(PathBuf, bool)> {
    if let Some(path) = &args.journal {
        return Some((path.clone(), true));
    }
    let (context, job) = project
        .as_ref()
        .filter(|_| !args.no_journal && !args.every_cycle)?;
    let is_project = settings::file_of(job).is_some() || context.state_dir().is_dir();
    is_project.then(|| (context.prediction_journal(), false))
}

/// Returns the named units, all where none is named.
fn only(inputs: PredictInputs, names: &[String]) -> Result<PredictInputs, CliError> {
    if names.is_empty() {
        return Ok(inputs);
    }
    let PredictInputs {
        units,
        mut skipped,
        digests,
    } = inputs;
    let left_out: Vec<UnitId> = skipped.iter().map(|unit| unit.unit.clone()).collect();
    let readable: Vec<String> = names
        .iter()
        .filter(|name| !left_out.contains(&UnitId::new(name)))
        .cloned()
        .collect();
    let units = if readable.is_empty() {
        Vec::new()
    } else {
        wanted(units, &readable)?
    };
    skipped.retain(|unit| names.iter().any(|name| unit.unit == UnitId::new(name)));
    Ok(PredictInputs {
        units,
        skipped,
        digests,
    })
}

/// Returns the named units, all where none is named.
pub(super) fn wanted(
    units: Vec<Trajectory>,
    names: &[String],
) -> Result<Vec<Trajectory>, CliError> {
    let names: Vec<_> = names.iter().map(UnitId::new).collect();
    if let Some(missing) = names
        .iter()
        .find(|name| units.iter().all(|unit| unit.unit != **name))
    {
        return Err(CliError::new(
            Code::UnknownUnit,
            format!("the input has no unit `{missing}`"),
        ));
    }
    Ok(units
        .into_iter()
        .filter(|unit| names.is_empty() || names.contains(&unit.unit))
        .collect())
}
