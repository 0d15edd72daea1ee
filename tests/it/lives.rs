//! Fleets whose lives are not those of C-MAPSS: short, very short, long, and a few short ones among long ones.

use std::collections::BTreeMap;
use std::fmt::Write;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::project::Project;

/// A pipeline for the fleets below; what is not written follows from the data.
const PIPELINE: &str = r#"
version = 3

[project]
name = "fleet"
seed = 3

[dataset]
kind = "table"
train = "train.csv"
sensors = ["temperature", "pressure"]

[evaluate]
bootstrap = { resamples = 400 }
"#;

/// A network small enough for a test.
const GRU: &str = "\n[model]\nkind = \"gru\"\nhidden = 12\nhead = 8\nsteps = 400\nbatch = 32\n";
const LINEAR: &str = "\n[model]\nkind = \"linear\"\n";
const GBDT: &str = "\n[model]\nkind = \"gbdt\"\n";

/// Returns a table of units that live so long, whose two sensors show the remaining life up to an offset of the unit's own,
/// which no number of readings averages away, and a little noise.
fn fleet(lives: &[u32], seed: u64) -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // The sum of twelve uniform numbers is as good as normal here.
    let mut normal = || {
        (0..12)
            .map(|_| rng.random_range(-0.5..0.5_f64))
            .sum::<f64>()
    };
    let longest = lives.iter().copied().max().map_or(1.0, f64::from);
    let (own, noise) = (longest / 20.0, longest / 100.0);
    let mut text = "unit,cycle,temperature,pressure\n".to_owned();
    for (unit, life) in lives.iter().enumerate() {
        let offset = own * normal();
        for cycle in 1..=*life {
            let seen = f64::from(life - cycle) + offset;
            let (temperature, pressure) = (
                90.0 - seen + noise * normal(),
                20.0 + 0.3 * (seen + noise * normal()),
            );
            writeln!(text, "u{unit:05},{cycle},{temperature:.4},{pressure:.4}").unwrap();
        }
    }
    text
}

fn lives_between(units: usize, shortest: u32, longest: u32, seed: u64) -> Vec<u32> {
    let mut rng = ChaCha8Rng::seed_from_u64(1000 + seed);
    (0..units)
        .map(|_| rng.random_range(shortest..=longest))
        .collect()
}

/// Root of the mean squared error of new units at cycles 1 to 5, and at all later ones; predictions and truth up to the cap.
fn rmse_by_age(project: &Project, lives: &[u32]) -> [f64; 2] {
    rmse_on(project, lives, &fleet(lives, 77))
}

fn rmse_on(project: &Project, lives: &[u32], table: &str) -> [f64; 2] {
    project.write("new.csv", table);
    let model = "fleet@champion";
    let predictions = project.json(&["predict", "-m", model, "-i", "new.csv", "--every-cycle"]);
    let mut squares = [(0.0, 0.0); 2];
    let lives: BTreeMap<String, u32> = lives
        .iter()
        .enumerate()
        .map(|(unit, life)| (format!("u{unit:05}"), *life))
        .collect();
    for prediction in predictions.as_array().unwrap() {
        let cycle = prediction["cycle"].as_f64().unwrap();
        let life = f64::from(lives[prediction["unit"].as_str().unwrap()]);
        let error = prediction["rul"].as_f64().unwrap() - (life - cycle).min(125.0);
        let (sum, count) = &mut squares[usize::from(cycle > 5.0)];
        *sum += error * error;
        *count += 1.0;
    }
    squares.map(|(sum, count): (f64, f64)| (sum / count).sqrt())
}

fn trained(train: &[u32], model: &str) -> Project {
    let project = Project::with_pipeline(&format!("{PIPELINE}{model}"));
    project.write("train.csv", fleet(train, 1));
    project.json(&["run"]);
    project
}

#[test]
fn young_units_of_short_lived_fleets_are_predicted_nearly_as_well_as_old_ones() {
    for (shortest, longest) in [(5, 18), (10, 40)] {
        let (train, new) = (
            lives_between(300, shortest, longest, 1),
            lives_between(100, shortest, longest, 2),
        );
        for model in [LINEAR, GBDT, GRU] {
            let [young, old] = rmse_by_age(&trained(&train, model), &new);
            let case = format!(
                "{shortest} to {longest} cycles{model}: {young:.2} at cycles 1 to 5, {old:.2} later"
            );
            assert!(young < 1.5 * old, "{case}");
            // A constant is wrong by a third of the longest life or so.
            assert!(young < 0.2 * f64::from(longest), "{case}");
        }
    }
}

/// Noise of the sensors of worn units, as a share of their range.
const WORN_NOISE: f64 = 0.05;

/// What the two sensors of a worn unit show without noise: the share of its life that is used, and the square of it.
fn worn_signal(cycle: u32, life: u32) -> [f64; 2] {
    let used = f64::from(cycle) / f64::from(life);
    [used, used * used]
}

