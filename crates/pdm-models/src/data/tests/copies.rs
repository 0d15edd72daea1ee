//! Tests: units under two names, and test parts that are parts of the training part.

use super::*;
use pdm_core::domain::{Cycle, UnitId};

/// A way to disguise the rows of a unit.
type Disguise = fn(&Trajectory) -> Trajectory;

fn fleet() -> SimulatedFleet {
    let options = SimulateOptions {
        train_units: 30,
        test_units: 12,
        regimes: 6,
        fault_modes: 2,
        ..SimulateOptions::default()
    };
    simulate(&options)
}

fn csv(units: &[Trajectory], schema: &Schema) -> String {
    let mut text = format!(
        "unit,cycle,{}\n",
        schema.channels().collect::<Vec<_>>().join(",")
    );
    for unit in units {
        for row in 0..unit.len() {
            let values: Vec<_> = unit
                .channels
                .iter()
                .map(|channel| channel[row].to_string())
                .collect();
            text.push_str(&format!(
                "{},{},{}\n",
                unit.unit,
                unit.cycles[row],
                values.join(",")
            ));
        }
    }
    text
}

fn validated(train: &[Trajectory], test: &[Trajectory]) -> Validation {
    validated_by(train, test, SeverityOptions::default())
}

fn validated_by(
    train: &[Trajectory],
    test: &[Trajectory],
    severity: SeverityOptions,
) -> Validation {
    let folder = tempfile::tempdir().unwrap();
    let schema = Schema::cmapss();
    let rul: String = test
        .iter()
        .map(|unit| format!("{},20\n", unit.unit))
        .collect();
    std::fs::write(folder.path().join("train.csv"), csv(train, &schema)).unwrap();
    std::fs::write(folder.path().join("test.csv"), csv(test, &schema)).unwrap();
    std::fs::write(folder.path().join("rul.csv"), format!("unit,rul\n{rul}")).unwrap();
    let has_test = |name: &str| (!test.is_empty()).then(|| PathBuf::from(name));
    let options = TableOptions {
        train: "train.csv".into(),
        test: has_test("test.csv"),
        rul: has_test("rul.csv"),
        settings: schema.settings,
        sensors: schema.sensors,
        ..TableOptions::default()
    };
    let loose = SeverityOptions {
        contiguous_cycles: Level::Off,
        ..severity
    };
    let rules = ValidateOptions {
        minimum_cycles: 1,
        severity: loose,
        ..ValidateOptions::default()
    };
    validate(
        ingest(&DatasetOptions::Table(options), folder.path()).unwrap(),
        &rules,
    )
}

fn of_copies(report: &QualityReport, severity: Severity) -> Vec<String> {
    let mut listed = messages(report, severity);
    listed.retain(|text| text.starts_with("copied_units "));
    listed
}

fn renamed(unit: &Trajectory, name: &str) -> Trajectory {
    Trajectory {
        unit: UnitId::new(name),
        ..unit.clone()
    }
}

fn with_values(unit: &Trajectory, change: impl Fn(usize, usize, f64) -> f64) -> Trajectory {
    let mut unit = unit.clone();
    for (at, channel) in unit.channels.iter_mut().enumerate() {
        for (row, value) in channel.iter_mut().enumerate() {
            *value = change(at, row, *value);
        }
    }
    unit
}

/// Some rows of a unit, counted from 1 again.
fn with_rows(unit: &Trajectory, rows: &[usize]) -> Trajectory {
    let cycles = (1..=rows.len() as u32).map(Cycle).collect();
    let channels = unit
        .channels
        .iter()
        .map(|channel| rows.iter().map(|row| channel[*row]).collect())
        .collect();
    Trajectory {
        cycles,
        channels,
        ..unit.clone()
    }
}

