//! `registry export --oci`, read by a tool that others wrote.

use std::path::Path;

use crate::needs::program;
use crate::project::{Project, SMALL};

/// Runs skopeo and returns what it says.
fn skopeo(project: &Project, args: &[&str]) -> String {
    let mut skopeo = program("skopeo", "skopeo");
    let output = skopeo
        .args(args)
        .current_dir(project.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// A project whose champion was exported into the folder `layout`, and the output of the command.
fn exported() -> (Project, serde_json::Value) {
    let project = Project::with_pipeline(SMALL);
    project.json(&["run"]);
    let exported = project.json(&["registry", "export", "small@champion", "--oci", "layout"]);
    (project, exported)
}

fn blob(folder: &Path, digest: &serde_json::Value) -> std::path::PathBuf {
    folder
        .join("blobs/sha256")
        .join(digest.as_str().unwrap().trim_start_matches("sha256:"))
}

#[test]
fn a_model_is_exported_once_under_a_tag_that_containers_may_have() {
    let (project, exported) = exported();
    assert_eq!(exported["tag"], "v1", "{exported:#}");
    let again = project.pdm(&["registry", "export", "small@champion", "--oci", "layout"]);
    assert!(
        again.code == 1 && again.stderr.contains("already exists"),
        "{again:?}"
    );
    assert_eq!(
        project
            .pdm(&[
                "registry", "export", "small/1", "--oci", "x", "--tag", "a b"
            ])
            .code,
        2
    );
}

#[test]
#[ignore = "needs skopeo; apt-get install skopeo"]
fn tools_that_move_containers_move_an_exported_model() {
    let (project, exported) = exported();
    let raw = skopeo(&project, &["inspect", "--raw", "oci:layout:v1"]);
    let manifest: serde_json::Value = serde_json::from_str(&raw).unwrap();
    assert_eq!(
        manifest["artifactType"],
        "application/vnd.cncf.model.manifest.v1+json"
    );
    skopeo(
        &project,
        &[
            "copy",
            "--preserve-digests",
            "oci:layout:v1",
            "oci:copied:blue",
        ],
    );
    let copied = project.file("copied");
    let layers = manifest["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 9);
    for layer in layers {
        assert_eq!(
            blob(&copied, &layer["digest"]).metadata().unwrap().len(),
            layer["size"].as_u64().unwrap()
        );
    }
    // The files come back under their names, and are the bundle.
    for layer in layers {
        let name = layer["annotations"]["org.opencontainers.image.title"]
            .as_str()
            .unwrap();
        project.write(
            &format!("bundle/{name}"),
            std::fs::read(blob(&copied, &layer["digest"])).unwrap(),
        );
    }
    project.json(&["registry", "fetch", "small/1", "--into", "fetched"]);
    for file in project.file("fetched").read_dir().unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        assert_eq!(
            std::fs::read(project.file(&format!("bundle/{name}"))).unwrap(),
            std::fs::read(file.path()).unwrap()
        );
    }
    let index: serde_json::Value =
        serde_json::from_str(&project.read("copied/index.json")).unwrap();
    assert_eq!(
        index["manifests"][0]["digest"],
        format!("sha256:{}", exported["manifest"].as_str().unwrap())
    );
}
