//! The drawing of predicted against true remaining life, and of the error by remaining life.

use svg::node::element as el;

use super::forest::STYLE;
use super::judgement::JudgedModel;
use crate::report::axis::Axis;
use crate::report::chart::{EDGE, HEADER, WIDTH, sheet};
use crate::report::plot::{LEFT, PANEL_HEIGHT, Plot, number, text};
use pdm_core::scoring::Band;

/// Most predictions drawn: evenly chosen, in order of unit and cycle.
const POINTS: usize = 1500;
/// Error in cycles beyond which a prediction is drawn as late.
const LATE: f64 = 10.0;

const DOTS: &str = "\
.seen{fill:#0072b2;opacity:.6}.late{fill:#d55e00;opacity:.75}.bar{fill:#0072b2;opacity:.7}
@media (prefers-color-scheme:dark){.seen{fill:#4aa8e0}.late{fill:#ff8b3d}.bar{fill:#4aa8e0}}";

/// Draws both side by side; `None` if no prediction has a truth.
pub(super) fn draw(evidence: &JudgedModel) -> Option<String> {
    let pairs = pairs(evidence);
    let bands = &evidence.scorecard.bands;
    if pairs.is_empty() || bands.is_empty() {
        return None;
    }
    let title = format!(
        "{} predictions of {} units",
        evidence.scorecard.rows, evidence.scorecard.units
    );
    let late = pairs.iter().filter(|pair| is_late(pair)).count();
    let described = format!(
        "Predicted against true remaining life, {late} of {} drawn predictions more than {LATE} cycles late; {}.",
        pairs.len(),
        bands
            .iter()
            .map(|band| format!("RMSE {:.1} from {} cycles", band.rmse, band.from))
            .collect::<Vec<_>>()
            .join(", ")
    );
    let position = |x: f64| format!("translate({} {})", number(x), number(HEADER));
    let drawing = sheet(&title, &described, HEADER + PANEL_HEIGHT + EDGE)
        .add(el::Style::new(STYLE))
        .add(el::Style::new(DOTS))
        .add(predictions(&pairs, WIDTH / 2.0).set("transform", position(0.0)))
        .add(errors(bands, WIDTH / 2.0).set("transform", position(WIDTH / 2.0)));
    Some(format!("{drawing}\n"))
}

/// Truth under the protocol, and prediction.
fn pairs(evidence: &JudgedModel) -> Vec<[f64; 2]> {
    let cap = evidence
        .scorecard
        .protocol
        .truth_cap
        .unwrap_or(f64::INFINITY);
    let pairs = evidence
        .predictions
        .iter()
        .filter_map(|p| Some([p.truth?.min(cap), p.rul]));
    let pairs: Vec<_> = pairs
        .filter(|pair| pair.iter().all(|value| value.is_finite()))
        .collect();
    let step = pairs.len().div_ceil(POINTS).max(1);
    pairs.into_iter().step_by(step).collect()
}

fn is_late([truth, predicted]: &[f64; 2]) -> bool {
    predicted - truth > LATE
}

fn predictions(pairs: &[[f64; 2]], width: f64) -> el::Group {
    let most = pairs
        .iter()
        .flatten()
        .fold(1.0_f64, |most, value| most.max(*value));
    let axis = || Axis::exact([0.0, most].into_iter());
    let plot = Plot::new(axis(), axis(), width);
    let mut group =
        plot.axes(el::Group::new().add(text("predicted RUL (cycles)", LEFT, 18.0, "start")));
    group = group.add(under("true RUL (cycles)", &plot));
    let diagonal = el::Line::new()
        .set("class", "limit")
        .set("x1", number(plot.x(0.0)))
        .set("y1", number(plot.y(0.0)));
    group = group.add(
        diagonal
            .set("x2", number(plot.x(most)))
            .set("y2", number(plot.y(most))),
    );
    for pair in pairs {
        let class = if is_late(pair) { "late" } else { "seen" };
        let dot = el::Circle::new()
            .set("class", class)
            .set("cx", number(plot.x(pair[0])));
        group = group.add(dot.set("cy", number(plot.y(pair[1]))).set("r", "2.5"));
    }
    group
}

fn errors(bands: &[Band], width: f64) -> el::Group {
    let most = bands.iter().fold(1.0_f64, |most, band| most.max(band.rmse));
    let plot = Plot::new(
        Axis::exact([0.0, bands.len() as f64].into_iter()),
        Axis::exact([0.0, most].into_iter()),
        width,
    );
    let mut group = el::Group::new().add(text("RMSE (cycles)", LEFT, 18.0, "start"));
    for (i, band) in bands.iter().enumerate() {
        let left = plot.x(i as f64 + 0.12);
        let right = plot.x(i as f64 + 0.88);
        let top = plot.y(band.rmse);
        let bottom = plot.y(0.0);
        let bar = el::Rectangle::new()
            .set("class", "bar")
            .set("x", number(left))
            .set("y", number(top));
        group = group.add(
            bar.set("width", number(right - left))
                .set("height", number((bottom - top).max(0.0))),
        );
        let middle = (left + right) / 2.0;
        group = group.add(
            text(&format!("{:.1}", band.rmse), middle, top - 4.0, "middle").set("class", "tick"),
        );
        let from = band.below.map_or_else(
            || format!("{}+", band.from),
            |below| format!("{}–{below}", band.from),
        );
        group = group.add(text(&from, middle, bottom + 17.0, "middle").set("class", "tick"));
    }
    group.add(under("true RUL (cycles)", &plot))
}

fn under(words: &str, plot: &Plot) -> el::Text {
    text(words, LEFT + plot.width / 2.0, PANEL_HEIGHT - 8.0, "middle").set("class", "tick")
}
