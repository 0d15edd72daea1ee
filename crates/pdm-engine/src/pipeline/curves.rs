//! Records the metrics that fits log, also of runs that were killed and continued, and draws them as learning curves.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::StageError;
use super::kept::fold_file;
use pdm_core::content::{atomic_write, read_note};
use pdm_core::events::{Event, Observer, Reporter};
use pdm_report::report::{CurvePoint, Curves};

/// Name of the drawing among the outputs.
pub const LEARNING_CURVES: &str = "learning_curves.svg";
/// Name of its points among the outputs.
pub const LEARNING_CURVES_TABLE: &str = "learning_curves.csv";

/// Name of the points so far among the partial results: one JSON object a line, as they came.
pub(super) const POINTS: &str = "learning_curves.ndjson";

/// The beginning of the parts of fits on all training units.
const FINAL: &str = "final";

/// Records the metrics of a training among its partial results, from which a killed run continues.
pub(super) struct CurveLog {
    path: PathBuf,
    state: Mutex<CurveState>,
}

/// The step at which a fit with units held back was best, and whose model it kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct BestStep {
    /// Which fit, such as `final/seed-2`.
    pub(super) part: String,
    /// Its family.
    pub(super) model: String,
    /// Steps, or trees.
    pub(super) step: u64,
    /// Root of the mean squared error at the units held back, in cycles.
    pub(super) validation_rmse: f64,
}

impl BestStep {
    pub(super) fn report(&self, reporter: &Reporter) {
        let fit = reporter.scoped(&self.part).scoped(&self.model);
        fit.metric("best_step", 0, self.step as f64);
        fit.metric("best_validation_rmse", 0, self.validation_rmse);
    }

    pub(super) fn text(&self) -> String {
        format!(
            "kept after {} steps, validation RMSE {:.2}",
            self.step, self.validation_rmse
        )
    }
}

struct CurveState {
    curves: Curves,
    file: File,
    error: Option<std::io::Error>,
}

impl CurveLog {
    /// Opens the log in a folder of partial results, with what was logged there before, and returns it with a reporter that
    /// writes to it. The points of finished folds are reported again, so that the record of the run is complete.
    ///
    /// # Errors
    /// The log cannot be written.
    pub(super) fn listen(
        folder: &Path,
        reporter: &Reporter,
    ) -> Result<(Arc<Self>, Reporter), StageError> {
        let path = folder.join(POINTS);
        // The last line may be incomplete, or the file from another release: what cannot be read is logged again.
        let earlier = read_note(&path).unwrap_or_default();
        let earlier: Vec<CurvePoint> = earlier
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        for point in &earlier {
            if is_finished(folder, &point.part) {
                report(point, reporter);
            }
        }
        let file =
            begin(&path, &earlier).map_err(|source| StageError::io("write", &path, source))?;
        let state = Mutex::new(CurveState {
            curves: earlier.into_iter().collect(),
            file,
            error: None,
        });
        let log = Arc::new(Self { path, state });
        Ok((Arc::clone(&log), reporter.with(log)))
    }

    /// Returns the best step of each fit on all training units that held units back, in order of part.
    pub(super) fn best_steps(&self) -> Vec<BestStep> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut best: Vec<BestStep> = Vec::new();
        for CurvePoint {
            metric,
            part,
            step,
            value,
        } in state.curves.points()
        {
            let Some(model) = metric.strip_suffix("/validation_rmse") else {
                continue;
            };
            if !part.starts_with(FINAL) {
                continue;
            }
            match best.last_mut() {
                Some(best) if best.part == part && best.model == model => {
                    if value < best.validation_rmse {
                        best.step = step;
                        best.validation_rmse = value;
                    }
                }
                Some(_) | None => best.push(BestStep {
                    part,
                    model: model.to_owned(),
                    step,
                    validation_rmse: value,
                }),
            }
        }
        best
    }

    /// Writes the drawing and its points into `folder`; no files where nothing was logged.
    ///
    /// # Errors
    /// A file cannot be written, or one of the points could not be recorded.
    pub(super) fn write(&self, folder: &Path, title: &str) -> Result<(), StageError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = state.error.take() {
            return Err(StageError::io("write", &self.path, error));
        }
        if state.curves.is_empty() {
            return Ok(());
        }
        for (name, bytes) in [
            (LEARNING_CURVES, state.curves.svg(title).into_bytes()),
            (LEARNING_CURVES_TABLE, state.curves.csv()?),
        ] {
            let path = folder.join(name);
            atomic_write(&path, &bytes).map_err(|source| StageError::io("write", &path, source))?;
        }
        Ok(())
    }
}

