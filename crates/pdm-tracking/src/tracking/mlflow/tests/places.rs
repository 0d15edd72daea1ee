//! Files go where the server wants them.

use std::fs;

use serde_json::json;

use super::real::{ServerFixture, metric};
use super::replay::download;
use crate::tracking::mlflow::destination::ArtifactDestination;
use crate::tracking::mlflow::remote::OpenRun;
use crate::tracking::mlflow::wire::RemoteRun;
use crate::tracking::*;

/// Makes the experiment of a fixture, with a place of its own for files.
fn with_place(fixture: &ServerFixture, place: &str) {
    fixture.post(
        "experiments/create",
        json!({"name": fixture.experiment, "artifact_location": place}),
    );
}

#[test]
#[ignore = "needs an MLflow and an S3 server; scripts/test starts them"]
fn files_go_straight_into_a_bucket_the_server_only_names() {
    let fixture = ServerFixture::set_up();
    let bucket = std::env::var("PDM_ML_TEST_S3_BUCKET")
        .expect("PDM_ML_TEST_S3_BUCKET is not set: run the tests with `scripts/test`");
    let prefix = format!("mlflow/{}", RunId::new());
    with_place(&fixture, &format!("s3://{bucket}/{prefix}"));
    // More than one part, and not a whole number of them.
    let large: Vec<u8> = (0..2_500_000_u32).flat_map(u32::to_le_bytes).collect();
    let id = fixture.run([
        fixture.artifact("model/weights ü.bin", &large),
        fixture.artifact("empty", b""),
    ]);

    let variable = |name: &str| std::env::var(name).ok();
    let options = TrackingOptions {
        mlflow_url: fixture.client.url().to_owned(),
        ..Default::default()
    };
    if std::env::var_os("PDM_ML_TEST_MLFLOW_PASSWORD").is_none() {
        let wrong = move |name: &str| {
            if name == "AWS_SECRET_ACCESS_KEY" {
                Some("swordfish".to_owned())
            } else {
                variable(name)
            }
        };
        let wrong = options
            .mlflow(wrong, RetryPolicy::FOREGROUND)
            .unwrap()
            .unwrap();
        let error = sync(&fixture.store, id, &wrong).unwrap_err();
        assert!(
            matches!(&error, TrackingError::Bucket { location, .. } if location.contains(&prefix)),
            "{error}"
        );
        assert!(!error.in_one_line().contains("swordfish"));
    }
    let connection = |client: &MlflowClient| Connection {
        credentials: super::real::credentials(),
        ..client.connection().clone()
    };
    let client = options
        .mlflow(variable, RetryPolicy::FOREGROUND)
        .unwrap()
        .unwrap();
    let client = MlflowClient::connect(fixture.client.url(), connection(&client)).unwrap();
    let report = sync(&fixture.store, id, &client).unwrap();
    assert!(report.complete && report.problems.is_empty(), "{report:?}");
    let opened =
        pdm_store::bucket::open(pdm_store::bucket::Provider::S3, &bucket, &variable).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let read = |name: &str| {
        let key = format!("{prefix}/{}/artifacts/{name}", report.mlflow_run_id);
        let key = object_store::path::Path::parse(key).unwrap();
        let got = async {
            object_store::ObjectStoreExt::get(&opened.objects, &key)
                .await?
                .bytes()
                .await
        };
        runtime.block_on(got).unwrap()
    };
    assert!(read("model/weights ü.bin") == large);
    assert_eq!(read("empty").len(), 0);
    assert_eq!(
        read("pdm-ml/journal.ndjson"),
        fs::read(fixture.store.folder(id).journal()).unwrap()
    );
}

#[test]
#[ignore = "needs an MLflow server; scripts/test starts one"]
fn an_unwritable_place_is_reported_and_the_rest_arrives() {
    let fixture = ServerFixture::set_up();
    with_place(&fixture, "dbfs:/nowhere/artifacts");
    let report = fixture.sync(fixture.run([fixture.artifact("a", b"a"), metric("loss", 0, 1.0)]));
    assert!(report.complete && report.problems.len() == 1, "{report:?}");
    assert!(report.problems[0].contains("dbfs:/nowhere"), "{report:?}");
    assert_eq!(fixture.history(&report, "loss").len(), 1);
}

