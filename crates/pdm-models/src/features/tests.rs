//! Tests of fitted features.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::fitted::learn;
use super::rank::rank_units;
use super::*;
use crate::data::{Schema, Trajectory};
use pdm_core::domain::{Cycle, UnitId};

/// Two settings that form two regimes, and one that is constant; three sensors that wear, and one that is constant within its
/// regime.
fn schema() -> Schema {
    let names = |names: &[&str]| names.iter().map(|s| (*s).to_owned()).collect();
    Schema {
        unit: "unit".to_owned(),
        cycle: "cycle".to_owned(),
        settings: names(&["altitude", "throttle", "fixed"]),
        sensors: names(&["rising", "falling", "noisy", "flat"]),
        ..Schema::default()
    }
}

fn engine(unit: u32, rows: usize) -> Trajectory {
    let mut rng = ChaCha8Rng::seed_from_u64(u64::from(unit));
    let mut channels = vec![Vec::new(); 7];
    for row in 0..rows {
        let mut noise = |size: f64| size * (rng.random::<f64>() - 0.5);
        let high = noise(1.0) > 0.0;
        let (level, wear) = (
            if high { 500.0 } else { 0.0 },
            (row as f64 - rows as f64) / 30.0,
        );
        let sensors =
            [level + 10.0 * wear.exp(), level - 3.0 * wear.exp(), level].map(|x| x + noise(2.0));
        let settings = [
            35.0 * f64::from(u8::from(high)) + noise(0.01),
            level + noise(0.1),
            100.0,
        ];
        let values = settings.into_iter().chain(sensors).chain([level]);
        channels
            .iter_mut()
            .zip(values)
            .for_each(|(channel, value)| channel.push(value));
    }
    Trajectory {
        rest: 0,
        unit: UnitId::from(unit),
        cycles: (1..=rows as u32).map(Cycle).collect(),
        channels,
    }
}

fn fleet(count: u32) -> Vec<Trajectory> {
    (1..=count)
        .map(|unit| engine(unit, 60 + 7 * unit as usize))
        .collect()
}

fn fit_on(schema: &Schema, units: &[Trajectory]) -> FittedFeatures {
    let units: Vec<_> = units.iter().collect();
    learn(
        schema,
        &units,
        &FeatureOptions::default(),
        &TargetOptions::default(),
        7,
    )
    .unwrap()
}

/// The published file of 26 blank-separated columns.
fn cmapss(subset: &str) -> Vec<Trajectory> {
    let folder = std::env::var_os("PDM_ML_CMAPSS").map(PathBuf::from);
    let folder = folder.expect(
        "PDM_ML_CMAPSS is not set: it names the folder of NASA's files (datasets/README.md)",
    );
    let text = std::fs::read_to_string(folder.join(format!("train_{subset}.txt"))).unwrap();
    let mut units: Vec<Trajectory> = Vec::new();
    for line in text.lines() {
        let row: Vec<f64> = line
            .split_whitespace()
            .map(|field| field.parse().unwrap())
            .collect();
        if row[1] == 1.0 {
            let unit = UnitId::from(row[0] as u32);
            units.push(Trajectory {
                rest: 0,
                unit,
                cycles: Vec::new(),
                channels: vec![Vec::new(); 24],
            });
        }
        let unit = units.last_mut().unwrap();
        unit.cycles.push(Cycle(row[1] as u32));
        unit.channels
            .iter_mut()
            .zip(&row[2..])
            .for_each(|(channel, value)| channel.push(*value));
    }
    units
}

fn bits(matrix: &Matrix) -> Vec<u32> {
    matrix.values.iter().map(|value| value.to_bits()).collect()
}

