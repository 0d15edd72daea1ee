//! `predict`: remaining useful life with an interval, for any unit.

use serde_json::json;

use super::model::{self, Model};
use crate::bundle::ModelBundle;
use crate::cli::args::PredictArgs;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::outputs::Outputs;
use crate::cli::ui::Ui;
use crate::codes::Code;
use crate::data::{Trajectory, read_units};
use crate::domain::{Prediction, UnitId};
use crate::report::{self, Document};

pub(super) fn run(args: &PredictArgs, ui: &Ui) -> Result<Exit, CliError> {
    let outputs = Outputs::new(args.force)
        .document("--output", args.output.as_deref(), Document::Predictions)
        .reads_file("--input", Some(&args.input));
    let Model { bundle, .. } = model::open(&args.model, &args.registry, outputs, ui)?;
    let units = wanted(read_units(&args.input, &bundle.manifest().schema)?, &args.unit)?;
    let predictions = if args.every_cycle { bundle.predict_every_cycle(&units) } else { bundle.predict(&units) };
    match &args.output {
        Some(path) => {
            report::write_predictions(&predictions, path)?;
            let written = json!({ "file": path, "predictions": predictions.len() });
            ui.show(&written, || format!("{}: {} predictions", path.display(), predictions.len()))?;
        }
        None => ui.show(&predictions, || text(&predictions, &bundle))?,
    }
    Ok(Exit::Done)
}

fn text(predictions: &[Prediction], bundle: &ModelBundle) -> String {
    let coverage = bundle.calibration().coverage() * 100.0;
    let most = bundle.manifest().target.cap;
    let note = match bundle.calibration().truth_cap() {
        Some(cap) => format!("an upper end of {cap} means {cap} or more"),
        None => format!("predictions are at most {most}, intervals speak of the whole life"),
    };
    format!("{}\n{coverage:.0} % intervals, in cycles; {note}", report::predictions_table(predictions))
}

/// Returns the named units, all where none is named.
pub(super) fn wanted(units: Vec<Trajectory>, names: &[String]) -> Result<Vec<Trajectory>, CliError> {
    let names: Vec<_> = names.iter().map(UnitId::new).collect();
    if let Some(missing) = names.iter().find(|name| units.iter().all(|unit| unit.unit != **name)) {
        return Err(CliError::new(Code::UnknownUnit, format!("the input has no unit `{missing}`")));
    }
    Ok(units.into_iter().filter(|unit| names.is_empty() || names.contains(&unit.unit)).collect())
}
