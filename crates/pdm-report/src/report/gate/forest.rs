//! The drawing of the interval of each gate with its limits.

use svg::Document;
use svg::node::element as el;

use super::judgement::{GateLine, Judgement};
use super::words;
use crate::report::axis::Axis;
use crate::report::chart::{EDGE, HEADER, WIDTH, sheet};
use crate::report::plot::{number, text};
use pdm_core::scoring::Verdict;

const ROW: f64 = 62.0;
/// Vertical position of the track within a row.
const TRACK: f64 = 22.0;
const TRACK_HEIGHT: f64 = 16.0;

/// Added to the style of every drawing.
pub(super) const STYLE: &str = "\
.track{fill:#d55e00;opacity:.18}.allowed{fill:#009e73;opacity:.28}.limit{stroke:#1f2328;stroke-width:1.5}
.interval{stroke-width:3;stroke-linecap:round}.pass{stroke:#00734f;fill:#00734f}.fail{stroke:#b34700;fill:#b34700}
.undecided{stroke:#59636e;fill:#59636e}text.pass,text.fail,text.undecided{stroke:none;font-weight:600}
@media (prefers-color-scheme:dark){.limit{stroke:#e6edf3}.pass{stroke:#2fc79a;fill:#2fc79a}.fail{stroke:#ff8b3d;fill:#ff8b3d}
.undecided{stroke:#9198a1;fill:#9198a1}}";

/// Draws the gates that judged something; `None` if there are none.
pub(super) fn draw(judgement: &Judgement) -> Option<String> {
    let rows: Vec<_> = judgement
        .gates
        .iter()
        .filter_map(|gate| Some((gate, ForestRow::of(gate)?)))
        .collect();
    if rows.is_empty() {
        return None;
    }
    let title = format!(
        "Gates of {}: {}",
        judgement.pipeline,
        words::verdict_line(judgement)
    );
    let described: Vec<_> = rows.iter().map(|(gate, _)| gate.why.as_str()).collect();
    let height = HEADER + ROW * rows.len() as f64 + EDGE;
    let mut drawing: Document =
        sheet(&title, &format!("{}.", described.join(". ")), height).add(el::Style::new(STYLE));
    for (i, (gate, row)) in rows.iter().enumerate() {
        let position = format!("translate(0 {})", number(HEADER + ROW * i as f64));
        drawing = drawing.add(row.draw(gate).set("transform", position));
    }
    Some(format!("{drawing}\n"))
}

/// The values of one gate, with their own axis, because cycles and shares cannot use the same one.
struct ForestRow {
    axis: Axis,
    interval: [f64; 3],
    allowed: [f64; 2],
}

impl ForestRow {
    fn of(gate: &GateLine) -> Option<Self> {
        let interval = gate.observed.as_ref()?.numbers();
        let allowed = gate.allowed()?;
        let limits = allowed.into_iter().filter(|limit| limit.is_finite());
        let numbers: Vec<f64> = interval.into_iter().chain(limits).collect();
        let (low, high) = numbers
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), n| {
                (a.min(*n), b.max(*n))
            });
        let padding = 0.08
            * if high > low {
                high - low
            } else {
                low.abs().max(1.0)
            };
        let axis = Axis::exact([low - padding, high + padding].into_iter());
        let is_finite = numbers.iter().all(|number| number.is_finite());
        is_finite.then_some(Self {
            axis,
            interval,
            allowed,
        })
    }

    fn x(&self, value: f64) -> f64 {
        EDGE + self.axis.position(value).clamp(0.0, 1.0) * (WIDTH - 2.0 * EDGE)
    }

    fn draw(&self, gate: &GateLine) -> el::Group {
        let class = class(gate.verdict);
        let result = format!("{class} · {}", words::observed(gate));
        let mut group = el::Group::new()
            .add(text(&gate.title(), EDGE, 14.0, "start"))
            .add(text(&result, WIDTH - EDGE, 14.0, "end").set("class", class))
            .add(self.bar(f64::NEG_INFINITY, f64::INFINITY, "track"))
            .add(self.bar(self.allowed[0], self.allowed[1], "allowed"));
        for limit in self.allowed.into_iter().filter(|limit| limit.is_finite()) {
            group = group.add(self.rule(limit));
        }
        for (value, label) in self.axis.ticks() {
            group = group.add(
                text(&label, self.x(value), TRACK + TRACK_HEIGHT + 13.0, "middle")
                    .set("class", "tick"),
            );
        }
        let [lower, value, upper] = self.interval;
        let middle = TRACK + TRACK_HEIGHT / 2.0;
        let line = el::Line::new().set("class", format!("interval {class}"));
        let line = line
            .set("x1", number(self.x(lower)))
            .set("x2", number(self.x(upper)));
        let dot = el::Circle::new()
            .set("class", class)
            .set("cx", number(self.x(value)))
            .set("cy", number(middle));
        group
            .add(line.set("y1", number(middle)).set("y2", number(middle)))
            .add(dot.set("r", "5"))
    }

    fn bar(&self, from: f64, to: f64, class: &str) -> el::Rectangle {
        let end = |value: f64, open: f64| {
            if value.is_finite() {
                self.x(value)
            } else {
                open
            }
        };
        let from = end(from, EDGE);
        let to = end(to, WIDTH - EDGE);
        let bar = el::Rectangle::new()
            .set("class", class)
            .set("x", number(from))
            .set("y", number(TRACK));
        bar.set("width", number(to - from))
            .set("height", number(TRACK_HEIGHT))
    }

    fn rule(&self, limit: f64) -> el::Line {
        let x = number(self.x(limit));
        let line = el::Line::new()
            .set("class", "limit")
            .set("x1", x.as_str())
            .set("x2", x.as_str());
        line.set("y1", number(TRACK - 3.0))
            .set("y2", number(TRACK + TRACK_HEIGHT + 3.0))
    }
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Undecided => "undecided",
    }
}
