//! The server's registered models follow our registry.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::real::{ServerFixture, metric};
use crate::tracking::*;

fn version(number: u32, run: &str) -> CatalogVersion {
    let tags = BTreeMap::from([
        ("kind".to_owned(), "gbdt".to_owned()),
        ("retired".to_owned(), "false".to_owned()),
    ]);
    CatalogVersion {
        number,
        bundle: format!("bundle-{number}"),
        run: run.to_owned(),
        tags,
    }
}

fn catalog(name: &str, versions: Vec<CatalogVersion>, champion: u32) -> Catalog {
    let aliases = BTreeMap::from([("champion".to_owned(), champion), ("a.b".to_owned(), 1)]);
    Catalog {
        models: vec![CatalogModel {
            name: name.to_owned(),
            versions,
            aliases,
        }],
    }
}

/// Returns what the server has under an alias: our number of the version, its source, and its run.
fn aliased(fixture: &ServerFixture, name: &str, alias: &str) -> [Value; 3] {
    let mut version = fixture.get(
        "registered-models/alias",
        &[("name", name), ("alias", alias)],
    )["model_version"]
        .take();
    let tags = version["tags"].as_array().unwrap().clone();
    let number = tags
        .iter()
        .find(|tag| tag["key"] == "pdm_ml.version")
        .unwrap()["value"]
        .clone();
    [number, version["source"].take(), version["run_id"].take()]
}

fn count(fixture: &ServerFixture, name: &str) -> usize {
    let answer = fixture.get(
        "model-versions/search",
        &[("filter", &format!("name='{name}'"))],
    );
    answer["model_versions"].as_array().map_or(0, Vec::len)
}

#[test]
#[ignore = "needs an MLflow server; scripts/test starts one"]
fn models_versions_and_aliases_follow_the_registry() {
    let fixture = ServerFixture::set_up();
    let run = fixture.run([
        fixture.artifact("model/MLmodel", b"flavors: {}"),
        metric("rmse", 0, 1.0),
    ]);
    let bare = fixture.run([fixture.artifact("bundle/bundle.json", b"{}")]);
    let (report, bare_report) = (fixture.sync(run), fixture.sync(bare));
    let name = format!("turbofan-{}", RunId::new());
    let versions = vec![
        version(1, "gone"),
        version(2, &run.to_string()),
        version(3, &bare.to_string()),
    ];
    // The server numbers versions itself: its first is not one of ours.
    fixture.post("registered-models/create", json!({"name": name}));
    fixture.post(
        "model-versions/create",
        json!({"name": name, "source": "s3://elsewhere/model"}),
    );

    let first = mirror(&fixture.client, &catalog(&name, versions.clone(), 2)).unwrap();
    assert_eq!(
        first.versions,
        [1, 2, 3].map(|number| format!("{name}/{number}"))
    );
    assert_eq!(first.aliases, [format!("{name}@champion to 2")]);
    assert!(
        first.problems.len() == 1 && first.problems[0].contains("@a.b"),
        "{:?}",
        first.problems
    );
    let root = format!(
        "mlflow-artifacts:/{}/{}/artifacts",
        report.experiment_id, report.mlflow_run_id
    );
    let expected = [
        json!("2"),
        json!(format!("{root}/model")),
        json!(report.mlflow_run_id),
    ];
    assert_eq!(aliased(&fixture, &name, "champion"), expected);

    let again = mirror(&fixture.client, &catalog(&name, versions.clone(), 2)).unwrap();
    assert_eq!(
        (
            again.versions.len(),
            again.aliases.len(),
            count(&fixture, &name)
        ),
        (0, 0, 4)
    );

    let mut retired = versions;
    retired[0].tags.insert("retired".into(), "true".into());
    let moved = mirror(&fixture.client, &catalog(&name, retired, 3)).unwrap();
    assert_eq!(
        (moved.versions.len(), moved.aliases.as_slice()),
        (0, [format!("{name}@champion to 3")].as_slice())
    );
    let [number, source, _] = aliased(&fixture, &name, "champion");
    assert_eq!(number, "3");
    assert!(
        source
            .as_str()
            .unwrap()
            .ends_with(&format!("{}/artifacts/bundle", bare_report.mlflow_run_id))
    );
    let found = fixture.get("model-versions/get", &[("name", &name), ("version", "2")]);
    let tags = found["model_version"]["tags"].as_array().unwrap();
    assert!(
        tags.contains(&json!({"key": "pdm_ml.retired", "value": "true"})),
        "{tags:?}"
    );
}
