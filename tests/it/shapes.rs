//! Data as plants have them: timestamps with gaps, several lives of a machine, running units, one file a day.

use std::fmt::Write;
use std::path::Path;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::project::Project;

const PIPELINE: &str = r#"
version = 3

[project]
name = "pumps"
seed = 3

[dataset]
kind = "table"
train = "data/day-*.csv"
unit = "pump"
sensors = ["vibration", "pressure"]
missing = ["n/a"]

[dataset.time]
column = "time"
step = "1h"
limit = "3h"
longer = "split"

[dataset.life]
end = "events"
events = "failures.csv"
unit = "pump"
time = "time"

[target]
cap = "2d"

[model]
kind = "linear"

[evaluate]
bootstrap = { resamples = 400 }
"#;

/// Hours of a day file.
const DAY: u32 = 24;

/// Returns the time of an hour since the start.
fn time(hour: u32) -> String {
    format!("2026-03-{:02}T{:02}:00", 1 + hour / DAY, hour % DAY)
}

/// Hours at which a pump fails: two failures each, and then it runs on.
fn failures(pump: u32) -> [u32; 2] {
    [70 + 7 * pump, 150 + 9 * pump]
}

/// Returns a number from 0 to 1 that is always the same for a pump, an hour and a sensor.
fn noise(pump: u32, hour: u32, sensor: u32) -> f64 {
    let seed = u64::from(pump) << 40 | u64::from(hour) << 8 | u64::from(sensor);
    ChaCha8Rng::seed_from_u64(seed).random_range(0.0..1.0)
}

/// Returns what a pump measures: its vibration shows the hours to its next failure.
fn row(pump: u32, hour: u32) -> String {
    let next = failures(pump).into_iter().find(|failure| hour <= *failure);
    let left = next.map_or(400, |failure| failure - hour);
    let vibration = 100.0 - f64::from(left.min(60)) + 3.0 * noise(pump, hour, 1);
    let pressure = match hour % 50 {
        49 => "n/a".to_owned(),
        _ => format!("{:.3}", 20.0 + 0.1 * vibration + noise(pump, hour, 2)),
    };
    format!("{},P-{pump:02},{vibration:.3},{pressure}", time(hour))
}

/// Writes one file a day for some hours of ten pumps, with a gap of five hours in one of them, and the failures.
fn write_fleet(project: &Project, hours: u32) {
    for day in 0..hours.div_ceil(DAY) {
        let mut text = "time,pump,vibration,pressure\n".to_owned();
        for hour in day * DAY..((day + 1) * DAY).min(hours) {
            for pump in 1..=10 {
                let is_in_gap = pump == 4 && (30..35).contains(&hour);
                if !is_in_gap {
                    writeln!(text, "{}", row(pump, hour)).unwrap();
                }
            }
        }
        project.write(&format!("data/day-{day:02}.csv"), text);
    }
    let mut events = "pump,time\n".to_owned();
    for pump in 1..=10 {
        for failure in failures(pump) {
            writeln!(events, "P-{pump:02},{}", time(failure)).unwrap();
        }
    }
    project.write("failures.csv", events);
}

