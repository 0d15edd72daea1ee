//! Recognizes by its contents whether a file was written by this program, so that it may be overwritten.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use polars::prelude::{ParquetReader, SerReader};
use serde_json::Value;

use super::gate::GateFormat;
use super::profile::GENERATOR;

/// Larger files are not read: these documents are much smaller.
const LARGEST_DOCUMENT: u64 = 256 << 20;
/// Most bytes read of a table's header.
const LONGEST_HEADER: u64 = 1 << 20;
/// The file that marks a folder as an MLflow model.
const MLMODEL: &str = "MLmodel";
/// Bytes at the beginning of a graph that contain the name of its producer.
const ONNX_BEGINNING: usize = 64;

/// A kind of file that this program writes to a given path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownFile {
    /// The report of `data validate`.
    Quality,
    /// The page of `data profile`.
    Profile,
    /// A table of predictions.
    Predictions,
    /// A table of features.
    Features,
    /// A gate report.
    Gates(GateFormat),
    /// A drawing of a gate report.
    Drawing,
    /// The summary of `retrain`.
    Summary,
    /// The timeline of a run.
    Trace,
    /// A model as an ONNX graph.
    Onnx,
    /// A request to `mlflow models serve`.
    Request,
    /// A file in the folder of an MLflow model.
    Model,
}

impl KnownFile {
    /// Returns the name of the file in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quality => "a quality report",
            Self::Profile => "a profile of `data profile`",
            Self::Predictions => "a table of predictions",
            Self::Features => "a table of features",
            Self::Gates(_) => "a gate report",
            Self::Drawing => "a drawing of a gate report",
            Self::Summary => "a summary of `retrain`",
            Self::Trace => "a timeline",
            Self::Onnx => "an ONNX graph of this program",
            Self::Request => "a request to a model server",
            Self::Model => "part of an MLflow model of this program",
        }
    }

    /// Returns whether the file at a path is such a document, written by this program. An empty file counts as one, because
    /// nothing would be lost.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn is_written_at(self, path: &Path) -> io::Result<bool> {
        if fs::metadata(path)?.len() == 0 {
            return Ok(true);
        }
        Ok(match self {
            Self::Predictions => header(path)?.is_some_and(|names| is_predictions(&names)),
            Self::Features => header(path)?.is_some_and(|names| is_features(&names)),
            Self::Onnx => beginning(path)?
                .windows(8)
                .any(|bytes| bytes == b"\x12\x06pdm-ml"),
            Self::Quality => json(path)?
                .is_some_and(|value| has(&value, &["dataset", "files", "checks", "findings"])),
            Self::Profile => {
                text(path)?.is_some_and(|text| text.contains(&format!("content=\"{GENERATOR}\"")))
            }
            Self::Summary => json(path)?
                .is_some_and(|value| has(&value, &["time", "pipeline", "result", "exit"])),
            Self::Trace => json(path)?
                .is_some_and(|value| has(&value, &["traceEvents", "displayTimeUnit", "otherData"])),
            Self::Request => json(path)?.is_some_and(|value| is_request(&value)),
            Self::Model => text(&path.with_file_name(MLMODEL))?
                .is_some_and(|text| text.contains("pdm_ml.bundle:")),
            Self::Drawing => text(path)?.is_some_and(|text| is_drawing(&text)),
            Self::Gates(format) => text(path)?.is_some_and(|text| is_gate_report(format, &text)),
        })
    }
}

/// Checks the first columns of a table of predictions, and the optional ones; a table with other columns was edited by
/// someone.
fn is_predictions(names: &[String]) -> bool {
    let Some((first, more)) = names.split_at_checked(5) else {
        return false;
    };
    let is_ours =
        |name: &String| ["truth", "truth_capped", "flags", "alarm"].contains(&name.as_str());
    first == ["unit", "cycle", "rul", "lower", "upper"] && more.iter().all(is_ours)
}

/// A table of histories may begin like one of features, but does not end with `log_cycle`; neither does a table of features to
/// which someone added a column.
fn is_features(names: &[String]) -> bool {
    names.len() > 3
        && names[..3] == ["unit", "cycle", "rul"]
        && names.last().is_some_and(|name| name == "log_cycle")
}

fn is_request(value: &Value) -> bool {
    let Some(object) = value.as_object() else {
        return false;
    };
    object.len() == 1 && object.get("inputs").is_some_and(Value::is_object)
}

fn is_drawing(text: &str) -> bool {
    let words = [
        "<title>Gates of ",
        "<desc>Predicted against true remaining life, ",
    ];
    text.trim_start().starts_with("<svg") && words.iter().any(|words| text.contains(words))
}

