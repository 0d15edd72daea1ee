//! Tests of the OCI export.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::registry::blocking::Registry;
use crate::registry::keys::ObjectKey;
use crate::registry::manifest::ModelVersion;
use crate::registry::samples::{champion, gates, model, stamp, version};
use crate::registry::{ModelRef, NewFile, NewVersion, RegistryError, Store};
use pdm_core::content::Digest;

fn registry(store: Store) -> (Registry, ModelVersion) {
    let registry = Registry::new(store).unwrap();
    let mut new = version("a", 1.0);
    // Longer than a part, and the same bytes twice.
    new.files.push(NewFile::of_bytes(
        "weights/twin.safetensors".parse().unwrap(),
        vec![1; (8 << 20) + 1],
    ));
    new.files.push(NewFile::of_bytes(
        "weights/again.safetensors".parse().unwrap(),
        vec![1; (8 << 20) + 1],
    ));
    let first = registry
        .register(
            &NewVersion {
                model: "other".parse().unwrap(),
                ..new.clone()
            },
            &stamp(0),
        )
        .unwrap();
    let own = ModelRef::version(first.version.model.clone(), 1);
    new.report = Some(registry.judge_version(&gates(), &own, &champion()).unwrap());
    let version = registry.register(&new, &stamp(1)).unwrap().version;
    (registry, version)
}

fn export(registry: &Registry, folder: &Path) -> Result<Exported, RegistryError> {
    registry.export_oci(&ModelRef::version(model(), 1), folder, None)
}

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Returns the file a descriptor points to, after checking digest and size.
fn followed(folder: &Path, descriptor: &Value) -> std::path::PathBuf {
    let digest = descriptor["digest"]
        .as_str()
        .unwrap()
        .strip_prefix("sha256:")
        .unwrap();
    let path = folder.join("blobs/sha256").join(digest);
    assert_eq!(Digest::of_file(&path).unwrap().to_string(), digest);
    assert_eq!(
        path.metadata().unwrap().len(),
        descriptor["size"].as_u64().unwrap()
    );
    path
}

fn tree(folder: &Path) -> BTreeMap<String, Digest> {
    let mut files = BTreeMap::new();
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        match path.is_dir() {
            true => files.extend(
                tree(&path)
                    .into_iter()
                    .map(|(below, digest)| (format!("{name}/{below}"), digest)),
            ),
            false => _ = files.insert(name, Digest::of_file(&path).unwrap()),
        }
    }
    files
}