#[test]
fn a_plant_with_timestamps_gaps_and_repairs_gets_a_model() {
    let project = Project::with_pipeline(PIPELINE);
    write_fleet(&project, 300);
    let report = project.json(&["data", "validate"]);
    let preparation = &report["preparation"];
    assert_eq!(preparation["machines"], 10);
    assert_eq!(preparation["failed"], 20);
    assert_eq!(preparation["running"], 10);
    assert_eq!(preparation["gaps"], 1);
    assert_eq!(preparation["step"], "1h");
    assert!(preparation["filled_steps"].as_u64().unwrap() >= 50);
    assert_eq!(report["files"].as_array().unwrap().len(), 14);

    let run = project.pdm(&["run"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let again = project.pdm(&["plan", "--exit-code"]);
    assert_eq!(again.code, 0, "{}", again.stdout);

    // Pump 3 is 10 hours before its second failure, and in a file of its own.
    let failure = failures(3)[1];
    let mut text = "time,pump,vibration,pressure\n".to_owned();
    for hour in failures(3)[0] + 1..=failure - 10 {
        writeln!(text, "{}", row(3, hour)).unwrap();
    }
    project.write("now.csv", text);
    let predictions = project.json(&["predict", "-m", "pumps@champion", "-i", "now.csv"]);
    let predicted = predictions[0]["rul"].as_f64().unwrap();
    assert!((predicted - 10.0).abs() < 5.0, "{predictions}");

    write_fleet(&project, 330);
    let grown = project.pdm(&["plan", "--exit-code"]);
    assert_eq!(grown.code, 3, "{}", grown.stdout);
}

#[test]
fn what_is_wrong_names_the_file_the_line_and_the_unit() {
    let project = Project::with_pipeline(&PIPELINE.replace("longer = \"split\"", ""));
    write_fleet(&project, 200);
    project.write(
        "data/day-99.csv",
        "time,pump,vibration,pressure\n2026-03-09T09:00,P-01,1,1\nsoon,P-01,1,1\n",
    );
    let answer = project.pdm(&["data", "validate"]);
    assert_eq!(answer.code, 10);
    for text in [
        "data/day-99.csv:3: `soon` in column 1 (time) is not a date-time in ISO 8601",
        "data/day-01.csv:110: unit P-04 has no values for 5 steps of 1h before this row, and gaps are filled up to 3h",
    ] {
        assert!(answer.stdout.contains(text), "{}", answer.stdout);
    }
}

#[test]
fn a_plant_without_a_failure_is_told_what_is_missing() {
    let project = Project::with_pipeline(PIPELINE);
    write_fleet(&project, 60);
    // A failure after the last row of a unit counts.
    let preparation = project.json(&["data", "validate"])["preparation"].clone();
    assert_eq!(preparation["failed"], 10);
    project.write("failures.csv", "pump,time\n");
    let answer = project.pdm(&["data", "validate"]);
    assert_eq!(answer.code, 10);
    let text =
        "none of the 10 units has failed: a remaining life can only be learnt from units that did";
    assert!(answer.stdout.contains(text), "{}", answer.stdout);
}

#[test]
fn timestamps_of_parquet_are_read_as_they_are_stored() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/parquet");
    let project = Project::empty();
    let validate = |file: &str| {
        let pipeline = format!(
            "version = 3\n[project]\nname = \"x\"\n[dataset]\nkind = \"table\"\ntrain = {:?}\nsensors = [\"x\"]\n\
            [dataset.time]\ncolumn = \"time\"\nstep = \"1h\"\n",
            folder.join(file)
        );
        project.write("pdm.toml", pipeline);
        project.pdm(&["data", "validate", "--format", "json"])
    };
    // pyarrow stores seconds as milliseconds, and says seconds in its own schema.
    for file in ["pyarrow_seconds.parquet", "pyarrow_nanoseconds_utc.parquet"] {
        let answer = validate(file);
        let report: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
        assert_eq!(report["preparation"]["steps"], 7, "{file}: {report:#}");
        assert_eq!(report["preparation"]["filled_steps"], 1);
    }
    let refused = validate("pyarrow_int96.parquet");
    assert_eq!(refused.code, 10);
    assert!(
        refused
            .stdout
            .contains("column time holds timestamps of 96 bits"),
        "{}",
        refused.stdout
    );
}

#[test]
fn options_that_contradict_each_other_are_refused_at_once() {
    let text = PIPELINE
        .replace("step = \"1h\"", "step = 10")
        .replace("cap = \"2d\"", "cap = 48");
    let project = Project::with_pipeline(&text);
    let answer = project.pdm(&["data", "validate"]);
    assert_eq!(answer.code, 2);
    assert!(
        answer
            .stderr
            .contains("`dataset.time.step` is 10, and timestamps need a duration"),
        "{}",
        answer.stderr
    );
    let no_file = PIPELINE.replace("day-*.csv", "none-*.csv");
    let project = Project::with_pipeline(&no_file);
    project.write("failures.csv", "pump,time\n");
    let answer = project.pdm(&["data", "validate"]);
    assert!(
        answer.stderr.contains("no table is found at"),
        "{}",
        answer.stderr
    );
}
