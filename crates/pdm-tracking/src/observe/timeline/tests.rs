//! Tests of timelines.

use std::collections::BTreeMap;
use std::fmt::Write;

use proptest::prelude::*;

use super::*;
use crate::tracking::RunStore;

const ID: &str = "0193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";

/// Returns the run of a journal whose lines were written so many milliseconds after its start.
fn run(lines: &[(u32, String)]) -> Run {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join(ID);
    std::fs::create_dir(&folder).unwrap();
    let mut text = format!(
        "{{\"format\":1,\"run\":\"{ID}\",\"name\":\"small\",\"pipeline\":\"pdm.toml\",\"experiment\":\"e\",\
         \"started\":\"2026-11-23T10:20:00Z\",\"host\":\"h\",\"pid\":7}}\n"
    );
    for (at, line) in lines {
        let (seconds, millis) = (at / 1000, at % 1000);
        writeln!(
            text,
            "{{\"at\":\"2026-11-23T10:20:{seconds:02}.{millis:03}Z\",{line}}}"
        )
        .unwrap();
    }
    std::fs::write(folder.join("journal.ndjson"), text).unwrap();
    std::fs::write(folder.join("lock"), "").unwrap();
    RunStore::open(dir.path()).load(ID).unwrap()
}

fn part(at: u32, event: &str, part: &str) -> (u32, String) {
    let params = if event == "part_started" {
        ",\"params\":[[\"units\",\"8\"]]"
    } else {
        ""
    };
    (
        at,
        format!("\"event\":\"{event}\",\"part\":\"{part}\"{params}"),
    )
}

fn stage(at: u32, name: &str, elapsed_ms: Option<u32>) -> (u32, String) {
    (
        at,
        match elapsed_ms {
            None => {
                format!("\"event\":\"stage_started\",\"stage\":\"{name}\",\"why\":\"no cache\"")
            }
            Some(ms) => {
                format!(
                    "\"event\":\"stage_finished\",\"stage\":\"{name}\",\"summary\":\"ok\",\"elapsed_ms\":{ms}"
                )
            }
        },
    )
}

/// What every viewer rests on: order of time, and slices of a lane that hold each other or do not meet.
fn check(trace: &ChromeTrace) {
    let happened: Vec<_> = trace
        .trace_events
        .iter()
        .filter(|event| event.ph != 'M')
        .collect();
    assert!(
        happened.is_sorted_by_key(|event| event.ts),
        "not in order of time"
    );
    let mut lanes: BTreeMap<(u32, u32), Vec<u64>> = BTreeMap::new();
    for slice in happened.iter().filter(|event| event.ph == 'X') {
        let (from, to) = (slice.ts, slice.ts + slice.dur.unwrap());
        let open = lanes.entry((slice.pid, slice.tid)).or_default();
        open.retain(|end| *end > from);
        assert!(
            open.iter().all(|end| to <= *end),
            "`{}` overlaps another on its lane",
            slice.name
        );
        open.push(to);
    }
    for lane in lanes.keys() {
        let is_name =
            |event: &&TraceEvent| event.name == "thread_name" && (event.pid, event.tid) == *lane;
        assert_eq!(
            trace.trace_events.iter().filter(is_name).count(),
            1,
            "lane {lane:?} has one name"
        );
    }
}

#[test]
fn stages_parts_and_metrics_are_placed_when_they_happened() {
    let metric = |at, step, value: &str| {
        (
            at,
            format!(
                "\"event\":\"metric\",\"key\":\"fold-1/gbdt/loss\",\"step\":{step},\"value\":{value}"
            ),
        )
    };
    let run = run(&[
        (
            1,
            "\"event\":\"stage_cached\",\"stage\":\"validate\",\"why\":\"unchanged\"".to_owned(),
        ),
        stage(2, "train", None),
        part(3, "part_started", "fold-1"),
        part(3, "part_started", "fold-1/seed-1"),
        metric(100, 1, "0.5"),
        metric(150, 2, "\"NaN\""),
        metric(200, 3, "0.25"),
        part(250, "part_finished", "fold-1/seed-1"),
        part(250, "part_finished", "fold-1"),
        stage(300, "train", Some(297)),
        (
            300,
            "\"event\":\"metric\",\"key\":\"judged/rmse\",\"step\":0,\"value\":11.75".to_owned(),
        ),
        (301, "\"event\":\"end\",\"status\":\"FINISHED\"".to_owned()),
    ]);
    let trace = chrome_trace(&run);
    check(&trace);
    let shown: Vec<_> = trace
        .trace_events
        .iter()
        .filter(|event| event.ph != 'M')
        .collect();
    let lines = shown.iter().map(|event| {
        let dur = event.dur.map(|dur| format!(" +{dur}")).unwrap_or_default();
        format!(
            "{}{dur} {} {} {}",
            event.ts, event.ph, event.tid, event.name
        )
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r"
    0 +301000 X 1 small
    1000 i 2 validate
    2000 +297000 X 2 train
    3000 +247000 X 3 fold-1
    3000 +247000 X 3 fold-1/seed-1
    100000 C 0 fold-1/gbdt/loss
    200000 C 0 fold-1/gbdt/loss
    ");
    assert_eq!(shown[0].args["status"], "FINISHED");
    assert_eq!(shown[0].args["metrics"]["judged/rmse"], 11.75);
    assert_eq!(shown[2].args["summary"], "ok");
    assert_eq!(shown[3].args["units"], "8");
    let json = serde_json::to_value(&trace).unwrap();
    assert_eq!(json["displayTimeUnit"], "ms");
    assert_eq!(json["traceEvents"][0]["ph"], "M");
    assert_eq!(json["otherData"]["run"], ID);
}

#[test]
fn what_a_killed_run_left_open_ends_with_its_last_sign_of_life() {
    let run = run(&[
        stage(10, "train", None),
        part(20, "part_started", "fold-1"),
        part(90, "part_started", "fold-2"),
    ]);
    let trace = chrome_trace(&run);
    check(&trace);
    let end = |name: &str| {
        let slice = trace
            .trace_events
            .iter()
            .find(|event| event.name == name)
            .unwrap();
        (
            slice.ts + slice.dur.unwrap(),
            slice.args.get("state").cloned().unwrap_or_default(),
        )
    };
    assert_eq!(end("small").0, 90_000);
    assert_eq!(end("train"), (90_000, json!("started")));
    assert_eq!(end("fold-1"), (90_000, json!("not finished")));
}

proptest! {
    /// Whatever overlaps, as fits on several threads do, and however often: no lane holds two that cross.
    #[test]
    fn crossing_parts_get_lanes_of_their_own(spans in proptest::collection::vec((0_u32..500, 0_u32..300), 1..24)) {
        let mut lines = Vec::new();
        for (n, (from, length)) in spans.iter().enumerate() {
            lines.push(part(*from, "part_started", &format!("fold-{n}")));
            lines.push(part(from + length, "part_finished", &format!("fold-{n}")));
        }
        // A journal is in order of time, and a part begins before it ends.
        lines.sort_by_key(|(at, line)| (*at, line.contains("part_finished")));
        let trace = chrome_trace(&run(&lines));
        check(&trace);
        prop_assert_eq!(trace.trace_events.iter().filter(|event| event.cat == "part").count(), spans.len());
    }
}
