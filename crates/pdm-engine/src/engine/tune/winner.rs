use super::outcome::Tuned;
use super::{TuneError, TuneRequest};
use crate::config::{Layers, PipelineSpec, edited, toml_of, with_comment};
use crate::engine::{Context, EngineError, Job};
use pdm_core::content::atomic_write;
use pdm_models::tune::{Choose, SearchPoint};

/// Writes the user's file with the chosen values, whole or not at all, once it is sure to be the pipeline that was
/// scored.
///
/// What `--set` changed is written, too: the trials were judged with it.
pub(super) fn write(
    context: &Context,
    job: &Job,
    request: &TuneRequest,
    tuned: &Tuned,
    scored: &PipelineSpec,
) -> Result<(), EngineError> {
    // Trial 0 is the file as it stands: there is nothing to write into it.
    let values = tuned
        .trial(tuned.chosen)
        .filter(|row| row.number > 0)
        .map(|row| row.values.clone())
        .unwrap_or_default();
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
    let text = text.and_then(|text| proven(context, request, text, scored, &values));
    let text = match text {
        // A profile or a variable is in no file, and files that are extended may lie elsewhere: then the whole is written.
        Err(_) if job.origins.are_layered() => {
            let whole = format!("{}\nEvery layer is written out.", comment(tuned));
            proven(
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

/// Returns a text that, read as the file that is to be written, is the pipeline that was scored.
fn proven(
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
    if is_as_scored(&read, scored) {
        Ok(text)
    } else {
        Err(unlike(None))
    }
}

/// Returns whether a pipeline learns and is judged as another.
fn is_as_scored(read: &PipelineSpec, scored: &PipelineSpec) -> bool {
    let recipe = |spec: &PipelineSpec| {
        (
            spec.features.clone(),
            spec.target.clone(),
            spec.model.clone(),
            spec.train.clone(),
            spec.split.clone(),
        )
    };
    let data = |spec: &PipelineSpec| {
        (
            spec.project.clone(),
            spec.dataset.clone(),
            spec.validate.clone(),
        )
    };
    recipe(read) == recipe(scored) && data(read) == data(scored) && read.evaluate == scored.evaluate
}

/// Returns the values as they stand on a command line.
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
    let file = value(0)
        .filter(|_| *chosen > 0)
        .map_or_else(String::new, |file| format!(" (the file before: {file:.3})"));
    let again = tuned.confirmed.first().map_or_else(String::new, |again| {
        format!(
            "\nOn folds that had no part in the choice: {:.3}.",
            again.chosen
        )
    });
    format!(
        "Tuned: trial {chosen} of study {}, chosen by {rule}; out-of-fold {metric} {score:.3}{file}.{again}",
        study.short()
    )
}
