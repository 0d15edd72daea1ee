//! Judgements as JSON.

use serde::Serialize;

use super::Judgement;

/// Version of the document's format.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct ReportDocument<'j> {
    format: u32,
    #[serde(flatten)]
    judgement: &'j Judgement,
}

/// Returns a judgement as one JSON document.
///
/// # Panics
/// Never: a struct of numbers and names has a JSON form.
pub fn json(judgement: &Judgement) -> String {
    let document = ReportDocument {
        format: FORMAT,
        judgement,
    };
    serde_json::to_string_pretty(&document).expect("a struct of numbers and names has a JSON form")
        + "\n"
}
