//! Writes and reads the stored JSON documents.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::RegistryError;
use pdm_core::content::{canonical_json, check_finite};
use pdm_core::domain::Prediction;
use pdm_core::gates::GateReport;
use pdm_core::scoring::Scorecard;

/// Returns the stored bytes of a scorecard.
pub(crate) fn scorecard(scorecard: &Scorecard) -> Result<Bytes, RegistryError> {
    write("a scorecard", scorecard)
}

/// Returns the stored bytes of predictions: in order of unit, then cycle, so that their digest is the one in the scorecard.
pub(crate) fn predictions(predictions: &[Prediction]) -> Result<Bytes, RegistryError> {
    let mut sorted: Vec<_> = predictions.iter().collect();
    sorted.sort_by(|a, b| (&a.unit, a.cycle).cmp(&(&b.unit, b.cycle)));
    write("predictions", &sorted)
}

/// Returns the stored bytes of a gate report.
pub(crate) fn report(report: &GateReport) -> Result<Bytes, RegistryError> {
    write("a gate report", report)
}

/// Reads stored JSON.
pub(crate) fn read<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, RegistryError> {
    serde_json::from_slice(bytes).map_err(|source| RegistryError::Json {
        operation: "read",
        what: what.to_owned(),
        source,
    })
}

fn write<T: Serialize + ?Sized>(what: &str, value: &T) -> Result<Bytes, RegistryError> {
    let written = check_finite(value).and_then(|()| canonical_json(value));
    written
        .map(Bytes::from)
        .map_err(|source| RegistryError::Json {
            operation: "write",
            what: what.to_owned(),
            source,
        })
}
