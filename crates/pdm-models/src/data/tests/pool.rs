//! Tests: pooled data sets.

use super::*;
use pdm_core::domain::{Subset, UnitId};

/// Two subsets with the files of a small fleet, the first without its test part.
fn project() -> TestProject {
    let project = TestProject::without_origin();
    let copy = |from: &str, to: &str| {
        std::fs::copy(
            project.root().join("sim").join(from),
            project.root().join("sim").join(to),
        )
        .unwrap();
    };
    copy("train_SIM001.txt", "train_FD001.txt");
    copy("test_SIM001.txt", "test_FD003.txt");
    copy("RUL_SIM001.txt", "RUL_FD003.txt");
    copy("train_SIM001.txt", "train_FD003.txt");
    // Other values, so that the two files have digests of their own.
    project.edit("train_FD003.txt", |text| {
        let lines = String::from_utf8(std::mem::take(text)).unwrap();
        let other = |line: &str| line.replacen(" 0.", " 1.", 1) + "\n";
        *text = lines.lines().map(other).collect::<String>().into_bytes();
    });
    project
}

fn pool() -> DatasetOptions {
    let subsets = vec![Subset::FD003, Subset::FD001];
    DatasetOptions::Cmapss(CmapssOptions {
        subset: None,
        subsets,
        path: "sim".into(),
        verify: Verify::Off,
    })
}

fn lenient() -> ValidateOptions {
    // Both subsets are the same fleet.
    let severity = SeverityOptions {
        unit_counts: Level::Off,
        duplicate_rows: Level::Off,
        copied_units: Level::Off,
        ..Default::default()
    };
    ValidateOptions {
        severity,
        ..Default::default()
    }
}

fn validated(project: &TestProject) -> Validation {
    validate(ingest(&pool(), project.root()).unwrap(), &lenient())
}

#[test]
fn parts_are_pooled_and_units_are_distinguished_by_name() {
    let project = project();
    let Validation { report, dataset } = validated(&project);
    assert_eq!(errors(&report), Vec::<String>::new());
    let dataset = dataset.unwrap();
    assert_eq!((dataset.name(), dataset.train().len()), ("FD001+FD003", 24));
    assert!(dataset.train().is_sorted_by(|a, b| a.unit < b.unit));
    let unit = |name| {
        dataset
            .train()
            .iter()
            .find(|unit| unit.unit == UnitId::new(name))
            .unwrap()
    };
    assert_eq!(unit("FD001-7").cycles, unit("FD003-7").cycles);
    assert_eq!(dataset.groups().of(&UnitId::new("FD003-7")), Some("FD003"));

    let alone = project
        .validate(&ValidateOptions::default())
        .dataset
        .unwrap();
    let (pooled, single) = (dataset.test().unwrap(), alone.test().unwrap());
    assert!(
        pooled
            .units
            .iter()
            .all(|unit| dataset.groups().of(&unit.unit) == Some("FD003"))
    );
    let truth = |part: &TestPart, name: &str| {
        part.rul[part
            .units
            .iter()
            .position(|unit| unit.unit == UnitId::new(name))
            .unwrap()]
    };
    for unit in 1..=8 {
        assert_eq!(
            truth(pooled, &format!("FD003-{unit}")),
            truth(single, &unit.to_string())
        );
    }
}

#[test]
fn every_file_has_its_digest_and_every_role_one_that_names_the_subsets() {
    let project = project();
    let files = input_digests(&pool(), project.root()).unwrap();
    let listed: Vec<_> = files
        .iter()
        .map(|file| (file.role, file.group.as_deref().unwrap()))
        .collect();
    let train = [(Role::Train, "FD001"), (Role::Train, "FD003")];
    assert_eq!(
        listed,
        [&train[..], &[(Role::Test, "FD003"), (Role::Rul, "FD003")]].concat()
    );
    let digests: Vec<_> = validated(&project)
        .report
        .files
        .iter()
        .map(|file| file.sha256)
        .collect();
    assert_eq!(
        digests,
        files.iter().map(|file| file.sha256).collect::<Vec<_>>()
    );
    let swapped: Vec<_> = [1, 0]
        .map(|i| InputDigest {
            name: None,
            sha256: files[i].sha256,
            ..files[1 - i].clone()
        })
        .into();
    assert_ne!(
        part_digest(&files, Role::Train),
        part_digest(&swapped, Role::Train)
    );
    assert_eq!(part_digest(&files[..2], Role::Test), None);
    let alone = input_digests(&DatasetOptions::Simulated(small_fleet()), project.root()).unwrap();
    assert_eq!(part_digest(&alone, Role::Test), Some(alone[1].sha256));
}

#[test]
fn damage_is_reported_with_its_file() {
    let project = project();
    std::fs::rename(
        project.root().join("sim/RUL_FD003.txt"),
        project.root().join("sim/RUL_FD001.txt"),
    )
    .unwrap();
    let messages = errors(&validated(&project).report);
    assert!(
        messages[0].starts_with("rul_rows sim/test_FD003.txt: exists, but the file"),
        "{messages:?}"
    );
    assert!(
        messages[1].starts_with("rul_rows sim/RUL_FD001.txt: exists, but the test"),
        "{messages:?}"
    );
    std::fs::remove_file(project.root().join("sim/train_FD003.txt")).unwrap();
    let missing = ingest(&pool(), project.root()).unwrap_err();
    assert!(missing.to_string().contains("train_FD003.txt"), "{missing}");
}

#[test]
#[ignore = "needs NASA's files; PDM_ML_CMAPSS names their folder, see datasets/README.md"]
fn nasa_files_are_pooled_with_their_pins() {
    let folder = real_data();
    let subsets = vec![Subset::FD002, Subset::FD004];
    let options = CmapssOptions {
        subset: None,
        subsets,
        path: folder.clone(),
        ..Default::default()
    };
    let raw = ingest(&DatasetOptions::Cmapss(options), &folder).unwrap();
    let Validation { report, dataset } = validate(raw, &ValidateOptions::default());
    assert!(
        report.is_valid()
            && report
                .files
                .iter()
                .all(|file| file.pinned == Pinned::Matches)
    );
    assert_eq!(dataset.unwrap().train().len(), 260 + 249);
}