#[test]
fn a_layout_is_read_as_the_specifications_say() {
    let root = tempfile::tempdir().unwrap();
    let (registry, version) = registry(Store::memory());
    let folder = root.path().join("deep/layout");
    let exported = export(&registry, &folder).unwrap();
    assert_eq!(
        (
            exported.tag.as_str(),
            exported.layers,
            exported.folder.as_path()
        ),
        ("v1", 7, folder.as_path())
    );

    assert_eq!(
        json_of(&folder.join("oci-layout")),
        json!({ "imageLayoutVersion": "1.0.0" })
    );
    let index = json_of(&folder.join("index.json"));
    assert_eq!(
        (&index["schemaVersion"], &index["mediaType"]),
        (&json!(2), &json!(media::INDEX))
    );
    let entry = &index["manifests"][0];
    assert_eq!(
        entry["annotations"]["org.opencontainers.image.ref.name"],
        "v1"
    );
    assert_eq!(
        (&entry["mediaType"], &entry["artifactType"]),
        (&json!(media::MANIFEST), &json!(media::MODEL))
    );
    assert_eq!(entry["digest"], format!("sha256:{}", exported.manifest));

    let manifest = json_of(&followed(&folder, entry));
    assert_eq!(
        (&manifest["schemaVersion"], &manifest["mediaType"]),
        (&json!(2), &json!(media::MANIFEST))
    );
    assert_eq!(
        manifest["artifactType"],
        "application/vnd.cncf.model.manifest.v1+json"
    );
    assert_eq!(
        manifest["config"]["mediaType"],
        "application/vnd.cncf.model.config.v1+json"
    );
    assert_eq!(
        manifest["annotations"]["pdm-ml.bundle"],
        format!("sha256:{}", version.bundle)
    );
    let layers = manifest["layers"].as_array().unwrap();
    let config = json_of(&followed(&folder, &manifest["config"]));
    let digests: Vec<_> = layers.iter().map(|layer| layer["digest"].clone()).collect();
    assert_eq!(
        config["modelfs"],
        json!({ "type": "layers", "diffIds": digests })
    );
    assert_eq!(
        (
            &config["descriptor"]["name"],
            &config["descriptor"]["version"]
        ),
        (&json!("fd001"), &json!("1"))
    );
    assert_eq!(
        config["config"],
        json!({ "architecture": "gru", "format": "safetensors" })
    );

    let kinds: BTreeMap<_, _> = layers
        .iter()
        .map(|layer| {
            followed(&folder, layer);
            let title = layer["annotations"]["org.opencontainers.image.title"]
                .as_str()
                .unwrap();
            assert_eq!(layer["annotations"]["org.cncf.model.filepath"], title);
            (
                title,
                layer["mediaType"]
                    .as_str()
                    .unwrap()
                    .strip_prefix("application/vnd.cncf.model.")
                    .unwrap(),
            )
        })
        .collect();
    let expected = [
        ("evidence/gate-report.json", "doc.v1.raw"),
        ("evidence/predictions.json", "doc.v1.raw"),
        ("evidence/scorecard.json", "doc.v1.raw"),
        ("manifest.json", "weight.config.v1.raw"),
        ("weights/again.safetensors", "weight.v1.raw"),
        ("weights/gru.safetensors", "weight.v1.raw"),
        ("weights/twin.safetensors", "weight.v1.raw"),
    ];
    assert_eq!(kinds, expected.into());
    // There are no other files: six different layers, the configuration, the manifest.
    assert_eq!(folder.join("blobs/sha256").read_dir().unwrap().count(), 8);
    assert_eq!(folder.read_dir().unwrap().count(), 3);
    assert_eq!(folder.parent().unwrap().read_dir().unwrap().count(), 1);
}

#[test]
fn the_same_version_gives_the_same_bytes_whatever_happens_to_it() {
    let root = tempfile::tempdir().unwrap();
    let (registry, _) = registry(Store::memory());
    export(&registry, &root.path().join("a")).unwrap();
    registry
        .annotate(&ModelRef::version(model(), 1), "a note", &stamp(9))
        .unwrap();
    std::fs::create_dir(root.path().join("b")).unwrap();
    export(&registry, &root.path().join("b")).unwrap();
    assert_eq!(tree(&root.path().join("a")), tree(&root.path().join("b")));
}

#[test]
fn what_cannot_be_exported_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let (registry, version) = registry(Store::open("store", root.path()).unwrap());
    let folder = root.path().join("out/layout");
    for tag in ["", "a b", "-a", ".a", "é", &"a".repeat(129)] {
        let refused = registry.export_oci(&ModelRef::version(model(), 1), &folder, Some(tag));
        assert!(
            matches!(refused, Err(RegistryError::Tag { .. })),
            "{tag}: {refused:?}"
        );
    }
    let blob = root
        .path()
        .join("store")
        .join(ObjectKey::Blob(version.predictions).to_string());
    fs::write(&blob, "other bytes").unwrap();
    assert!(matches!(
        export(&registry, &folder),
        Err(RegistryError::Integrity { .. })
    ));
    assert_eq!(root.path().join("out").read_dir().unwrap().count(), 0);
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("mine"), "x").unwrap();
    assert!(matches!(
        export(&registry, &folder),
        Err(RegistryError::Occupied { .. })
    ));
    assert!(matches!(
        export(&registry, &folder.join("mine")),
        Err(RegistryError::Occupied { .. })
    ));
    assert_eq!(fs::read(folder.join("mine")).unwrap(), b"x");
}
