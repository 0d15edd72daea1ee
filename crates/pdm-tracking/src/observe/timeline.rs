//! A recorded run as a Chrome trace: the Trace Event Format, which Perfetto and `chrome://tracing` read.
//!
//! The run, its stages and the parts of its fits are slices; slices that overlap without being nested get lanes
//! of their own. A metric that was logged more than once is a counter. Times are microseconds since the run began; a
//! journal keeps milliseconds.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::tracking::{Run, StageState};

/// A trace, ready to be written as JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChromeTrace {
    /// Names of the lanes, then the events in order of time.
    pub trace_events: Vec<TraceEvent>,
    /// How a viewer shows times.
    pub display_time_unit: &'static str,
    /// Facts about the run.
    pub other_data: Map<String, Value>,
}

/// One entry of a trace.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TraceEvent {
    /// Name of the slice or counter.
    pub name: String,
    /// Its kind: `run`, `stage`, `part` or `metric`; `__metadata`, as in Chrome, for names of lanes.
    pub cat: &'static str,
    /// `X` a slice, `i` an instant, `C` a counter, `M` a name.
    pub ph: char,
    /// Microseconds since the run began.
    pub ts: u64,
    /// Length of a slice, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dur: Option<u64>,
    /// The process.
    pub pid: u32,
    /// The lane.
    pub tid: u32,
    /// Scope of an instant: `t` for its lane.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s: Option<char>,
    /// Further values.
    pub args: Map<String, Value>,
}

/// An interval of time.
struct Slice {
    name: String,
    cat: &'static str,
    from: u64,
    to: u64,
    args: Map<String, Value>,
}

/// Returns a run's timeline.
pub fn chrome_trace(run: &Run) -> ChromeTrace {
    let clock = Clock::of(run);
    let mut document = TraceDocument {
        pid: run.pid,
        names: Vec::new(),
        events: Vec::new(),
        lanes: 0,
    };
    document.name_process(&format!("pdm-ml {}", run.header.name));
    document.draw("run", vec![whole(run, &clock)]);
    let (cached, ran): (Vec<_>, Vec<_>) = run
        .stages
        .iter()
        .partition(|stage| stage.state == StageState::Cached);
    let lane = document.draw(
        "stages",
        ran.into_iter()
            .map(|stage| of_stage(stage, &clock))
            .collect(),
    );
    for stage in cached {
        document.instant(
            lane,
            &stage.stage,
            clock.at(stage.started),
            object(json!({ "cached": true, "why": stage.why })),
        );
    }
    document.draw(
        "parts",
        run.parts.iter().map(|part| of_part(part, &clock)).collect(),
    );
    for (name, points) in run.metrics.iter().filter(|(_, points)| points.len() > 1) {
        for point in points.iter().filter(|point| point.value.0.is_finite()) {
            document.count(name, clock.at(point.at), point.value.0);
        }
    }
    document.finish(run)
}

/// Converts times to microseconds since the start of a run.
struct Clock {
    started: Timestamp,
    /// When the run ended, or the time of its last event.
    end: u64,
}

impl Clock {
    fn of(run: &Run) -> Self {
        let mut clock = Self {
            started: run.header.started,
            end: 0,
        };
        let stages = run
            .stages
            .iter()
            .map(|stage| (stage.started, stage.elapsed_ms.unwrap_or(0)));
        let parts = run
            .parts
            .iter()
            .map(|part| (part.finished.unwrap_or(part.started), 0));
        let metrics = run
            .metrics
            .values()
            .filter_map(|points| points.last())
            .map(|point| (point.at, 0));
        let all = stages
            .chain(parts)
            .chain(metrics)
            .chain(run.ended.map(|at| (at, 0)));
        clock.end = all
            .map(|(at, elapsed_ms)| clock.at(at) + elapsed_ms * 1000)
            .max()
            .unwrap_or(0);
        clock
    }

    /// Returns the microseconds since the start; 0 if the clock was set back.
    fn at(&self, time: Timestamp) -> u64 {
        u64::try_from(time.duration_since(self.started).as_micros()).unwrap_or(0)
    }
}

fn whole(run: &Run, clock: &Clock) -> Slice {
    let last: Map<_, _> = run
        .final_metrics()
        .into_iter()
        .map(|(key, value)| (key.to_owned(), json!(value)))
        .collect();
    let args = json!({ "status": run.status, "warnings": run.warnings, "metrics": last });
    Slice {
        name: run.header.name.clone(),
        cat: "run",
        from: 0,
        to: clock.end,
        args: object(args),
    }
}

