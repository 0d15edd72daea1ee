//! Writes the chosen values to the tuned pipeline file.

use super::outcome::Tuned;
use super::{TuneError, TuneRequest};
use crate::config::{Layers, PipelineSpec, edited, toml_of, with_comment};
use crate::engine::{Context, EngineError, Job};
use pdm_core::content::atomic_write;
use pdm_models::tune::{Choose, SearchPoint};

/// Writes the user's file with the chosen values, completely or not at all, after a check that it is the pipeline that was
/// scored.
///
/// What `--set` changed is also written, since the trials were judged with it.
pub(super) fn write(
    context: &Context,
    job: &Job,
    request: &TuneRequest,
    tuned: &Tuned,
    scored: &PipelineSpec,
) -> Result<(), EngineError> {
    // Trial 0 is the file as it is: there is no value to write.
    let values = match tuned.trial(tuned.chosen) {
        Some(row) if row.number > 0 => row.values.clone(),
        Some(_) | None => SearchPoint::new(),
    };
    let overrides: Vec<_> = request
        .set
        .iter()
        .filter(|text| !text.trim_start().starts_with("tune."))
        .cloned()
        .collect();
    let text = edited(&job.text, &overrides, &values, &comment(tuned)).map_err(|source| {
        TuneError::NoPlace {
            set: as_arguments(&values),
            source,
        }
    });
    let text = text.and_then(|text| checked(context, request, text, scored, &values));
    let text = match text {
        // The values of a profile or a variable are in no file, and extended files may be in other folders: then the whole
        // pipeline is written.
        Err(_) if job.origins.are_layered() => {
            let whole = format!("{}\nEvery layer is written out.", comment(tuned));
            checked(
                context,
                request,
                with_comment(&scored.to_toml(), &whole),
                scored,
                &values,
            )?
        }
        text => text?,
    };
    let written = atomic_write(&request.output, text.as_bytes());
    Ok(written.map_err(TuneError::file("write", &request.output))?)
}

/// Returns the text, once it is clear that the file with it is the pipeline that was scored.
fn checked(
    context: &Context,
    request: &TuneRequest,
    text: String,
    scored: &PipelineSpec,
    values: &SearchPoint,
) -> Result<String, TuneError> {
    let unlike = |problems| TuneError::Unlike {
        set: as_arguments(values),
        problems,
    };
    let path = std::path::absolute(&request.output).ok();
    let layers = Layers {
        path,
        ..Layers::of_text(&text, &request.output.display().to_string())
    };
    let (read, _) = PipelineSpec::compose(&layers, &context.variable)
        .map_err(|errors| unlike(Some(Box::new(errors))))?;
    if !is_as_scored(&read, scored) {
        return Err(unlike(None));
    }
    Ok(text)
}

/// Returns whether a pipeline learns and is judged like another.
fn is_as_scored(read: &PipelineSpec, scored: &PipelineSpec) -> bool {
    read.project == scored.project
        && read.dataset == scored.dataset
        && read.validate == scored.validate
        && read.features == scored.features
        && read.target == scored.target
        && read.model == scored.model
        && read.train == scored.train
        && read.split == scored.split
        && read.evaluate == scored.evaluate
}

/// Returns the values as arguments of a command.
fn as_arguments(values: &SearchPoint) -> String {
    values
        .iter()
        .map(|(key, value)| format!("--set '{key}={}'", toml_of(value)))
        .collect::<Vec<_>>()
        .join(" ")
}

fn comment(tuned: &Tuned) -> String {
    let Tuned {
        chosen,
        study,
        metric,
        ..
    } = tuned;
    let value = |number: usize| tuned.trial(number).and_then(|row| row.value);
    let score = value(*chosen).unwrap_or(f64::NAN);
    let rule = match tuned.rule {
        Choose::OneSe => "the one-standard-error rule",
        Choose::Best => "the best score",
    };
    let file = match value(0) {
        Some(file) if *chosen > 0 => format!(" (the file before: {file:.3})"),
        Some(_) | None => String::new(),
    };
    let again = match tuned.confirmed.first() {
        Some(again) => format!(
            "\nOn folds that had no part in the choice: {:.3}.",
            again.chosen
        ),
        None => String::new(),
    };
    format!(
        "Tuned: trial {chosen} of study {}, chosen by {rule}; out-of-fold {metric} {score:.3}{file}.{again}",
        study.short()
    )
}
