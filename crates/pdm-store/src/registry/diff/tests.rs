//! Tests of comparing versions.

use super::*;
use crate::registry::blocking::Registry;
use crate::registry::samples::{card, model, protocol, stamp, version};
use crate::registry::{NewFile, NewVersion, Store};
use pdm_core::scoring::{Metric, Protocol};

fn registered(files: &[(&str, &str)], scale: f64) -> NewVersion {
    let file = |(path, bytes): &(&str, &str)| {
        NewFile::of_bytes(path.parse().unwrap(), (*bytes).to_owned())
    };
    let bundle = Digest::of(format!("{files:?}"));
    NewVersion {
        files: files.iter().map(file).collect(),
        bundle,
        ..version("a", scale)
    }
}

fn difference(a: &NewVersion, b: &NewVersion) -> Difference {
    let registry = Registry::new(Store::memory()).unwrap();
    registry.register(a, &stamp(1)).unwrap();
    registry.register(b, &stamp(2)).unwrap();
    registry
        .diff(
            &ModelRef::version(model(), 1),
            &registry,
            &ModelRef::version(model(), 2),
        )
        .unwrap()
}

#[test]
fn differences_of_files_options_and_scores_are_listed() {
    let manifest = |leaves| {
        format!(
            r#"{{"format":1,"model":{{"kind":"gbdt","leaves":{leaves}}},"target":{{"cap":125.0}},"files":[]}}"#
        )
    };
    let (old, new) = (manifest(15), manifest(31));
    let a = registered(
        &[
            ("bundle.json", &old),
            (
                "features.json",
                r#"{"options":{"regimes":0},"sensors":["s_2"]}"#,
            ),
            ("old", "x"),
        ],
        1.0,
    );
    let b = registered(
        &[
            ("bundle.json", &new),
            ("features.json", r#"{"options":{},"sensors":["s_2"]}"#),
            ("weights", "y"),
        ],
        0.8,
    );
    let found = difference(&a, &b);
    let files: Vec<_> = found
        .files
        .iter()
        .map(|file| (file.path.as_str(), file.change))
        .collect();
    let changed = |path| (path, Change::Changed);
    assert_eq!(
        files,
        [
            changed("bundle.json"),
            changed("features.json"),
            ("old", Change::Removed),
            ("weights", Change::Added)
        ]
    );
    let change = |name: &str, a: Option<i32>, b: Option<i32>| ValueChange {
        name: name.to_owned(),
        a: a.map(Value::from),
        b: b.map(Value::from),
    };
    let expected = [
        change("features.options.regimes", Some(0), None),
        change("model.leaves", Some(15), Some(31)),
    ];
    assert_eq!(found.options, expected);
    let names: Vec<_> = found
        .origin
        .iter()
        .map(|change| change.name.as_str())
        .collect();
    assert_eq!(names, ["bundle", "predictions", "scorecard"]);
    let SideBySide::Compared { rows, .. } = &found.scores else {
        panic!("{:?}", found.scores)
    };
    let rmse = rows.iter().find(|row| row.metric == Metric::Rmse).unwrap();
    let (before, after) = (rmse.a.unwrap().value, rmse.b.unwrap().value);
    assert_eq!(rmse.difference, Some(after - before));
    assert!((after / before - 0.8).abs() < 1e-9);
    let worse = rmse.worse.unwrap();
    assert!(
        worse.lower < worse.difference && worse.difference < worse.upper && worse.upper < 0.0,
        "{worse:?}"
    );
}

#[test]
fn a_version_does_not_differ_from_itself() {
    let registry = Registry::new(Store::memory()).unwrap();
    registry.register(&version("a", 1.0), &stamp(1)).unwrap();
    let own = ModelRef::version(model(), 1);
    let found = registry.diff(&own, &registry, &own).unwrap();
    assert!(found.files.iter().all(|file| file.change == Change::Same));
    assert_eq!((found.options, found.origin), (vec![], vec![]));
    let SideBySide::Compared { rows, .. } = found.scores else {
        panic!("{:?}", found.scores)
    };
    assert!(
        rows.iter().all(|row| row.difference == Some(0.0)),
        "{rows:?}"
    );
}

#[test]
fn scores_under_other_protocols_are_not_compared() {
    let a = version("a", 1.0);
    let other = Protocol {
        truth_cap: Some(125.0),
        ..protocol()
    };
    let b = NewVersion {
        scorecard: card(&a.predictions, other.clone()),
        bundle: Digest::of("b"),
        ..a.clone()
    };
    let SideBySide::Unlike { a, b, .. } = difference(&a, &b).scores else {
        panic!("compared")
    };
    assert_eq!((a.0, b.0), (protocol().digest(), other.digest()));
    assert!(b.1.contains("capped at 125"), "{}", b.1);
}
