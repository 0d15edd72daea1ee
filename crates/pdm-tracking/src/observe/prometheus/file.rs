//! Updates a file of metrics for the node exporter.

use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{MetricSample, families_of};
use crate::observe::JobFacts;
use pdm_core::content::{FileLock, atomic_write, read_note};

/// How long to wait for another job that writes the same file, which takes some milliseconds.
const WAIT: Duration = Duration::from_secs(3);

/// The metrics of a job cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum MetricsFileError {
    /// The file, its folder or its lock cannot be accessed.
    #[error("cannot {action} `{}`: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The file was not written by pdm-ml, so it is not overwritten.
    #[error("line {line} of `{}` was not written by pdm-ml", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The first such line, counted from 1.
        line: usize,
    },
    /// The exporter would ignore the file.
    #[error("`{}` does not end in .prom, and the node exporter reads no other files", .0.display())]
    Name(PathBuf),
    /// Another job has locked the file.
    #[error("another job is writing `{}`", .0.display())]
    Busy(PathBuf),
    /// A failure without a pipeline cannot be assigned to one.
    #[error("cannot assign the failure to a pipeline: `{}` has metrics of {pipelines} pipelines", path.display())]
    Nameless {
        /// The file.
        path: PathBuf,
        /// Number of pipelines in it.
        pipelines: usize,
    },
}

/// Updates a file of metrics with the results of a job.
///
/// Samples of other pipelines stay, and so do those the job has no value for, such as the last success if it
/// failed. A job without a name, because its pipeline could not be read, counts as the only pipeline in the file.
///
/// # Errors
/// The file was not written by pdm-ml, cannot be read or written, or is locked for longer than a job waits.
pub fn update(path: &Path, facts: &JobFacts) -> Result<(), MetricsFileError> {
    if path.extension().is_none_or(|extension| extension != "prom") {
        return Err(MetricsFileError::Name(path.to_owned()));
    }
    // A file of another program is refused before a lock is left next to it.
    read(path)?;
    let _lock = lock(&path.with_extension("prom.lock"))?;
    let mut known = read(path)?;
    let facts = named(path, facts, &known)?;
    for family in families_of()
        .iter()
        .filter(|family| family.concerns(&facts))
    {
        family.renew(&facts, &mut known);
    }
    atomic_write(path, render(&known).as_bytes()).map_err(file("write", path))
}

fn file(action: &'static str, path: &Path) -> impl Fn(io::Error) -> MetricsFileError {
    move |source| MetricsFileError::File {
        action,
        path: path.to_owned(),
        source,
    }
}

/// Takes a lock on a file next to it, because the file itself is replaced.
fn lock(path: &Path) -> Result<FileLock, MetricsFileError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(file("make", folder))?;
    }
    let lock = FileLock::take_within(path, WAIT).map_err(file("lock", path))?;
    lock.ok_or_else(|| MetricsFileError::Busy(path.with_extension("")))
}

fn read(path: &Path) -> Result<Vec<MetricSample>, MetricsFileError> {
    let text = match read_note(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(file("read", path)(source)),
    };
    let is_ours = |sample: &MetricSample| {
        families_of()
            .iter()
            .any(|family| family.name == sample.name)
    };
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|(at, line)| {
            let foreign = || MetricsFileError::Foreign {
                path: path.to_owned(),
                line: at + 1,
            };
            MetricSample::parse(line)
                .filter(is_ours)
                .ok_or_else(foreign)
        })
        .collect()
}

fn named(
    path: &Path,
    facts: &JobFacts,
    known: &[MetricSample],
) -> Result<JobFacts, MetricsFileError> {
    let mut facts = facts.clone();
    if facts.pipeline.is_empty() {
        let mut names: Vec<_> = known
            .iter()
            .filter_map(|sample| sample.label("pipeline"))
            .collect();
        names.sort_unstable();
        names.dedup();
        let [only] = names[..] else {
            return Err(MetricsFileError::Nameless {
                path: path.to_owned(),
                pipelines: names.len(),
            });
        };
        only.clone_into(&mut facts.pipeline);
    }
    Ok(facts)
}