fn history() -> impl Strategy<Value = Trajectory> {
    let value =
        prop_oneof![8 => -1e3..1e3_f64, 1 => Just(0.0), 1 => prop_oneof![Just(1e12), Just(-1e12)]];
    let rows = prop::collection::vec(prop::collection::vec(value, 7), 1..150);
    rows.prop_map(|rows| Trajectory {
        rest: 0,
        unit: UnitId::new("random"),
        cycles: (1..=rows.len() as u32).map(Cycle).collect(),
        channels: (0..7)
            .map(|channel| rows.iter().map(|row| row[channel]).collect())
            .collect(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_future_changes_no_bit(whole in history(), share in 0.0..=1.0_f64, unit in 0..50_u32) {
        static FEATURES: LazyLock<FittedFeatures> = LazyLock::new(|| fit_on(&schema(), &fleet(8)));
        let features = &*FEATURES;
        for whole in [whole, engine(1000 + unit, 130)] {
            let rows = (share * whole.len() as f64) as usize;
            let cut = whole.cut(rows);
            for (part, all) in [
                (features.table(&cut), features.table(&whole)),
                (features.sequence(&cut), features.sequence(&whole)),
            ] {
                prop_assert_eq!(part.width, all.width);
                prop_assert_eq!(bits(&part), &bits(&all)[..rows * all.width]);
                prop_assert!(all.values.iter().all(|value| value.is_finite()));
            }
            for row in 0..rows {
                prop_assert_eq!(features.regime(&cut, row), features.regime(&whole, row));
            }
        }
    }
}

#[test]
fn learns_only_what_it_is_given() {
    let (all, schema) = (fleet(9), schema());
    let features = fit_on(&schema, &all[..8]);
    let mut spoilt = all.clone();
    spoilt[8]
        .channels
        .iter_mut()
        .flatten()
        .for_each(|value| *value = 1e12);
    assert_eq!(fit_on(&schema, &spoilt[..8]), features);
    assert_ne!(fit_on(&schema, &all), features);
    assert_eq!(
        features.fitted_on(),
        &(1..=8).map(UnitId::from).collect::<Vec<_>>()[..]
    );
}

#[test]
fn standardised_training_rows_have_mean_0_and_deviation_1_in_every_regime() {
    let units = fleet(8);
    let features = fit_on(&schema(), &units);
    assert_eq!(
        (features.regime_count(), features.sensors()),
        (2, &["rising", "falling", "noisy"].map(String::from)[..])
    );
    for regime in 0..2 {
        let mut values = Vec::new();
        for unit in &units {
            let z = features.standardised(unit).swap_remove(2);
            values.extend(
                (0..unit.len())
                    .filter(|row| features.regime(unit, *row) == regime)
                    .map(|row| z[row]),
            );
        }
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / values.len() as f64;
        assert!(
            mean.abs() < 1e-9 && (variance - 1.0).abs() < 1e-9,
            "{mean} {variance}"
        );
    }
}

#[test]
fn sequence_inputs_are_standardised_over_training_rows() {
    let units = fleet(8);
    let features = fit_on(&schema(), &units);
    let names = features.sequence_names();
    assert_eq!(names.len(), 7);
    for (input, name) in names.iter().enumerate() {
        let rows = units.iter().map(|unit| features.sequence(unit));
        let values: Vec<f64> = rows
            .flat_map(|m| (0..m.rows()).map(move |r| f64::from(m.row(r)[input])))
            .collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let sd =
            (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt();
        assert!(
            mean.abs() < 0.05 && (sd - 1.0).abs() < 0.1,
            "{name}: {mean} {sd}"
        );
        assert!(values.iter().all(|x| x.abs() <= 5.0));
    }
}

#[test]
fn json_gives_back_the_same_features_bit_by_bit() {
    let units = fleet(8);
    let features = fit_on(&schema(), &units);
    let read: FittedFeatures =
        serde_json::from_str(&serde_json::to_string(&features).unwrap()).unwrap();
    assert_eq!(read, features);
    assert_eq!(
        bits(&read.table(&units[3])),
        bits(&features.table(&units[3]))
    );
    assert_eq!(
        bits(&read.sequence(&units[3])),
        bits(&features.sequence(&units[3]))
    );
}

#[test]
fn the_same_fit_twice_is_the_same_and_regimes_do_not_depend_on_the_seed() {
    let (schema, units) = (schema(), fleet(8));
    let units: Vec<_> = units.iter().collect();
    let fit = |seed| {
        learn(
            &schema,
            &units,
            &FeatureOptions::default(),
            &TargetOptions::default(),
            seed,
        )
        .unwrap()
    };
    assert_eq!(fit(1), fit(1));
    assert_eq!(fit(1), fit(2));
}

#[test]
fn short_histories_have_finite_features() {
    let features = fit_on(&schema(), &fleet(8));
    for rows in 0..4 {
        let unit = engine(77, rows);
        for (matrix, names) in [
            (features.table(&unit), features.table_names()),
            (features.sequence(&unit), features.sequence_names()),
        ] {
            assert_eq!((matrix.rows(), matrix.width), (rows, names.len()));
            assert!(matrix.values.iter().all(|value| value.is_finite()));
        }
    }
}

#[test]
fn values_that_are_no_numbers_count_as_the_mean() {
    let features = fit_on(&schema(), &fleet(8));
    let mut unit = engine(77, 50);
    unit.channels
        .iter_mut()
        .for_each(|channel| channel[20] = f64::NAN);
    assert!(
        features
            .standardised(&unit)
            .iter()
            .all(|sensor| sensor[20] == 0.0)
    );
    assert!(
        features
            .table(&unit)
            .values
            .iter()
            .all(|value| value.is_finite())
    );
}

#[test]
fn extreme_training_values_leave_features_finite() {
    let mut units = fleet(4);
    for (unit, value) in units.iter_mut().zip([1e12, -1e12, 1e100, -1e100]) {
        unit.channels
            .iter_mut()
            .for_each(|channel| channel[11] = value);
    }
    let features = fit_on(&schema(), &units);
    let json = serde_json::to_string(&features).unwrap();
    assert_eq!(
        serde_json::from_str::<FittedFeatures>(&json).unwrap(),
        features
    );
    for unit in &units {
        assert!(
            features
                .table(unit)
                .values
                .iter()
                .all(|value| value.is_finite())
        );
        assert!(
            features
                .sequence(unit)
                .values
                .iter()
                .all(|value| value.is_finite())
        );
    }
}

#[test]
fn named_sensors_are_taken_in_their_order_even_when_constant() {
    let (schema, units) = (schema(), fleet(4));
    let named = |sensors: &[&str]| {
        let sensors = sensors.iter().map(|s| (*s).to_owned()).collect();
        let options = FeatureOptions {
            sensors,
            ..FeatureOptions::default()
        };
        learn(
            &schema,
            &units.iter().collect::<Vec<_>>(),
            &options,
            &TargetOptions::default(),
            0,
        )
    };
    let features = named(&["flat", "rising"]).unwrap();
    assert_eq!(features.sensors(), ["flat", "rising"]);
    assert!(
        features.standardised(&units[0])[0]
            .iter()
            .all(|z| *z == 0.0)
    );
    let error = named(&["rising", "altitude"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the data has no column `altitude`; it has rising, falling, noisy, flat"
    );
}

#[test]
fn what_cannot_be_learnt_is_an_error() {
    let (schema, mut units) = (schema(), fleet(2));
    let learn = |units: &[Trajectory]| {
        let units: Vec<_> = units.iter().collect();
        learn(
            &schema,
            &units,
            &FeatureOptions::default(),
            &TargetOptions::default(),
            0,
        )
    };
    assert_eq!(learn(&[]), Err(FeatureError::Empty));
    assert_eq!(learn(&[engine(1, 0)]), Err(FeatureError::Empty));
    units
        .iter_mut()
        .flat_map(|unit| &mut unit.channels)
        .for_each(|channel| channel.fill(1.0));
    assert_eq!(learn(&units), Err(FeatureError::NothingVaries));
}

#[test]
fn the_number_of_regimes_can_be_fixed() {
    let (schema, units) = (schema(), fleet(8));
    for (asked, expected) in [(0, 2), (1, 1), (2, 2), (4, 4)] {
        let options = FeatureOptions {
            regimes: asked,
            ..FeatureOptions::default()
        };
        let units: Vec<_> = units.iter().collect();
        let features = learn(&schema, &units, &options, &TargetOptions::default(), 0).unwrap();
        assert_eq!(features.regime_count(), expected, "{asked}");
    }
}

#[test]
fn sensors_that_wear_rank_before_noise() {
    let units = fleet(8);
    let features = fit_on(&schema(), &units);
    let ranks = rank_units(&units.iter().collect::<Vec<_>>(), &features);
    assert_eq!(ranks[2].sensor, "noisy");
    assert!(ranks[0].fitness() > ranks[2].fitness() + 0.2, "{ranks:?}");
}

#[test]
#[ignore = "needs NASA's files; PDM_ML_CMAPSS names their folder, see datasets/README.md"]
fn nasa_files_have_the_regimes_and_sensors_of_the_literature() {
    let fourteen = [2, 3, 4, 7, 8, 9, 11, 12, 13, 14, 15, 17, 20, 21].map(|i| format!("s_{i}"));
    for (subset, regimes) in [("FD001", 1), ("FD002", 6), ("FD003", 1), ("FD004", 6)] {
        let units = cmapss(subset);
        let features = fit_on(&Schema::cmapss(), &units);
        assert_eq!(features.regime_count(), regimes, "{subset}");
        assert_eq!(features.sensors(), fourteen, "{subset}");
        let half = fit_on(&Schema::cmapss(), &units[..units.len() / 2]);
        assert_eq!(
            (half.regime_count(), half.sensors()),
            (regimes, &fourteen[..]),
            "half of {subset}"
        );
    }
}

#[test]
#[ignore = "needs NASA's files; PDM_ML_CMAPSS names their folder, see datasets/README.md"]
fn regimes_of_nasa_files_are_the_six_altitudes() {
    let units = cmapss("FD004");
    let features = fit_on(&Schema::cmapss(), &units);
    for unit in &units {
        for row in 0..unit.len() {
            let altitude = [0, 10, 20, 25, 35, 42][features.regime(unit, row)];
            assert_eq!(unit.channels[0][row].round() as i64, altitude);
        }
    }
}

#[test]
#[ignore = "needs NASA's files; PDM_ML_CMAPSS names their folder, see datasets/README.md"]
fn nasa_files_have_115_features_and_29_inputs() {
    let units = cmapss("FD001");
    let features = fit_on(&Schema::cmapss(), &units);
    for (names, matrix, width) in [
        (features.table_names(), features.table(&units[0]), 115),
        (features.sequence_names(), features.sequence(&units[0]), 29),
    ] {
        assert_eq!(
            (names.len(), matrix.width, matrix.rows()),
            (width, width, 192)
        );
        assert_eq!(
            names.iter().collect::<BTreeSet<_>>().len(),
            width,
            "{names:?}"
        );
    }
}

/// Expected values: the definitions of the features written out in plain Python, window by window, with regimes taken
/// as the nearest of the six published altitudes and the ridge solved by Gaussian elimination.
#[test]
#[ignore = "needs NASA's files; PDM_ML_CMAPSS names their folder, see datasets/README.md"]
fn features_of_nasa_files_agree_with_an_independent_computation() {
    let units = cmapss("FD004");
    let features = fit_on(&Schema::cmapss(), &units);
    let check = |names: Vec<String>, matrix: Matrix, expected: &[(&str, f64)]| {
        for (name, value) in expected {
            let column = names.iter().position(|known| known == name).unwrap();
            let actual = f64::from(matrix.row(310)[column]);
            assert!(
                (actual - value).abs() < 1e-6,
                "{name}: {actual} is not {value}"
            );
        }
    };
    let table = [
        ("s_2.ema15", 0.330729282),
        ("s_11.base", -1.432335001),
        ("s_11.drift", 2.487913018),
        ("s_4.slope40", 1.763530884),
        ("s_12.sd40", 0.654547973),
        ("s_7.slope", 0.361159378),
        ("health_index.ema10", 0.373816876),
        ("health_index.slope60", -0.313027743),
        ("health_index.sd30", 0.140994617),
        ("health_index.min", 0.276188436),
        ("health_index.drift", -0.849767264),
        ("health_index.crossing30", 0.345385215),
    ];
    check(features.table_names(), features.table(&units[0]), &table);
    let sequence = [
        ("s_2.ema4", 0.967593886),
        ("s_11.drift", 3.045039979),
        ("age", 1.967958953),
    ];
    check(
        features.sequence_names(),
        features.sequence(&units[0]),
        &sequence,
    );
}