impl Observer for CurveLog {
    fn on(&self, event: &Event) {
        let Event::Metric { key, step, value } = event else {
            return;
        };
        let (part, metric) = divide(key);
        let point = CurvePoint {
            metric: metric.to_owned(),
            part: part.to_owned(),
            step: *step,
            value: *value,
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = append(&mut state.file, &point) {
            state.error.get_or_insert(error);
        }
        state.curves.add(point);
    }
}

/// Divides `fold-1/gru/loss` into the part, `fold-1`, and the metric's own name, which has two words.
fn divide(key: &str) -> (&str, &str) {
    match key.rmatch_indices('/').nth(1) {
        Some((at, _)) => (&key[..at], &key[at + 1..]),
        None => ("", key),
    }
}

fn report(point: &CurvePoint, reporter: &Reporter) {
    reporter.metric(
        format!("{}/{}", point.part, point.metric),
        point.step,
        point.value,
    );
}

/// Returns whether a part belongs to a fold whose predictions are kept. Parts count folds from 1, files from 0.
fn is_finished(folder: &Path, part: &str) -> bool {
    let fold = part
        .split('/')
        .next()
        .and_then(|first| first.strip_prefix("fold-"));
    let fold = fold.and_then(|number| number.parse::<usize>().ok()?.checked_sub(1));
    fold.is_some_and(|fold| fold_file(folder, fold).exists())
}

/// Writes the file again, so that an incomplete line at its end does not damage the next.
fn begin(path: &Path, points: &[CurvePoint]) -> std::io::Result<File> {
    atomic_write(path, b"")?;
    let mut file = File::options().append(true).open(path)?;
    for point in points {
        append(&mut file, point)?;
    }
    Ok(file)
}

fn append(file: &mut File, point: &CurvePoint) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(point)?;
    line.push(b'\n');
    file.write_all(&line)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn log(folder: &Path, keys: &[(&str, u64)]) -> Curves {
        let (log, reporter) = CurveLog::listen(folder, &Reporter::silent()).unwrap();
        keys.iter()
            .for_each(|(key, step)| reporter.metric(*key, *step, *step as f64 / 3.0));
        log.state.lock().unwrap().curves.clone()
    }

    #[test]
    fn the_part_is_what_comes_before_the_last_two_words() {
        let keys = [
            "fold-1/gru/loss",
            "final/seed-2/gru/loss",
            "gru/loss",
            "loss",
        ];
        let expected = [
            ("fold-1", "gru/loss"),
            ("final/seed-2", "gru/loss"),
            ("", "gru/loss"),
            ("", "loss"),
        ];
        assert_eq!(keys.map(divide), expected);
    }

    #[test]
    fn a_resumed_training_has_the_curves_of_one_that_was_not_interrupted() {
        let all = [
            ("fold-1/gru/loss", 20),
            ("fold-1/gru/loss", 40),
            ("fold-2/gru/loss", 20),
            ("final/gru/loss", 20),
        ];
        let [whole, halves] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let uninterrupted = log(whole.path(), &all);
        log(halves.path(), &all[..3]);
        let path = halves.path().join(POINTS);
        let torn = fs::read_to_string(&path).unwrap() + "{\"metric\":\"gru/l";
        fs::write(&path, torn).unwrap();
        assert_eq!(log(halves.path(), &all[2..]), uninterrupted);
        assert_eq!(log(halves.path(), &[]), uninterrupted);
    }

    #[test]
    fn what_a_finished_fold_logged_is_reported_again() {
        struct RecordedMetrics(Mutex<Vec<String>>);
        impl Observer for RecordedMetrics {
            fn on(&self, event: &Event) {
                if let Event::Metric { key, step, .. } = event {
                    self.0.lock().unwrap().push(format!("{key} {step}"));
                }
            }
        }
        let folder = tempfile::tempdir().unwrap();
        log(
            folder.path(),
            &[
                ("fold-1/gru/loss", 20),
                ("fold-2/gru/loss", 20),
                ("final/gru/loss", 20),
            ],
        );
        fs::write(fold_file(folder.path(), 0), "").unwrap();
        let heard = Arc::new(RecordedMetrics(Mutex::default()));
        CurveLog::listen(folder.path(), &Reporter::silent().with(heard.clone())).unwrap();
        assert_eq!(*heard.0.lock().unwrap(), ["fold-1/gru/loss 20"]);
    }

    #[test]
    fn both_files_are_written_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let names = || fs::read_dir(folder.path()).unwrap().count() - 1;
        let (log, reporter) = CurveLog::listen(folder.path(), &Reporter::silent()).unwrap();
        log.write(folder.path(), "nothing").unwrap();
        assert_eq!(names(), 0);
        reporter.metric("fold-1/gru/loss", 20, 0.5);
        log.write(folder.path(), "gru on FD001").unwrap();
        assert_eq!(names(), 2);
        assert!(
            fs::read_to_string(folder.path().join(LEARNING_CURVES))
                .unwrap()
                .contains("gru on FD001")
        );
    }
}
