//! The drawing of a survival curve.

use pdm_models::data::{SurvivalCurve, SurvivalStep};
use svg::Node;
use svg::node::element as el;
use svg::node::element::Element;

use crate::report::axis::Axis;
use crate::report::chart::{EDGE, HEADER, WIDTH, sheet};
use crate::report::plot::{LEFT, PANEL_HEIGHT, Plot, number, text};

/// Most steps that are drawn; of more steps, every n-th.
const STEPS: usize = 400;

/// Draws the curve with its interval; `None` without a failure.
pub(super) fn draw(curve: &SurvivalCurve, title: &str, counted_in: &str) -> Option<String> {
    let last = curve.steps.last()?;
    let plot = Plot::new(
        Axis::exact([0.0, last.time].into_iter()),
        Axis::exact([0.0, 1.0].into_iter()),
        WIDTH,
    );
    let every = curve.steps.len().div_ceil(STEPS);
    let steps: Vec<&SurvivalStep> = curve.steps.iter().step_by(every).chain([last]).collect();
    let mut group = plot.axes(el::Group::new().add(text(
        "share of units that live longer",
        LEFT,
        18.0,
        "start",
    )));
    group = group.add(
        text(
            counted_in,
            LEFT + plot.width / 2.0,
            PANEL_HEIGHT - 8.0,
            "middle",
        )
        .set("class", "tick"),
    );
    for (class, share) in [
        (
            "line c0 dashed",
            (|step| step.lower) as fn(&SurvivalStep) -> f64,
        ),
        ("line c0 dashed", |step| step.upper),
        ("line final", |step| step.survival),
    ] {
        group = group.add(stairs(&plot, &steps, share, class));
    }
    let described = format!(
        "{} lives, {} of them ended by failure.",
        curve.lives, curve.ended
    );
    let drawing = sheet(title, &described, HEADER + PANEL_HEIGHT + EDGE);
    Some(
        drawing
            .add(group.set("transform", format!("translate(0 {})", number(HEADER))))
            .to_string(),
    )
}

/// Returns a line that is level up to each step.
fn stairs(
    plot: &Plot,
    steps: &[&SurvivalStep],
    share: fn(&SurvivalStep) -> f64,
    class: &str,
) -> Element {
    let mut points = vec![format!("{},{}", number(plot.x(0.0)), number(plot.y(1.0)))];
    let mut level = 1.0;
    for step in steps {
        let x = number(plot.x(step.time));
        points.push(format!("{x},{}", number(plot.y(level))));
        level = share(step);
        points.push(format!("{x},{}", number(plot.y(level))));
    }
    let mut line = Element::new("polyline");
    line.assign("class", class);
    line.assign("points", points.join(" "));
    line
}
