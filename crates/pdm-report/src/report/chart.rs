//! Learning curves as SVG.

use std::collections::BTreeMap;

use svg::Document;
use svg::node::element as el;

use super::axis::Axis;
use super::curves::{Curve, Curves, PartKey};
use super::plot::{LEFT, PANEL_HEIGHT, Plot, number, text};
use pdm_core::scoring::{Measure, Metric};

pub(super) const WIDTH: f64 = 760.0;
pub(super) const HEADER: f64 = 40.0;
const LEGEND_ROW: f64 = 18.0;
pub(super) const EDGE: f64 = 16.0;

/// Colours in the style sheet; further parts repeat them, dashed.
const COLOURS: usize = 6;

/// The style: dark text and strong lines on white, or light ones on near black if the reader prefers that. The hues are
/// those of Okabe and Ito (2008), which most colour-blind readers can distinguish, in two brightnesses.
const STYLE: &str = "\
text{font:12px system-ui,sans-serif;fill:#1f2328}.title{font-size:15px;font-weight:600}.tick{font-size:11px;fill:#59636e}
.paper{fill:#fff}.grid{stroke:#d8dee4;stroke-width:1}.line{fill:none;stroke-width:1.5;stroke-linejoin:round;stroke-linecap:round}
.dot{stroke-width:5}.dashed{stroke-dasharray:5 3}
.c0{stroke:#0072b2}.c1{stroke:#d55e00}.c2{stroke:#009e73}.c3{stroke:#b5508a}.c4{stroke:#2b98d3}.c5{stroke:#b58900}
.final{stroke:#1f2328;stroke-width:2.5}.final.dot{stroke-width:6}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.tick{fill:#9198a1}.paper{fill:#0d1117}.grid{stroke:#30363d}
.c0{stroke:#4aa8e0}.c1{stroke:#ff8b3d}.c2{stroke:#2fc79a}.c3{stroke:#e08fbf}.c4{stroke:#8fd0f5}.c5{stroke:#f0c94a}
.final{stroke:#e6edf3}}";

/// Draws a panel for each metric, side by side if there are several, with one title and one legend.
pub(super) fn draw(curves: &Curves, title: &str) -> String {
    let parts = curves.parts();
    let classes: BTreeMap<_, _> = classes(&parts).collect();
    let (legend, legend_height) = legend(&parts, &classes);
    let panels: Vec<_> = curves.metrics().collect();
    let columns = if panels.len() > 1 { 2 } else { 1 };
    let height =
        HEADER + legend_height + PANEL_HEIGHT * panels.len().div_ceil(columns) as f64 + EDGE;
    let mut drawing = sheet(title, &describe(&panels, &parts), height).add(legend);
    for (i, (metric, lines)) in panels.into_iter().enumerate() {
        let x = (i % columns) as f64 * WIDTH / columns as f64;
        let y = (i / columns) as f64 * PANEL_HEIGHT;
        let position = format!(
            "translate({} {})",
            number(x),
            number(HEADER + legend_height + y)
        );
        drawing = drawing
            .add(panel(metric, lines, &classes, WIDTH / columns as f64).set("transform", position));
    }
    format!("{drawing}\n")
}

/// Returns an empty drawing of this height: background, title, and the style for light and dark.
pub(super) fn sheet(title: &str, description: &str, height: f64) -> Document {
    Document::new()
        .set(
            "viewBox",
            format!("0 0 {} {}", number(WIDTH), number(height)),
        )
        .set("width", number(WIDTH))
        .set("height", number(height))
        .set("role", "img")
        .add(el::Title::new(title))
        .add(el::Description::new().add(svg::node::Text::new(description)))
        .add(el::Style::new(STYLE))
        .add(
            el::Rectangle::new()
                .set("class", "paper")
                .set("width", "100%")
                .set("height", "100%"),
        )
        .add(text(title, EDGE, 26.0, "start").set("class", "title"))
}

/// Describes the drawing for readers who cannot see it.
fn describe(panels: &[(&str, &BTreeMap<PartKey, Curve>)], parts: &[PartKey]) -> String {
    let names: Vec<_> = parts.iter().map(|part| part.name.as_str()).collect();
    let metrics = panels.iter().map(|(metric, lines)| {
        let last = lines
            .last_key_value()
            .and_then(|(part, line)| Some((part, line.last_key_value()?)));
        let end = last.map(|(part, (step, value))| {
            format!(", {} ends at {value:.4} at step {step}", part.name)
        });
        format!("{}{}", heading(metric, false), end.unwrap_or_default())
    });
    format!(
        "{}. Lines: {}.",
        metrics.collect::<Vec<_>>().join("; "),
        names.join(", ")
    )
}

/// Returns the class of each part's lines.
fn classes(parts: &[PartKey]) -> impl Iterator<Item = (&PartKey, String)> {
    let mut folds = 0;
    parts.iter().map(move |part| {
        if part.is_final() {
            return (part, "line final".to_owned());
        }
        let colour = folds % COLOURS;
        let dashed = if folds / COLOURS % 2 == 1 {
            " dashed"
        } else {
            ""
        };
        folds += 1;
        (part, format!("line c{colour}{dashed}"))
    })
}

/// Returns the legend and its height.
fn legend(parts: &[PartKey], classes: &BTreeMap<&PartKey, String>) -> (el::Group, f64) {
    let mut group = el::Group::new();
    let mut x = EDGE;
    let mut y = HEADER + 4.0;
    for part in parts {
        let name = if part.name.is_empty() {
            "all"
        } else {
            &part.name
        };
        let width = 30.0 + 7.0 * name.chars().count() as f64 + 14.0;
        if x + width > WIDTH && x > EDGE {
            (x, y) = (EDGE, y + LEGEND_ROW);
        }
        let swatch = el::Line::new()
            .set("class", classes[part].as_str())
            .set("x1", number(x))
            .set("y1", number(y - 4.0));
        group = group.add(
            swatch
                .set("x2", number(x + 22.0))
                .set("y2", number(y - 4.0)),
        );
        group = group.add(text(name, x + 28.0, y, "start"));
        x += width;
    }
    (group, y - HEADER + LEGEND_ROW)
}

fn panel(
    metric: &str,
    lines: &BTreeMap<PartKey, Curve>,
    classes: &BTreeMap<&PartKey, String>,
    width: f64,
) -> el::Group {
    let steps = Axis::exact(
        lines
            .values()
            .flat_map(|line| line.keys().map(|step| *step as f64)),
    );
    let values = Axis::padded(lines.values().flat_map(|line| line.values().copied()));
    let plot = Plot::new(steps, values, width);
    let mut group =
        plot.axes(el::Group::new().add(text(&heading(metric, values.log), LEFT, 18.0, "start")));
    let unit = if metric.starts_with("gbdt/") {
        "boosting round"
    } else {
        "step"
    };
    group = group.add(
        text(unit, LEFT + plot.width / 2.0, PANEL_HEIGHT - 8.0, "middle").set("class", "tick"),
    );
    // The bold line of the final fit is drawn first, so that it does not hide the others.
    for (part, line) in lines.iter().rev() {
        group = group.add(plot.line(line, &classes[part]));
    }
    group
}

/// Returns the display name of a metric, with its unit: `gbdt: train RMSE (cycles)`.
fn heading(metric: &str, log: bool) -> String {
    let words = metric
        .replace('/', ": ")
        .replace('_', " ")
        .replace("rmse", "RMSE")
        .replace("mae", "MAE");
    // A fit may log a metric of the scorecard, such as `gbdt/validation_rmse`.
    let scored = Metric::ALL
        .into_iter()
        .find(|scored| metric.ends_with(scored.name()));
    let heading = scored
        .map_or(Measure::Plain, Metric::measure)
        .heading(&words);
    format!("{heading}{}", if log { ", log scale" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::CurvePoint;

    fn curves(metrics: &[&str], parts: &[&str], steps: u64) -> Curves {
        let mut curves = Curves::default();
        for (m, metric) in metrics.iter().enumerate() {
            for (p, part) in parts.iter().enumerate() {
                for step in 1..=steps {
                    let value = (10.0 + p as f64) / (step as f64).powf(1.0 + m as f64);
                    curves.add(CurvePoint {
                        metric: (*metric).into(),
                        part: (*part).into(),
                        step: 20 * step,
                        value,
                    });
                }
            }
        }
        curves
    }

    #[test]
    fn two_metrics_of_two_folds_and_the_final_fit() {
        let curves = curves(
            &["gbdt/train_rmse", "gru/loss"],
            &["final", "fold-1", "fold-2"],
            5,
        );
        insta::assert_snapshot!(curves.svg("gbdt on <FD001> & \"more\""));
    }

    #[test]
    fn a_drawing_is_well_formed_whatever_the_names() {
        for (metrics, parts, steps) in [
            (vec!["a<b>&\"c"], vec!["", "<&>'"], 1),
            (vec!["x/learning_rate"; 1], vec!["fold-1"; 1], 2),
        ] {
            let drawing = curves(&metrics, &parts, steps).svg("<&\">");
            let document = roxmltree::Document::parse(&drawing).unwrap();
            let lines = document
                .descendants()
                .filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "polyline")));
            assert_eq!(lines.count(), metrics.len() * parts.len());
        }
    }

    #[test]
    fn nothing_is_outside_the_sheet() {
        let parts: Vec<_> = (1..=30).map(|fold| format!("fold-{fold}")).collect();
        let parts: Vec<_> = parts.iter().map(String::as_str).collect();
        let drawing = curves(&["a/loss", "b/loss", "c/loss"], &parts, 1000).svg("wide");
        let document = roxmltree::Document::parse(&drawing).unwrap();
        let height: f64 = document
            .root_element()
            .attribute("height")
            .unwrap()
            .parse()
            .unwrap();
        for node in document.descendants() {
            for (name, most) in [("x", WIDTH), ("x2", WIDTH), ("y", height), ("y2", height)] {
                let value = node
                    .attribute(name)
                    .map_or(0.0, |text| text.parse().unwrap());
                assert!((0.0..=most).contains(&value), "{name} {value}");
            }
            let points = node
                .attribute("points")
                .unwrap_or_default()
                .split([' ', ','])
                .filter(|text| !text.is_empty());
            assert!(
                points
                    .map(|text| text.parse::<f64>().unwrap())
                    .all(|value| (0.0..=WIDTH).contains(&value))
            );
        }
    }
}