fn is_gate_report(format: GateFormat, text: &str) -> bool {
    match format {
        GateFormat::Junit => text.contains("<testsuites name=\"pdm-ml\""),
        GateFormat::Markdown => {
            let first = text.lines().next().unwrap_or_default();
            first.starts_with("## ") && first.contains(" Gates of ")
        }
        GateFormat::Github => {
            let is_command = |line: &str| line.is_empty() || line.starts_with("::");
            text.lines().all(is_command) && text.contains("title=gates of ")
        }
        GateFormat::Sarif => {
            let log: Value = serde_json::from_str(text).unwrap_or_default();
            log["runs"][0]["tool"]["driver"]["name"] == "pdm-ml"
        }
        GateFormat::Json => {
            let report: Value = serde_json::from_str(text).unwrap_or_default();
            has(
                &report,
                &["format", "pipeline", "verdict", "gates", "troubles"],
            )
        }
    }
}

fn has(value: &Value, keys: &[&str]) -> bool {
    keys.iter().all(|key| value.get(key).is_some())
}

/// Returns the names of a table's columns; `None` if the file is not a table.
fn header(path: &Path) -> io::Result<Option<Vec<String>>> {
    let file = File::open(path)?;
    if path.extension().is_some_and(|ending| ending == "parquet") {
        let schema = ParquetReader::new(file).schema();
        return Ok(schema
            .ok()
            .map(|schema| schema.iter_names().map(ToString::to_string).collect()));
    }
    let mut line = Vec::new();
    BufReader::new(file.take(LONGEST_HEADER)).read_until(b'\n', &mut line)?;
    let line = String::from_utf8(line).ok();
    Ok(line.map(|line| {
        line.trim_end()
            .split(',')
            .map(|name| name.trim_matches('"').to_owned())
            .collect()
    }))
}

fn beginning(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(ONNX_BEGINNING as u64)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns a document as text; `None` if it is not text or too large.
fn text(path: &Path) -> io::Result<Option<String>> {
    if !path.is_file() || fs::metadata(path)?.len() > LARGEST_DOCUMENT {
        return Ok(None);
    }
    Ok(String::from_utf8(fs::read(path)?).ok())
}

fn json(path: &Path) -> io::Result<Option<Value>> {
    Ok(text(path)?.and_then(|text| serde_json::from_str(&text).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(document: KnownFile, name: &str, contents: &[u8]) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, contents).unwrap();
        document.is_written_at(&path).unwrap()
    }

    #[test]
    fn tables_are_known_by_their_columns() {
        assert!(written(
            KnownFile::Predictions,
            "a.csv",
            b"unit,cycle,rul,lower,upper,truth\n1,2,3,,,\n"
        ));
        assert!(!written(
            KnownFile::Predictions,
            "a.csv",
            b"unit,cycle,rul,vibration\n1,2,3,4\n"
        ));
        assert!(written(
            KnownFile::Features,
            "a.csv",
            b"unit,cycle,rul,s1.base,log_cycle\n"
        ));
        assert!(!written(
            KnownFile::Features,
            "a.csv",
            b"unit,cycle,rul,lower,upper\n"
        ));
        let whole = b"unit,cycle,rul,lower,upper,truth,truth_capped,flags,alarm\n1,2,3,,,,,,true\n";
        assert!(written(KnownFile::Predictions, "a.csv", whole));
        let commented = b"unit,cycle,rul,lower,upper,comment\nu1,5,3,1,9,call Bob\n";
        assert!(!written(KnownFile::Predictions, "a.csv", commented));
        assert!(!written(
            KnownFile::Features,
            "a.csv",
            b"unit,cycle,rul,s1.base,log_cycle,comment\n"
        ));
        assert!(!written(
            KnownFile::Predictions,
            "a.parquet",
            b"unit,cycle,rul,lower,upper\n"
        ));
        assert!(!written(
            KnownFile::Predictions,
            "a.csv",
            &[0xff, 0xfe, 0, 1]
        ));
    }

    #[test]
    fn documents_of_others_are_not_ours() {
        let kinds = [
            KnownFile::Quality,
            KnownFile::Profile,
            KnownFile::Summary,
            KnownFile::Trace,
            KnownFile::Request,
            KnownFile::Onnx,
            KnownFile::Model,
        ];
        let gates = GateFormat::ALL.map(KnownFile::Gates);
        for document in kinds.into_iter().chain(gates).chain([KnownFile::Drawing]) {
            for other in [
                "{}",
                "[]",
                "{\"pipeline\": 1}",
                "# Notes\n",
                "<svg></svg>",
                "version = 2\n",
                "{\"inputs\": 3}",
            ] {
                assert!(
                    !written(document, "x", other.as_bytes()),
                    "{document:?} {other}"
                );
            }
            assert!(written(document, "x", b""), "{document:?}");
        }
    }
}
