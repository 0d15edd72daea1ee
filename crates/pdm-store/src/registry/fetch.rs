//! Writes the files of a version into a folder.

use std::io::{self, ErrorKind};
use std::path::Path;

use super::blobs;
use super::error::RegistryError;
use super::manifest::{FileEntry, ModelVersion};
use super::path::BundlePath;
use super::store::Store;
use pdm_core::content::Digest;

/// Writes the files of a version into a folder. Each gets its name only after its digest is verified. An existing file
/// is replaced only if one of the versions has it under the same path, because an earlier fetch wrote it.
pub(crate) async fn bundle(
    store: &Store,
    version: &ModelVersion,
    versions: &[ModelVersion],
    into: &Path,
) -> Result<(), RegistryError> {
    version.require_distinct_files()?;
    for file in &version.files {
        let path = file.path.within(into);
        refuse_links(into, &path)?;
        refuse_hidden(&file.path, &path)?;
        refuse_foreign(file, versions, &path)?;
    }
    for file in &version.files {
        let path = file.path.within(into);
        if !is_complete(&path, file) {
            blobs::download(store, file.sha256, file.bytes, &path).await?;
        }
    }
    Ok(())
}

fn is_complete(path: &Path, file: &FileEntry) -> bool {
    path.is_file() && Digest::of_file(path).is_ok_and(|found| found == file.sha256)
}

/// Refuses hidden files and folders: no bundle has them, and other programs read them (`.git/config`).
fn refuse_hidden(name: &BundlePath, path: &Path) -> Result<(), RegistryError> {
    if name.as_str().split('/').any(|part| part.starts_with('.')) {
        let what = "it is hidden, and bundles have no hidden files";
        return Err(RegistryError::InTheWay {
            path: path.to_owned(),
            what,
        });
    }
    Ok(())
}

/// Refuses to overwrite a file that none of the versions has.
fn refuse_foreign(
    file: &FileEntry,
    versions: &[ModelVersion],
    path: &Path,
) -> Result<(), RegistryError> {
    let refused = |what| {
        Err(RegistryError::InTheWay {
            path: path.to_owned(),
            what,
        })
    };
    let found = match path.symlink_metadata() {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(source) => {
            return Err(RegistryError::File {
                operation: "look at",
                path: path.to_owned(),
                source,
            });
        }
    };
    if !found.is_file() {
        return refused("there is something other than a file");
    }
    let files = versions
        .iter()
        .flat_map(|version| &version.files)
        .chain([file]);
    let same: Vec<_> = files
        .filter(|known| known.path == file.path && known.bytes == found.len())
        .collect();
    // Only files with the length of a known file are read.
    let digest = if same.is_empty() {
        None
    } else {
        Digest::of_file(path).ok()
    };
    if same.iter().any(|known| Some(known.sha256) == digest) {
        return Ok(());
    }
    refused("the existing file is from no version of this model")
}

