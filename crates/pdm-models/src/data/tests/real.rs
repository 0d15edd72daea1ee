//! Tests: the published C-MAPSS files.

use super::*;
use pdm_core::domain::Subset;

fn options(folder: &Path, subset: Subset) -> DatasetOptions {
    DatasetOptions::Cmapss(CmapssOptions {
        subset: Some(subset),
        path: folder.to_owned(),
        ..Default::default()
    })
}

#[test]
#[ignore = "needs NASA's files; PDM_ML_CMAPSS names their folder, see datasets/README.md"]
fn nasa_files_are_valid_and_the_report_is_short() {
    let folder = real_data();
    let known = [
        (Subset::FD001, 100, 20_631, 100),
        (Subset::FD002, 260, 53_759, 259),
        (Subset::FD003, 100, 24_720, 100),
    ];
    for (subset, train, rows, test) in known {
        let options = options(&folder, subset);
        let Validation { report, dataset } = validate(
            ingest(&options, &folder).unwrap(),
            &ValidateOptions::default(),
        );
        assert_eq!(
            (errors(&report), messages(&report, Severity::Warning)),
            (vec![], vec![]),
            "{subset}"
        );
        assert!(report.findings.len() <= 1);
        let dataset = dataset.unwrap();
        assert_eq!(
            (dataset.name(), dataset.train().len()),
            (subset.name(), train)
        );
        assert_eq!(
            dataset.train().iter().map(Trajectory::len).sum::<usize>(),
            rows
        );
        assert!(dataset.test().is_none_or(|part| part.units.len() == test));
    }
}

#[test]
#[ignore = "needs NASA's files; PDM_ML_CMAPSS names their folder, see datasets/README.md"]
fn all_248_test_units_of_nasa_files_are_kept_with_their_truth() {
    let folder = real_data();
    let raw = ingest(&options(&folder, Subset::FD004), &folder).unwrap();
    let Validation { report, dataset } = validate(raw, &ValidateOptions::default());
    assert!(
        report.is_valid()
            && report
                .files
                .iter()
                .all(|file| file.pinned == Pinned::Matches)
    );
    let dataset = dataset.unwrap();
    let test = dataset.test().unwrap();
    assert_eq!(
        (dataset.train().len(), test.units.len(), test.rul.len()),
        (249, 248, 248)
    );
    assert_eq!(test.units.iter().map(Trajectory::len).min(), Some(19));
    assert_eq!(test.rul.iter().filter(|rul| **rul > 125.0).count(), 67);
    assert_eq!((test.rul[0], test.rul[247]), (22.0, 26.0));
    assert_eq!(dataset.train()[0].channels[0][0], 42.0049);
}

#[test]
#[ignore = "needs NASA's files; PDM_ML_CMAPSS names their folder, see datasets/README.md"]
fn the_quick_and_the_strict_reader_agree_on_nasa_files() {
    let folder = real_data();
    let bytes = std::fs::read(folder.join("train_FD001.txt")).unwrap();
    let schema = Schema::cmapss();
    let quick =
        frame::blank_separated(&bytes, schema.width()).expect("the published file is well formed");
    let mut log = findings::FindingLog::default();
    let strict = scan::scan(
        &bytes,
        1,
        &scan::ColumnLayout::headless(&schema),
        "f",
        &mut log,
    );
    assert_eq!((quick.line(20_630), strict.line(20_630)), (20_631, 20_631));
    assert_eq!(quick.into_trajectories(), strict.into_trajectories());
    assert_eq!(log.count(Severity::Error), 0);
}

#[test]
#[ignore = "needs NASA's files; PDM_ML_CMAPSS names their folder, see datasets/README.md"]
fn another_copy_of_nasa_files_is_refused_with_both_digests() {
    let folder = real_data();
    let copy = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(folder.join("train_FD001.txt")).unwrap();
    std::fs::write(
        copy.path().join("train_FD001.txt"),
        text.split_once('\n').unwrap().1,
    )
    .unwrap();
    let mut options = CmapssOptions {
        path: PathBuf::new(),
        ..CmapssOptions::default()
    };
    let read = |options: &CmapssOptions| {
        let raw = ingest(&DatasetOptions::Cmapss(options.clone()), copy.path()).unwrap();
        validate(raw, &ValidateOptions::default()).report
    };

    let report = read(&options);
    let found = report.files[0].sha256;
    let expected = "963b5e22825b34d8b21c69e1aeb4af3e647050eb672ee8834ba4b5d91d2de0f8";
    assert_eq!(
        errors(&report),
        [
            format!(
                "pinned train_FD001.txt: this copy differs from NASA's: sha256 is {found}, expected {expected}"
            ),
            "contiguous_cycles train_FD001.txt:1: unit 1 begins at cycle 2 instead of 1".to_owned(),
            "unit_counts train_FD001.txt: has 20630 rows, expected 20631".to_owned(),
        ]
    );
    options.verify = Verify::Off;
    assert_eq!(errors(&read(&options)).len(), 2);
}