fn render(samples: &[MetricSample]) -> String {
    let mut text = String::new();
    for family in families_of() {
        let mut of_family: Vec<_> = samples
            .iter()
            .filter(|sample| sample.name == family.name)
            .collect();
        if of_family.is_empty() {
            continue;
        }
        // By pipeline, each in its original order.
        of_family.sort_by_key(|sample| sample.label("pipeline").unwrap_or_default());
        let _never_full = writeln!(
            text,
            "# HELP {0} {1}\n# TYPE {0} gauge",
            family.name, family.help
        );
        for sample in of_family {
            let _never_full = writeln!(text, "{sample}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::observe::{ChampionFact, GateFact, PredictFact, ScoreFact};
    use pdm_core::scoring::Verdict;

    fn facts(pipeline: &str, exit_code: u8, at: &str) -> JobFacts {
        JobFacts {
            pipeline: pipeline.into(),
            command: "run".into(),
            run: None,
            ended: at.parse().unwrap(),
            elapsed: Duration::from_millis(5250),
            exit_code,
            stages: BTreeMap::from([("train".into(), Duration::from_millis(4300))]),
            scores: vec![ScoreFact {
                metric: "rmse",
                part: "test",
                value: 11.75,
                lower: 9.62,
                upper: 13.99,
            }],
            verdict: Some(Verdict::Pass),
            gates: vec![GateFact {
                number: 1,
                metric: "rmse",
                rule: "at_most".into(),
                verdict: Verdict::Pass,
                observed: Some([9.62, 11.75, 13.99]),
                limits: [None, Some(16.0)],
            }],
            drift: None,
            champion: ChampionFact::Version {
                version: 3,
                since: Some("2026-11-01T00:00:00Z".parse().unwrap()),
            },
            predicted: None,
        }
    }

    #[test]
    fn the_file_reads_as_prometheus_wants_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics/pdm_ml.prom");
        update(&path, &facts("plant", 0, "2026-11-28T02:00:05.5Z")).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let version = format!("version=\"{}\"", env!("CARGO_PKG_VERSION"));
        insta::assert_snapshot!(text.replace(&version, "version=\"0.0.0\""), @r#"
        # HELP pdm_ml_last_run_timestamp_seconds Time when the job last ended, with or without success.
        # TYPE pdm_ml_last_run_timestamp_seconds gauge
        pdm_ml_last_run_timestamp_seconds{pipeline="plant"} 1795831205.5
        # HELP pdm_ml_last_success_timestamp_seconds Time when the job last ended with exit code 0.
        # TYPE pdm_ml_last_success_timestamp_seconds gauge
        pdm_ml_last_success_timestamp_seconds{pipeline="plant"} 1795831205.5
        # HELP pdm_ml_exit_code Exit code of the last job; 0 is success, pdm-ml --help lists the others.
        # TYPE pdm_ml_exit_code gauge
        pdm_ml_exit_code{pipeline="plant"} 0
        # HELP pdm_ml_run_duration_seconds Duration of the last job.
        # TYPE pdm_ml_run_duration_seconds gauge
        pdm_ml_run_duration_seconds{pipeline="plant"} 5.25
        # HELP pdm_ml_stage_duration_seconds Duration of the last execution of a stage; cached stages are not executed.
        # TYPE pdm_ml_stage_duration_seconds gauge
        pdm_ml_stage_duration_seconds{pipeline="plant",stage="train"} 4.3
        # HELP pdm_ml_gate_verdict Verdict of the gates on the model judged last: 1 for the verdict that applies.
        # TYPE pdm_ml_gate_verdict gauge
        pdm_ml_gate_verdict{pipeline="plant",verdict="pass"} 1
        pdm_ml_gate_verdict{pipeline="plant",verdict="fail"} 0
        pdm_ml_gate_verdict{pipeline="plant",verdict="undecided"} 0
        # HELP pdm_ml_gate_result Verdict of each gate: 1 for the verdict that applies.
        # TYPE pdm_ml_gate_result gauge
        pdm_ml_gate_result{pipeline="plant",gate="1",metric="rmse",rule="at_most",verdict="pass"} 1
        pdm_ml_gate_result{pipeline="plant",gate="1",metric="rmse",rule="at_most",verdict="fail"} 0
        pdm_ml_gate_result{pipeline="plant",gate="1",metric="rmse",rule="at_most",verdict="undecided"} 0
        # HELP pdm_ml_gate_value Value that each gate judged, with the ends of its interval.
        # TYPE pdm_ml_gate_value gauge
        pdm_ml_gate_value{pipeline="plant",gate="1",metric="rmse",rule="at_most",bound="value"} 11.75
        pdm_ml_gate_value{pipeline="plant",gate="1",metric="rmse",rule="at_most",bound="lower"} 9.62
        pdm_ml_gate_value{pipeline="plant",gate="1",metric="rmse",rule="at_most",bound="upper"} 13.99
        # HELP pdm_ml_gate_limit Limits of each gate; for a comparison, its margin.
        # TYPE pdm_ml_gate_limit gauge
        pdm_ml_gate_limit{pipeline="plant",gate="1",metric="rmse",rule="at_most",bound="upper"} 16
        # HELP pdm_ml_gate_margin Distance of the interval from the nearest limit; below 0, the gate does not pass.
        # TYPE pdm_ml_gate_margin gauge
        pdm_ml_gate_margin{pipeline="plant",gate="1",metric="rmse",rule="at_most"} 2.01
        # HELP pdm_ml_score Scores of the model judged last, each with the ends of its interval.
        # TYPE pdm_ml_score gauge
        pdm_ml_score{pipeline="plant",metric="rmse",part="test",bound="value"} 11.75
        pdm_ml_score{pipeline="plant",metric="rmse",part="test",bound="lower"} 9.62
        pdm_ml_score{pipeline="plant",metric="rmse",part="test",bound="upper"} 13.99
        # HELP pdm_ml_champion_version Version the champion's alias points to.
        # TYPE pdm_ml_champion_version gauge
        pdm_ml_champion_version{pipeline="plant"} 3
        # HELP pdm_ml_champion_timestamp_seconds Time when the champion's alias was last moved.
        # TYPE pdm_ml_champion_timestamp_seconds gauge
        pdm_ml_champion_timestamp_seconds{pipeline="plant"} 1793491200
        # HELP pdm_ml_build_info Version of pdm-ml that wrote this; always 1.
        # TYPE pdm_ml_build_info gauge
        pdm_ml_build_info{pipeline="plant",version="0.0.0"} 1
        "#);
        let names = std::fs::read_dir(path.parent().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        assert_eq!(
            names
                .filter(|name| name.to_str().unwrap().ends_with(".prom"))
                .count(),
            1
        );
    }

    /// Returns the value of the line that begins so.
    fn value(path: &Path, begin: &str) -> Option<f64> {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines()
            .find(|line| line.starts_with(begin))
            .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
    }

    #[test]
    fn an_alarm_of_a_prediction_is_no_failed_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.prom");
        update(&path, &facts("plant", 0, "2026-11-28T02:00:00Z")).unwrap();
        let fact = PredictFact {
            predicted: 12,
            flagged: 2,
            skipped: 1,
            alarms: 3,
            lowest_rul: Some(7.5),
            lowest_lower: Some(2.0),
        };
        let predicted = JobFacts {
            command: "predict".into(),
            stages: BTreeMap::new(),
            scores: Vec::new(),
            verdict: None,
            champion: ChampionFact::Unknown,
            predicted: Some(fact),
            ..facts("plant", 32, "2026-11-29T02:00:00Z")
        };
        update(&path, &predicted).unwrap();
        assert_eq!(value(&path, "pdm_ml_exit_code"), Some(0.0));
        assert_eq!(value(&path, "pdm_ml_predict_exit_code"), Some(32.0));
        assert_eq!(
            value(
                &path,
                "pdm_ml_predict_units{pipeline=\"plant\",state=\"alarm\"}"
            ),
            Some(3.0)
        );
        assert_eq!(value(&path, "pdm_ml_predict_lowest_rul_cycles"), Some(7.5));
        assert_eq!(value(&path, "pdm_ml_champion_version"), Some(3.0));
        update(
            &path,
            &JobFacts {
                predicted: None,
                exit_code: 75,
                ..predicted
            },
        )
        .unwrap();
        assert_eq!(value(&path, "pdm_ml_predict_exit_code"), Some(75.0));
        assert_eq!(
            value(
                &path,
                "pdm_ml_predict_units{pipeline=\"plant\",state=\"alarm\"}"
            ),
            Some(3.0)
        );
    }

    #[test]
    fn a_failure_keeps_what_it_did_not_find_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.prom");
        update(&path, &facts("plant", 0, "2026-11-28T02:00:00Z")).unwrap();
        let failed = JobFacts {
            stages: BTreeMap::from([("validate".into(), Duration::from_secs(1))]),
            scores: Vec::new(),
            verdict: None,
            champion: ChampionFact::Unknown,
            ..facts("plant", 10, "2026-11-29T02:00:00Z")
        };
        update(&path, &failed).unwrap();
        assert_eq!(value(&path, "pdm_ml_exit_code"), Some(10.0));
        let since =
            value(&path, "pdm_ml_last_run").unwrap() - value(&path, "pdm_ml_last_success").unwrap();
        assert_eq!(since, 86_400.0);
        assert_eq!(
            value(
                &path,
                "pdm_ml_score{pipeline=\"plant\",metric=\"rmse\",part=\"test\",bound=\"value\"}"
            ),
            Some(11.75)
        );
        assert_eq!(value(&path, "pdm_ml_champion_version"), Some(3.0));
        assert_eq!(
            value(
                &path,
                "pdm_ml_stage_duration_seconds{pipeline=\"plant\",stage=\"train\"}"
            ),
            Some(4.3)
        );
        assert_eq!(
            value(
                &path,
                "pdm_ml_stage_duration_seconds{pipeline=\"plant\",stage=\"validate\"}"
            ),
            Some(1.0)
        );
        update(
            &path,
            &JobFacts {
                champion: ChampionFact::Absent,
                ..failed
            },
        )
        .unwrap();
        assert_eq!(value(&path, "pdm_ml_champion_version"), None);
    }

    #[test]
    fn pipelines_share_a_file_and_keep_their_own_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.prom");
        let names: Vec<_> = (0..8).map(|n| format!("plant-{n}")).collect();
        std::thread::scope(|scope| {
            for name in &names {
                scope.spawn(|| update(&path, &facts(name, 0, "2026-11-28T02:00:00Z")).unwrap());
            }
        });
        for name in &names {
            assert_eq!(
                value(&path, &format!("pdm_ml_exit_code{{pipeline=\"{name}\"}}")),
                Some(0.0)
            );
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches("# TYPE pdm_ml_exit_code gauge").count(), 1);
    }

    #[test]
    fn a_job_whose_pipeline_cannot_be_read_is_the_one_the_file_knows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.prom");
        let nameless = facts("", 2, "2026-11-29T02:00:00Z");
        assert!(matches!(
            update(&path, &nameless),
            Err(MetricsFileError::Nameless { pipelines: 0, .. })
        ));
        update(&path, &facts("plant", 0, "2026-11-28T02:00:00Z")).unwrap();
        update(&path, &nameless).unwrap();
        assert_eq!(
            value(&path, "pdm_ml_exit_code{pipeline=\"plant\"}"),
            Some(2.0)
        );
        update(&path, &facts("other", 0, "2026-11-28T02:00:00Z")).unwrap();
        assert!(matches!(
            update(&path, &nameless),
            Err(MetricsFileError::Nameless { pipelines: 2, .. })
        ));
    }

    #[test]
    fn files_of_others_are_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.prom");
        std::fs::write(&path, "# HELP apt_upgrades x\napt_upgrades 3\n").unwrap();
        let error = update(&path, &facts("plant", 0, "2026-11-28T02:00:00Z")).unwrap_err();
        assert!(
            matches!(error, MetricsFileError::Foreign { line: 2, .. }),
            "{error}"
        );
        let error = update(
            &folder.path().join("a.txt"),
            &facts("plant", 0, "2026-11-28T02:00:00Z"),
        )
        .unwrap_err();
        assert!(matches!(error, MetricsFileError::Name(_)), "{error}");
    }
}
