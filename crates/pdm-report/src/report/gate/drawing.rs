//! The drawings of a judgement.

use super::judgement::Judgement;
use super::{forest, scatter};

/// Names of all drawings.
pub const DRAWINGS: [&str; 2] = ["gates", "errors"];

/// A drawing of a judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawing {
    /// Name of its file, without extension.
    pub name: &'static str,
    /// What it shows.
    pub title: String,
    /// The drawing, as SVG.
    pub svg: String,
}

/// Draws the intervals of the gates with their limits, and the predictions with their errors by remaining life; each only if
/// there is something to draw.
pub fn drawings(judgement: &Judgement) -> Vec<Drawing> {
    let intervals = forest::draw(judgement).map(|svg| Drawing {
        name: "gates",
        title: format!(
            "Gates of {}: intervals against their limits",
            judgement.pipeline
        ),
        svg,
    });
    let errors = judgement.evidence.as_ref().and_then(scatter::draw).map(|svg| Drawing {
        name: "errors",
        title: format!(
            "Predictions of {}: predicted against true remaining life, and error by remaining life",
            judgement.pipeline
        ),
        svg,
    });
    intervals.into_iter().chain(errors).collect()
}
