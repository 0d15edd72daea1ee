//! The plot area of a chart.

use svg::Node;
use svg::node::element::{self as el, Element};

use super::axis::Axis;
use super::curves::Curve;

pub(super) const PANEL_HEIGHT: f64 = 240.0;

/// Margins of the plot within a panel.
pub(super) const LEFT: f64 = 58.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 40.0;

/// Most points drawn of a line; a longer one is reduced to the extremes of each stretch.
const POINTS: usize = 400;

/// The rectangle in which lines are drawn, with its axes.
pub(super) struct Plot {
    steps: Axis,
    values: Axis,
    pub(super) width: f64,
    height: f64,
}

impl Plot {
    /// Returns the plot of a panel with this width.
    pub(super) fn new(steps: Axis, values: Axis, panel_width: f64) -> Self {
        Self {
            steps,
            values,
            width: panel_width - LEFT - RIGHT,
            height: PANEL_HEIGHT - TOP - BOTTOM,
        }
    }

    pub(super) fn x(&self, step: f64) -> f64 {
        LEFT + self.steps.position(step) * self.width
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        TOP + (1.0 - self.values.position(value)) * self.height
    }

    /// Draws marks and labels around the plot.
    pub(super) fn axes(&self, mut group: el::Group) -> el::Group {
        let rule = |[x1, y1, x2, y2]: [f64; 4]| {
            let line = el::Line::new()
                .set("class", "grid")
                .set("x1", number(x1))
                .set("y1", number(y1));
            line.set("x2", number(x2)).set("y2", number(y2))
        };
        for (value, label) in self.values.ticks() {
            let y = self.y(value);
            group = group.add(rule([LEFT, y, LEFT + self.width, y]));
            group = group.add(text(&label, LEFT - 7.0, y + 4.0, "end").set("class", "tick"));
        }
        let bottom = TOP + self.height;
        for (step, label) in self.steps.ticks() {
            let x = self.x(step);
            group = group.add(rule([x, bottom, x, bottom + 5.0]));
            group = group.add(text(&label, x, bottom + 17.0, "middle").set("class", "tick"));
        }
        group.add(rule([LEFT, bottom, LEFT + self.width, bottom]))
    }

    /// Draws a line, or a dot if there is only one point, with a CSS class.
    pub(super) fn line(&self, line: &Curve, class: &str) -> Element {
        let points: Vec<_> = line.iter().map(|(step, value)| (*step, *value)).collect();
        let drawn = thinned(&points);
        let coordinates = |(step, value): &(u64, f64)| {
            format!(
                "{},{}",
                number(self.x(*step as f64)),
                number(self.y(*value))
            )
        };
        let mut path: Vec<_> = drawn.iter().map(coordinates).collect();
        let mut class = class.to_owned();
        // A line from a point to itself has round ends, which make a dot.
        if path.len() == 1 {
            class.push_str(" dot");
            path.push(path[0].clone());
        }
        let mut element = Element::new("polyline");
        element.assign("class", class);
        element.assign("points", path.join(" "));
        element
    }
}

/// Keeps the first and the last point and, of each stretch between, the lowest and the highest.
fn thinned(points: &[(u64, f64)]) -> Vec<(u64, f64)> {
    let [first, middle @ .., last] = points else {
        return points.to_vec();
    };
    if points.len() <= POINTS {
        return points.to_vec();
    }
    let mut kept = vec![*first];
    for stretch in middle.chunks(middle.len().div_ceil(POINTS / 2)) {
        let by_value = |a: &&(u64, f64), b: &&(u64, f64)| a.1.total_cmp(&b.1);
        let mut extremes: Vec<_> = [
            stretch.iter().min_by(by_value),
            stretch.iter().max_by(by_value),
        ]
        .into();
        extremes.sort_by_key(|point| point.map(|point| point.0));
        extremes.dedup();
        kept.extend(extremes.into_iter().flatten());
    }
    kept.push(*last);
    kept
}

/// Returns text at a position.
pub(super) fn text(content: &str, x: f64, y: f64, anchor: &str) -> el::Text {
    el::Text::new(content)
        .set("x", number(x))
        .set("y", number(y))
        .set("text-anchor", anchor)
}

/// Rounds to a tenth of a pixel, without `-0`.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    let short = text.strip_suffix(".0").unwrap_or(&text);
    if short == "-0" {
        "0".to_owned()
    } else {
        short.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_keeps_its_ends_and_its_extremes() {
        let mut points: Vec<_> = (0..10_000)
            .map(|step| (step, (step as f64 * 0.1).sin()))
            .collect();
        points[4321].1 = 7.0;
        let kept = thinned(&points);
        assert!(
            kept.len() <= POINTS + 2 && kept.is_sorted_by(|a, b| a.0 < b.0),
            "{}",
            kept.len()
        );
        assert_eq!((kept[0], *kept.last().unwrap()), (points[0], points[9999]));
        assert!(kept.contains(&points[4321]));
        assert_eq!(thinned(&points[..3]), points[..3]);
    }
}