/// Returns units whose sensors rise with the share of life that is used, each reading with noise of its own; and their readings.
fn worn_fleet(lives: &[u32], seed: u64) -> (String, Vec<Vec<[f64; 2]>>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut normal = || {
        (0..12)
            .map(|_| rng.random_range(-0.5..0.5_f64))
            .sum::<f64>()
    };
    let mut text = "unit,cycle,temperature,pressure\n".to_owned();
    let mut readings = Vec::new();
    for (unit, life) in lives.iter().enumerate() {
        let mut history = Vec::new();
        for cycle in 1..=*life {
            let seen = worn_signal(cycle, *life).map(|signal| signal + WORN_NOISE * normal());
            writeln!(text, "u{unit:05},{cycle},{},{}", seen[0], seen[1]).unwrap();
            history.push(seen);
        }
        readings.push(history);
    }
    (text, readings)
}

/// The least possible error at cycles 1 to 5: that of the mean remaining life given all readings so far, computed from the
/// formula of the sensors, their noise, and equally likely lives between two numbers.
fn least_rmse_of_young(readings: &[Vec<[f64; 2]>], [shortest, longest]: [u32; 2]) -> f64 {
    let (mut squares, mut count) = (0.0, 0.0);
    for history in readings {
        let mut log_likelihood: Vec<_> = (shortest..=longest).map(|life| (life, 0.0)).collect();
        for (cycle, seen) in (1..=5).zip(history) {
            log_likelihood.retain(|(life, _)| *life >= cycle);
            for (life, log) in &mut log_likelihood {
                let signal = worn_signal(cycle, *life);
                *log -= (0..2)
                    .map(|at| ((seen[at] - signal[at]) / WORN_NOISE).powi(2))
                    .sum::<f64>()
                    / 2.0;
            }
            let highest = log_likelihood
                .iter()
                .map(|(_, log)| *log)
                .fold(f64::MIN, f64::max);
            let weights = log_likelihood
                .iter()
                .map(|(life, log)| (f64::from(*life), (log - highest).exp()));
            let (sum, total) = weights.fold((0.0, 0.0), |(sum, total), (life, w)| {
                (sum + life * w, total + w)
            });
            squares += (sum / total - history.len() as f64).powi(2);
            count += 1.0;
        }
    }
    (squares / count).sqrt()
}

/// Where each reading has noise of its own, and early readings say little, the errors of young and old units differ for every
/// predictor; the young ones must be near the least that is possible.
#[test]
fn young_units_are_predicted_nearly_as_well_as_their_readings_allow() {
    for lives in [[5, 18], [10, 40]] {
        let (train, new) = (
            lives_between(300, lives[0], lives[1], 1),
            lives_between(200, lives[0], lives[1], 2),
        );
        let project = Project::with_pipeline(&format!("{PIPELINE}{GBDT}"));
        project.write("train.csv", worn_fleet(&train, 1).0);
        project.json(&["run"]);
        let (table, readings) = worn_fleet(&new, 77);
        let [young, _] = rmse_on(&project, &new, &table);
        let least = least_rmse_of_young(&readings, lives);
        assert!(
            young < 1.15 * least,
            "{lives:?}: {young:.2}, and {least:.2} is possible"
        );
        // A test that a constant passes would show nothing.
        let spread = f64::from(lives[1] - lives[0]) / 12.0_f64.sqrt();
        assert!(
            young < 0.8 * spread,
            "{lives:?}: {young:.2}, and the lives themselves vary by {spread:.2}"
        );
    }
}

#[test]
fn lives_of_two_to_four_cycles_are_learnt_from_every_row() {
    for model in [LINEAR, GBDT] {
        let project = trained(&lives_between(300, 2, 4, 1), model);
        let [young, _] = rmse_by_age(&project, &lives_between(100, 2, 4, 2));
        assert!(young < 0.6, "{young}{model}");
    }
}

#[test]
fn a_few_short_units_do_not_spoil_the_others() {
    let mut train = lives_between(60, 120, 250, 1);
    train.extend([1, 2, 3, 5, 8]);
    let [young, old] = rmse_by_age(&trained(&train, LINEAR), &lives_between(40, 120, 250, 2));
    assert!(young < 1.5 * old, "{young} {old}");
}

#[test]
fn values_found_from_the_lives_are_shown_with_their_reason() {
    let project = Project::with_pipeline(&format!("{PIPELINE}{LINEAR}"));
    project.write("train.csv", fleet(&lives_between(60, 5, 18, 1), 1));
    let answer = project.pdm(&["train"]);
    assert_eq!(answer.code, 0, "{answer:?}");
    let stderr = answer
        .stderr
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(stderr.contains("found in the data: "), "{stderr}");
    assert!(stderr.contains(
        "train.first_row = 1, train.shortest_history = 1 (the shortest training life has 5 rows)"
    ));
    let stages = project.json(&["train"]);
    let train = stages["stages"]
        .as_array()
        .unwrap()
        .iter()
        .find(|stage| stage["stage"] == "train")
        .unwrap();
    let found = train["summary"]["figures"]["found"].as_array().unwrap();
    assert_eq!(found.len(), 7, "{train}");
    assert!(
        project
            .pdm(&["config", "show"])
            .stdout
            .contains("first_row = \"auto\"")
    );
}

