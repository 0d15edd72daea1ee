//! Tests: simulated fleets.

use super::*;

fn texts(options: &SimulateOptions) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let paths = simulate(options).write(folder.path()).unwrap();
    paths
        .into_iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

#[test]
fn the_files_hold_the_fleet_and_pass_validation() {
    for (regimes, fault_modes) in [(1, 1), (6, 1), (1, 2), (6, 2)] {
        let options = SimulateOptions {
            regimes,
            fault_modes,
            path: PathBuf::new(),
            ..SimulateOptions::default()
        };
        let folder = tempfile::tempdir().unwrap();
        let fleet = simulate(&options);
        fleet.write(folder.path()).unwrap();
        let raw = ingest(&DatasetOptions::Simulated(options), folder.path()).unwrap();
        let Validation { report, dataset } = validate(raw, &ValidateOptions::default());
        assert_eq!(
            (errors(&report), messages(&report, Severity::Warning)),
            (vec![], vec![]),
            "{regimes} {fault_modes}"
        );
        assert!(
            report
                .files
                .iter()
                .all(|file| file.pinned == Pinned::Matches)
        );
        let dataset = dataset.unwrap();
        let test = dataset.test().unwrap();
        assert_eq!(
            (dataset.train(), &test.units),
            (fleet.train.as_slice(), &fleet.test)
        );
        let beyond = test.rul.iter().filter(|rul| **rul > 125.0).count();
        assert!((3..30).contains(&beyond), "{beyond} true lives beyond 125");
        assert!(test.units.iter().all(|unit| unit.len() >= 19));
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_at_any_thread_count() {
    let options = SimulateOptions {
        regimes: 6,
        fault_modes: 2,
        ..small_fleet()
    };
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| texts(&options))
    };
    assert_eq!(on(1), on(4));
    assert_ne!(
        texts(&options)[0],
        texts(&SimulateOptions {
            seed: 2,
            ..options.clone()
        })[0]
    );
}

#[test]
fn a_larger_fleet_begins_with_the_smaller_one() {
    let larger = simulate(&SimulateOptions {
        train_units: 15,
        ..small_fleet()
    });
    assert_eq!(larger.train[..12], simulate(&small_fleet()).train);
    assert_eq!(larger.test, simulate(&small_fleet()).test);
}

#[test]
fn files_of_other_options_are_noticed() {
    let project = TestProject::new();
    assert!(project.report().is_valid());
    let changed = DatasetOptions::Simulated(SimulateOptions {
        seed: 9,
        ..small_fleet()
    });
    let report = validate(
        ingest(&changed, project.root()).unwrap(),
        &ValidateOptions::default(),
    )
    .report;
    assert_eq!(
        errors(&report),
        [
            "pinned sim/SIM001.json: the files were simulated with train_units = 12, test_units = 8, regimes = 1, \
          fault_modes = 1, seed = 1; simulate them again"
        ]
    );
    project.edit("RUL_SIM001.txt", |contents| contents[0] ^= 1);
    assert!(
        errors(&project.report())[0]
            .starts_with("pinned sim/RUL_SIM001.txt: this file is not what was simulated")
    );
}

#[test]
fn impossible_fleets_are_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let fleet = simulate(&SimulateOptions {
        name: "../../escape".into(),
        ..small_fleet()
    });
    assert!(matches!(
        fleet.write(folder.path()),
        Err(DataError::Simulate(_))
    ));
}

#[test]
fn the_report_survives_json_and_the_digest_follows_the_contents() {
    let project = TestProject::new();
    let report = project.report();
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(
        serde_json::from_str::<QualityReport>(&json).unwrap(),
        report
    );
    assert_eq!(report.checks.len(), Expectation::ALL.len());
    let before = input_digests(&DatasetOptions::Simulated(small_fleet()), project.root()).unwrap();
    assert_eq!(
        before.iter().map(|input| input.sha256).collect::<Vec<_>>(),
        report.files.iter().map(|f| f.sha256).collect::<Vec<_>>()
    );
    project.edit_line("train_SIM001.txt", 1, |row| {
        row.replacen("100.0", "100.1", 1)
    });
    assert_ne!(project.report().digest, report.digest);
}