/// A number from -1 to 1 that looks random.
fn noise(at: usize, row: usize) -> f64 {
    let mixed =
        (at as u64 * 7919 + row as u64 * 104_729 + 12_345).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

const DISGUISES: [(&str, Disguise); 10] = [
    ("as it is", Trajectory::clone),
    ("a jitter", |unit| {
        with_values(unit, |at, row, value| value + 1e-9 * noise(at, row))
    }),
    ("a jitter of a millionth", |unit| {
        with_values(unit, |at, row, value| value * (1.0 + 1e-6 * noise(at, row)))
    }),
    ("one decimal place", |unit| {
        with_values(unit, |_, _, value| (value * 10.0).round() / 10.0)
    }),
    ("another counter", |unit| {
        let cycles = unit
            .cycles
            .iter()
            .map(|cycle| Cycle(cycle.0 + 300))
            .collect();
        Trajectory {
            cycles,
            ..unit.clone()
        }
    }),
    ("its later part", |unit| {
        let mut later = unit.clone();
        let skipped = unit.len() / 3;
        later.cycles.drain(..skipped);
        later
            .channels
            .iter_mut()
            .for_each(|channel| drop(channel.drain(..skipped)));
        later
    }),
    ("one sensor in another unit", |unit| {
        with_values(
            unit,
            |at, _, value| if at == 5 { value * 1.8 + 32.0 } else { value },
        )
    }),
    ("its beginning", |unit| unit.cut(unit.len() / 2)),
    ("every second row", |unit| {
        let rows: Vec<usize> = (0..unit.len()).step_by(2).collect();
        with_rows(unit, &rows)
    }),
    ("its rows backwards", |unit| {
        let rows: Vec<usize> = (0..unit.len()).rev().collect();
        with_rows(unit, &rows)
    }),
];

#[test]
fn a_test_unit_that_is_a_training_unit_is_a_leak_however_it_is_disguised() {
    let SimulatedFleet { train, test, .. } = fleet();
    assert_eq!(
        of_copies(&validated(&train, &test).report, Severity::Error),
        [""; 0]
    );
    for (what, disguise) in DISGUISES {
        let mut leaking = test.clone();
        leaking[3] = renamed(&disguise(&train[17]), "x");
        let report = validated(&train, &leaking).report;
        let errors = of_copies(&report, Severity::Error);
        assert_eq!(errors.len(), 1, "{what}: {errors:?}");
        assert!(
            errors[0].contains("unit x has") && errors[0].contains("of unit 18 at line"),
            "{what}: {errors:?}"
        );
        assert_eq!(report.code().exit(), 11, "{what}");
    }
}

#[test]
fn two_training_units_of_one_history_are_a_leak_between_folds() {
    let SimulatedFleet { train, .. } = fleet();
    for (what, disguise) in DISGUISES {
        let mut doubled = train.clone();
        doubled.push(renamed(&disguise(&train[4]), "31"));
        let errors = of_copies(&validated(&doubled, &[]).report, Severity::Error);
        assert_eq!(errors.len(), 1, "{what}: {errors:?}");
        assert!(
            errors[0].contains("unit 31 has") && errors[0].contains("of unit 5 at line"),
            "{what}: {errors:?}"
        );
    }
}

#[test]
fn a_doubled_fleet_and_beginnings_as_a_test_part_are_found_whole() {
    let SimulatedFleet { train, .. } = fleet();
    let twins = train
        .iter()
        .map(|unit| renamed(unit, &format!("twin-{}", unit.unit)));
    let doubled: Vec<_> = train.iter().cloned().chain(twins).collect();
    assert_eq!(
        of_copies(&validated(&doubled, &[]).report, Severity::Error).len(),
        train.len()
    );
    let beginnings: Vec<_> = train
        .iter()
        .map(|unit| unit.cut(unit.len() * 3 / 5))
        .collect();
    assert_eq!(
        of_copies(&validated(&train, &beginnings).report, Severity::Error).len(),
        train.len()
    );
}

/// Units that wear at their own pace, seen by this many noisy sensors with five decimal places.
fn worn(sensors: usize) -> Vec<Trajectory> {
    let unit = |number: usize| {
        let rows = 40 + number * 7 % 40;
        let wear = |row: usize| (row as f64 / rows as f64).powi(3);
        let cell = |at: usize, row: usize| {
            let seen = (at as f64 + 2.0) * wear(row) + noise(at * 1000 + number, row);
            (seen * 1e5).round() / 1e5
        };
        // Three settings and the sensors that are not there are constant.
        let mut channels = vec![vec![1.0; rows]; 3];
        channels.extend((0..sensors).map(|at| (0..rows).map(|row| cell(at, row)).collect()));
        channels.resize(24, vec![1.0; rows]);
        Trajectory {
            rest: 0,
            unit: UnitId::new(format!("{number}")),
            cycles: (1..=rows as u32).map(Cycle).collect(),
            channels,
        }
    };
    (1..=40).map(unit).collect()
}

#[test]
fn thinned_copies_are_found_by_few_sensors() {
    for sensors in [2, 4, 8] {
        let train = worn(sensors);
        assert_eq!(
            of_copies(&validated(&train, &[]).report, Severity::Error),
            [""; 0],
            "{sensors}"
        );
        let every_second = |unit: &Trajectory| (0..unit.len()).step_by(2).collect::<Vec<_>>();
        let seven_of_ten = |unit: &Trajectory| {
            (0..unit.len())
                .filter(|row| noise(3, row * 31) < 0.4)
                .collect::<Vec<_>>()
        };
        for rows in [
            &every_second as &dyn Fn(&Trajectory) -> Vec<usize>,
            &seven_of_ten,
        ] {
            let copies = train
                .iter()
                .map(|unit| renamed(&with_rows(unit, &rows(unit)), &format!("{}b", unit.unit)));
            let doubled: Vec<_> = train.iter().cloned().chain(copies).collect();
            let report = validated(&doubled, &[]).report;
            assert_eq!(
                of_copies(&report, Severity::Error).len(),
                train.len(),
                "{sensors} sensors"
            );
            assert_eq!(report.code().exit(), 11);
        }
    }
}

#[test]
fn accepted_copies_and_shared_names_are_reported() {
    let train: Vec<_> = worn(4)
        .iter()
        .map(|unit| renamed(unit, &format!("pump{}", unit.unit)))
        .collect();
    let rules = SeverityOptions {
        copied_units: Level::Warn,
        ..SeverityOptions::default()
    };
    let suspicions = validated_by(&train, &train[..10], rules)
        .dataset
        .unwrap()
        .suspicions()
        .to_vec();
    assert_eq!(suspicions.len(), 2, "{suspicions:?}");
    assert!(
        suspicions.iter().any(
            |message| message.contains("rows agree") && message.ends_with("(and 9 more units)")
        ),
        "{suspicions:?}"
    );
    assert!(
        suspicions
            .iter()
            .any(|message| message.contains("has the same name as the unit")),
        "{suspicions:?}"
    );
}

#[test]
fn few_shared_rows_are_a_warning_that_scores_carry() {
    let SimulatedFleet { train, .. } = fleet();
    let mut mixed = train.clone();
    let rows = 20;
    for channel in 0..mixed[7].channels.len() {
        let copied = train[2].channels[channel][..rows].to_vec();
        mixed[7].channels[channel][..rows].copy_from_slice(&copied);
    }
    let validation = validated(&mixed, &[]);
    assert_eq!(of_copies(&validation.report, Severity::Error), [""; 0]);
    let warnings = of_copies(&validation.report, Severity::Warning);
    assert!(
        warnings.len() == 1 && warnings[0].contains("rows agree, which may be a leak"),
        "{warnings:?}"
    );
    let dataset = validation.dataset.unwrap();
    assert!(
        dataset.suspicions()[0].starts_with("scores may be too good: train.csv:"),
        "{:?}",
        dataset.suspicions()
    );
}

#[test]
fn a_unit_that_goes_on_in_the_other_part_is_a_leak() {
    let SimulatedFleet { train, test, .. } = fleet();
    let cut = train[0].len() / 2;
    let mut rest = train.clone();
    rest[0].cycles.drain(..cut);
    rest[0]
        .channels
        .iter_mut()
        .for_each(|channel| drop(channel.drain(..cut)));
    let mut seen = test.clone();
    seen[0] = train[0].cut(cut);
    let errors = of_copies(&validated(&rest, &seen).report, Severity::Error);
    assert!(
        errors.len() == 1 && errors[0].contains("so it is in both parts"),
        "{errors:?}"
    );
}

#[test]
fn fleets_of_coarse_or_few_sensors_are_not_suspected() {
    // Integers, one sensor that only wears, and a schedule that all units share.
    let unit = |number: usize| {
        let rows = 12 + (noise(number, 1).abs() * 20.0) as usize;
        let wear = (0..rows)
            .map(|row| (row as f64 / rows as f64 * 6.0).floor())
            .collect();
        let gauge = (0..rows)
            .map(|row| (50.0 + row as f64 + 3.0 * noise(number, row)).round())
            .collect();
        let schedule = (0..rows).map(|row| (row % 5) as f64).collect();
        let constant = vec![1.0; rows];
        // Three settings, then the sensors.
        let mut channels = vec![constant.clone(), constant.clone(), schedule, wear, gauge];
        channels.resize(24, constant);
        Trajectory {
            rest: 0,
            unit: UnitId::new(format!("{number}")),
            cycles: (1..=rows as u32).map(Cycle).collect(),
            channels,
        }
    };
    let units: Vec<_> = (1..=2000).map(unit).collect();
    let report = validated(&units, &[]).report;
    assert_eq!(of_copies(&report, Severity::Error), [""; 0]);
    let warnings = of_copies(&report, Severity::Warning);
    assert!(
        warnings.len() < 5,
        "{} warnings, the first {:?}",
        warnings.len(),
        warnings.first()
    );
}

#[test]
#[ignore = "needs NASA's files; PDM_ML_CMAPSS names their folder, see datasets/README.md"]
fn nasa_files_hold_no_copies() {
    let folder = real_data();
    for subset in pdm_core::domain::Subset::ALL {
        let options = CmapssOptions {
            subset: Some(subset),
            path: folder.clone(),
            ..CmapssOptions::default()
        };
        let raw = ingest(&DatasetOptions::Cmapss(options), &folder).unwrap();
        let report = validate(raw, &ValidateOptions::default()).report;
        for severity in [Severity::Error, Severity::Warning] {
            assert_eq!(of_copies(&report, severity), [""; 0], "{subset}");
        }
    }
}
