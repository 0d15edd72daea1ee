//! `registry export --oci`, read by a tool that others wrote.

use std::path::Path;
use std::process::Command;

use crate::project::{Project, SMALL};

/// Runs skopeo; nothing where it is not installed, which on CI is a failure.
fn skopeo(project: &Project, args: &[&str]) -> Option<String> {
    let Ok(output) = Command::new("skopeo")
        .args(args)
        .current_dir(project.path())
        .output()
    else {
        assert!(
            std::env::var_os("CI").is_none(),
            "skopeo is not installed: `apt-get install skopeo`"
        );
        eprintln!("skipped: needs skopeo (`apt-get install skopeo`)");
        return None;
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(String::from_utf8(output.stdout).unwrap())
}

fn blob(folder: &Path, digest: &serde_json::Value) -> std::path::PathBuf {
    folder
        .join("blobs/sha256")
        .join(digest.as_str().unwrap().trim_start_matches("sha256:"))
}

#[test]
fn a_model_is_exported_for_tools_that_move_containers() {
    let project = Project::with_pipeline(SMALL);
    project.json(&["run"]);
    let exported = project.json(&["registry", "export", "small@champion", "--oci", "layout"]);
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

    let Some(raw) = skopeo(&project, &["inspect", "--raw", "oci:layout:v1"]) else {
        return;
    };
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
    )
    .unwrap();
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