/// Refuses to write through a symbolic link: it could lead out of the folder.
fn refuse_links(into: &Path, path: &Path) -> Result<(), RegistryError> {
    let inside = path.ancestors().take_while(|ancestor| *ancestor != into);
    let outermost_link = inside
        .filter(|ancestor| ancestor.is_symlink())
        .map(Path::to_owned)
        .last();
    match outermost_link {
        Some(path) => Err(RegistryError::File {
            operation: "write",
            path,
            source: io::Error::new(ErrorKind::InvalidInput, "it is a symbolic link"),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::registry::blocking::{Registry, wait};
    use crate::registry::keys::ObjectKey;
    use crate::registry::samples::{stamp, version as version_of};

    fn registered(root: &Path) -> (Store, ModelVersion) {
        let store = Store::open("store", root).unwrap();
        let version = Registry::new(store.clone())
            .unwrap()
            .register(&version_of("a", 1.0), &stamp(0))
            .unwrap()
            .version;
        (store, version)
    }

    #[test]
    fn files_arrive_whole_and_nothing_else_does() {
        let root = tempfile::tempdir().unwrap();
        let (store, version) = registered(root.path());
        let into = root.path().join("deep/bundle");
        for _ in 0..2 {
            wait(bundle(&store, &version, &[], &into)).unwrap();
            for file in &version.files {
                assert_eq!(
                    Digest::of_file(&file.path.within(&into)).unwrap(),
                    file.sha256
                );
            }
            assert_eq!(into.read_dir().unwrap().count(), 2);
            assert_eq!(into.join("weights").read_dir().unwrap().count(), 1);
        }
    }

    #[test]
    fn only_files_of_this_model_are_replaced() {
        let root = tempfile::tempdir().unwrap();
        let (store, first) = registered(root.path());
        let registry = Registry::new(store.clone()).unwrap();
        let second = registry
            .register(&version_of("b", 1.0), &stamp(1))
            .unwrap()
            .version;
        let into = root.path().join("bundle");
        for version in [&first, &second, &first] {
            registry.fetch_bundle(version, &into).unwrap();
            assert_eq!(
                Digest::of_file(&into.join("manifest.json")).unwrap(),
                version.files[0].sha256
            );
        }
        fs::write(into.join("manifest.json"), "something else").unwrap();
        let refused = registry.fetch_bundle(&second, &into).unwrap_err();
        assert!(
            matches!(&refused, RegistryError::InTheWay { path, .. } if path.ends_with("manifest.json")),
            "{refused}"
        );
        assert_eq!(
            fs::read(into.join("manifest.json")).unwrap(),
            b"something else"
        );
        let weights = into.join("weights/gru.safetensors");
        assert_eq!(
            Digest::of_file(&weights).unwrap(),
            first.files[1].sha256,
            "nothing is written before all is looked at"
        );
    }

    #[test]
    fn hidden_files_and_files_of_one_name_are_not_written() {
        let root = tempfile::tempdir().unwrap();
        let (store, version) = registered(root.path());
        let into = root.path().join("project");
        fs::create_dir_all(into.join(".git")).unwrap();
        fs::write(into.join(".git/config"), "[core]\n").unwrap();
        for name in [".git/config", ".git/hooks/post-checkout", "weights/.hidden"] {
            let mut crafted = version.clone();
            crafted.files[1].path = name.parse().unwrap();
            let refused = wait(bundle(
                &store,
                &crafted,
                std::slice::from_ref(&crafted),
                &into,
            ))
            .unwrap_err();
            assert!(
                matches!(refused, RegistryError::InTheWay { .. }),
                "{name}: {refused}"
            );
        }
        assert_eq!(fs::read(into.join(".git/config")).unwrap(), b"[core]\n");
        let mut twice = version.clone();
        twice.files[1].path = twice.files[0].path.clone();
        assert!(matches!(
            wait(bundle(&store, &twice, &[], &into)),
            Err(RegistryError::SameFile { .. })
        ));
        assert_eq!(into.read_dir().unwrap().count(), 1);
    }

    #[test]
    fn damaged_bytes_never_get_a_name() {
        let root = tempfile::tempdir().unwrap();
        let (store, version) = registered(root.path());
        let key = ObjectKey::Blob(version.files[0].sha256).to_string();
        fs::write(root.path().join("store").join(&key), "weighty").unwrap();
        let into = root.path().join("bundle");
        let error = wait(bundle(&store, &version, &[], &into)).unwrap_err();
        assert!(matches!(error, RegistryError::Integrity { key: found, .. } if found == key));
        assert!(!into.join("manifest.json").exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_does_not_lead_out_of_the_folder() {
        let root = tempfile::tempdir().unwrap();
        let (store, version) = registered(root.path());
        let (into, outside) = (root.path().join("bundle"), root.path().join("outside"));
        fs::create_dir_all(&into).unwrap();
        fs::create_dir_all(&outside).unwrap();
        std::os::unix::fs::symlink(&outside, into.join("weights")).unwrap();
        assert!(matches!(
            wait(bundle(&store, &version, &[], &into)),
            Err(RegistryError::File { .. })
        ));
        assert_eq!(outside.read_dir().unwrap().count(), 0);
    }
}