#[test]
fn a_first_row_beyond_some_lives_is_reported_and_beyond_all_refused() {
    let project = Project::with_pipeline(&format!("{PIPELINE}{LINEAR}"));
    let mut lives = vec![5; 20];
    lives.extend([40; 20]);
    project.write("train.csv", fleet(&lives, 1));
    let some = project.pdm(&["train", "--set", "train.first_row=20"]);
    let stderr = some.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(some.code, 0, "{some:?}");
    assert!(
        stderr.contains("20 of 40 training units are shorter than train.first_row = 20"),
        "{stderr}"
    );
    let all = project.pdm(&["train", "--set", "train.first_row=41"]);
    assert_eq!(all.code, 1, "{all:?}");
    assert!(all.stderr.contains("E0313"), "{all:?}");
    let wrong = project.pdm(&["train", "--set", "train.first_row=soon"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
    assert!(wrong.stderr.contains("a number or \"auto\""), "{wrong:?}");
}

#[test]
fn a_scorecard_says_which_ages_no_cut_looked_at() {
    let project = Project::with_pipeline(&format!("{PIPELINE}{LINEAR}"));
    project.write("train.csv", fleet(&[150; 30], 1));
    let answer = project.pdm(&["evaluate"]);
    assert!(
        answer.stdout.contains("no cut is before cycle 1"),
        "{answer:?}"
    );
    let short = project.pdm(&[
        "evaluate",
        "--set",
        "train.shortest_history=1",
        "--set",
        "train.cuts_per_unit=149",
    ]);
    assert!(!short.stdout.contains("no cut is before"), "{short:?}");
}

#[test]
fn a_cap_that_does_not_suit_the_lives_is_reported_and_one_left_to_the_data_suits_them() {
    let project = Project::with_pipeline(&format!("{PIPELINE}{LINEAR}"));
    let lives: Vec<u32> = (0..30).map(|unit| 1000 + 20 * unit).collect();
    project.write("train.csv", fleet(&lives, 1));
    let low = project.pdm(&["evaluate"]);
    assert!(
        low.stdout
            .contains("truths are above target.cap = 125 and count as 125"),
        "{low:?}"
    );
    let suited = project.pdm(&["evaluate", "--set", "target.cap=auto"]);
    assert!(!suited.stdout.contains("target.cap"), "{suited:?}");
    let stderr = suited
        .stderr
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        stderr.contains("target.cap = 1600 (the longest training life is 1579 cycles)"),
        "{stderr}"
    );
    let high = project.pdm(&["evaluate", "--set", "target.cap=5000"]);
    assert!(
        high.stdout
            .contains("target.cap = 5000 is far above the longest truth"),
        "{high:?}"
    );
}

#[test]
fn the_template_for_tables_leaves_the_cap_to_the_data() {
    let project = Project::empty();
    project.pdm(&["init", ".", "--template", "table"]);
    assert!(project.read("pdm.toml").contains("cap = \"auto\""));
}

/// Two sensors that move in steps show everything, and a third that varies all the time shows nothing.
#[test]
fn sensors_that_move_in_steps_are_learnt_from() {
    let pipeline = PIPELINE.replace(
        "[\"temperature\", \"pressure\"]",
        "[\"alarms\", \"gauge\", \"flat\", \"hum\"]",
    );
    let project = Project::with_pipeline(&format!("{pipeline}{LINEAR}"));
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let mut text = "unit,cycle,alarms,gauge,flat,hum\n".to_owned();
    let lives = lives_between(60, 100, 140, 5);
    for (unit, life) in lives.iter().enumerate() {
        for cycle in 1..=*life {
            let left = f64::from(life - cycle);
            let (alarms, gauge) = ((20.0 - left).max(0.0), (left / 25.0).round());
            let hum = rng.random_range(-1.0..1.0_f64);
            writeln!(text, "u{unit:05},{cycle},{alarms},{gauge},7,{hum:.5}").unwrap();
        }
    }
    project.write("train.csv", text);
    let features = project.pdm(&["features"]);
    assert!(
        features
            .stdout
            .contains("left out: flat (constant within each regime)"),
        "{features:?}"
    );
    let outcome = project.json(&["run"]);
    let sensors = outcome["ranking"].as_array().unwrap().len();
    assert_eq!(sensors, 3, "{outcome}");
    let rmse = outcome["scores"]["scorecard"]["scores"][0]["value"]
        .as_f64()
        .unwrap();
    assert!(rmse < 8.0, "{rmse}");
}