fn of_stage(stage: &crate::tracking::StageRecord, clock: &Clock) -> Slice {
    let from = clock.at(stage.started);
    let to = stage
        .elapsed_ms
        .map_or(clock.end, |elapsed_ms| from + elapsed_ms * 1000);
    let args = json!({ "why": stage.why, "summary": stage.summary, "state": stage.state });
    Slice {
        name: stage.stage.clone(),
        cat: "stage",
        from,
        to,
        args: object(args),
    }
}

fn of_part(part: &crate::tracking::PartRecord, clock: &Clock) -> Slice {
    let from = clock.at(part.started);
    let to = part
        .finished
        .map_or(clock.end, |finished| clock.at(finished));
    let mut args = object(json!(part.params));
    if part.finished.is_none() {
        args.insert("state".to_owned(), json!("not finished"));
    }
    Slice {
        name: part.part.clone(),
        cat: "part",
        from,
        to: to.max(from),
        args,
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => Map::from_iter([("value".to_owned(), other)]),
    }
}

struct TraceDocument {
    pid: u32,
    names: Vec<TraceEvent>,
    events: Vec<TraceEvent>,
    lanes: u32,
}

impl TraceDocument {
    fn name_process(&mut self, name: &str) {
        let args = object(json!({ "name": name }));
        let event = TraceEvent {
            args,
            ..self.event("process_name", 'M', 0, 0)
        };
        self.names.push(event);
    }

    fn event(&self, name: &str, ph: char, ts: u64, tid: u32) -> TraceEvent {
        let name = name.to_owned();
        TraceEvent {
            name,
            cat: "__metadata",
            ph,
            ts,
            dur: None,
            pid: self.pid,
            tid,
            s: None,
            args: Map::new(),
        }
    }

    /// Opens a lane, and returns its number.
    fn lane(&mut self, name: &str) -> u32 {
        self.lanes += 1;
        let of = |key: &str, args| TraceEvent {
            args: object(args),
            ..self.event(key, 'M', 0, self.lanes)
        };
        let named = [
            of("thread_name", json!({ "name": name })),
            of("thread_sort_index", json!({ "sort_index": self.lanes })),
        ];
        self.names.extend(named);
        self.lanes
    }

    /// Draws slices on as many lanes as they need, and returns the first.
    fn draw(&mut self, name: &str, mut slices: Vec<Slice>) -> u32 {
        let first = self.lane(name);
        // Of slices that begin together, the longest contains the others.
        slices.sort_by_key(|slice| (slice.from, std::cmp::Reverse(slice.to)));
        // For each lane, the ends of the slices that are open there, the innermost last.
        let mut lanes: Vec<(u32, Vec<u64>)> = vec![(first, Vec::new())];
        for slice in slices {
            for (_, open) in &mut lanes {
                while open.last().is_some_and(|end| *end <= slice.from) {
                    open.pop();
                }
            }
            let at = lanes
                .iter()
                .position(|(_, open)| open.last().is_none_or(|end| slice.to <= *end));
            let at = at.unwrap_or_else(|| {
                lanes.push((
                    self.lane(&format!("{name} {}", lanes.len() + 1)),
                    Vec::new(),
                ));
                lanes.len() - 1
            });
            let (lane, open) = &mut lanes[at];
            open.push(slice.to);
            let event = self.event(&slice.name, 'X', slice.from, *lane);
            let dur = Some(slice.to - slice.from);
            self.events.push(TraceEvent {
                cat: slice.cat,
                dur,
                args: slice.args,
                ..event
            });
        }
        first
    }

    fn instant(&mut self, lane: u32, name: &str, at: u64, args: Map<String, Value>) {
        let event = TraceEvent {
            cat: "stage",
            s: Some('t'),
            args,
            ..self.event(name, 'i', at, lane)
        };
        self.events.push(event);
    }

    fn count(&mut self, name: &str, at: u64, value: f64) {
        let args = object(json!({ "value": value }));
        let event = TraceEvent {
            cat: "metric",
            args,
            ..self.event(name, 'C', at, 0)
        };
        self.events.push(event);
    }

    fn finish(mut self, run: &Run) -> ChromeTrace {
        self.events
            .sort_by_key(|event| (event.ts, std::cmp::Reverse(event.dur)));
        let other_data: BTreeMap<_, _> = [
            ("run", run.id.to_string()),
            ("pipeline", run.header.pipeline.clone()),
            ("started", run.header.started.to_string()),
            ("host", run.host.clone()),
            ("commit", run.header.commit.clone().unwrap_or_default()),
        ]
        .into();
        ChromeTrace {
            trace_events: self.names.into_iter().chain(self.events).collect(),
            display_time_unit: "ms",
            other_data: object(json!(other_data)),
        }
    }
}

#[cfg(test)]
mod tests;