/// As MLflow's client does: the host of the address, and the rest as this server is reached.
#[test]
#[ignore = "needs an MLflow server; scripts/test starts one"]
fn files_go_to_the_host_that_their_address_names() {
    let fixture = ServerFixture::set_up();
    let url = reqwest::Url::parse(fixture.client.url()).unwrap();
    // The same server by another name.
    let host = format!("localhost:{}", url.port().unwrap());
    let prefix = format!("elsewhere-{}", RunId::new());
    let places = [
        format!("mlflow-artifacts://{host}/{prefix}/a"),
        format!("http://{host}/api/2.0/mlflow-artifacts/artifacts/{prefix}/b"),
    ];
    for (place, folder) in places.iter().zip(["a", "b"]) {
        // A server of today makes no experiment with such an address unless its keeper allows it, and has those of old.
        let info = json!({
            "run_id": "1", "experiment_id": "1", "status": "RUNNING", "lifecycle_stage": "active", "artifact_uri": place,
        });
        let run: RemoteRun = serde_json::from_value(json!({ "info": info, "data": {} })).unwrap();
        let file = fixture.dir.path().join("a.txt");
        fs::write(&file, "weights").unwrap();
        let mut remote = OpenRun::new(&fixture.client, run.clone());
        ArtifactDestination::of(&run, &fixture.client)
            .upload("model/a ü.txt", &file, &mut remote)
            .unwrap();
        assert_eq!(remote.problems, [""; 0], "{place}");
        let path = format!("{prefix}/{folder}/model/a ü.txt");
        assert_eq!(
            fixture.client.download(&path).unwrap(),
            b"weights",
            "{place}"
        );
    }
}

/// What a server keeps to itself over TLS is not sent in the open because it says so.
#[test]
fn credentials_do_not_leave_tls_by_an_address() {
    let token = || Credentials::Token(Secret::new("swordfish-1"));
    let place = |credentials: Credentials, uri: &str| {
        let client = MlflowClient::new(
            "https://ml.plant.example/x/",
            credentials,
            RetryPolicy::FOREGROUND,
        )
        .unwrap();
        let info = json!({
            "run_id": "1", "experiment_id": "1", "status": "RUNNING", "lifecycle_stage": "active", "artifact_uri": uri,
        });
        let run = serde_json::from_value(json!({ "info": info, "data": {} })).unwrap();
        match ArtifactDestination::of(&run, &client) {
            ArtifactDestination::Web { folder, .. } => folder.to_string(),
            ArtifactDestination::Closed { why, .. } => why,
            ArtifactDestination::Server { root, .. } => format!("server {root}"),
            ArtifactDestination::Bucket { .. } | ArtifactDestination::Elsewhere { .. } => {
                "another place".to_owned()
            }
        }
    };
    let folder = "api/2.0/mlflow-artifacts/artifacts";
    for (uri, expected) in [
        (
            "mlflow-artifacts:/1/2/artifacts",
            "server 1/2/artifacts".to_owned(),
        ),
        (
            "mlflow-artifacts:///1/2/artifacts",
            "server 1/2/artifacts".to_owned(),
        ),
        (
            "mlflow-artifacts://other:8443/1/2",
            format!("https://other:8443/x/{folder}/1/2"),
        ),
        ("https://other/a%20b", "https://other/a%20b".to_owned()),
        (
            &format!("https://ml.plant.example/x/{folder}/1"),
            "server 1".to_owned(),
        ),
    ] {
        assert_eq!(place(token(), uri), expected, "{uri}");
    }
    assert!(place(token(), "http://other/x").contains("without encryption"));
    assert_eq!(
        place(Credentials::Anonymous, "http://other/x"),
        "http://other/x"
    );
}

#[test]
#[ignore = "needs an MLflow server; scripts/test starts one"]
fn a_large_file_arrives_whole_whatever_the_server_can() {
    let fixture = ServerFixture::set_up();
    let bytes: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let id = fixture.run([fixture.artifact("a folder/large.bin", &bytes)]);
    let options = TrackingOptions {
        mlflow_url: fixture.client.url().to_owned(),
        ..Default::default()
    };
    let variable = |name: &str| match name {
        "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE" | "MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE" => {
            Some("5242880".to_owned())
        }
        _ => None,
    };
    let client = options
        .mlflow(variable, RetryPolicy::FOREGROUND)
        .unwrap()
        .unwrap();
    let connection = Connection {
        credentials: super::real::credentials(),
        ..client.connection().clone()
    };
    let report = sync(
        &fixture.store,
        id,
        &MlflowClient::connect(fixture.client.url(), connection).unwrap(),
    )
    .unwrap();
    assert!(report.complete && report.problems.is_empty(), "{report:?}");
    assert!(download(&fixture, &report, "a folder/large.bin") == bytes);
}
