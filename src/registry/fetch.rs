use std::io::{self, ErrorKind};
use std::path::Path;

use super::blobs;
use super::error::RegistryError;
use super::manifest::{FileEntry, ModelVersion};
use super::store::Store;
use crate::content::Digest;

/// Writes the files of a version into a folder. Each stands under its name only once its digest was verified.
pub(crate) async fn bundle(store: &Store, version: &ModelVersion, into: &Path) -> Result<(), RegistryError> {
    for file in &version.files {
        let path = file.path.within(into);
        refuse_links(into, &path)?;
        if !stands(&path, file) {
            blobs::download(store, file.sha256, file.bytes, &path).await?;
        }
    }
    Ok(())
}

fn stands(path: &Path, file: &FileEntry) -> bool {
    Digest::of_file(path).is_ok_and(|found| found == file.sha256)
}

/// Refuses to write through a symbolic link: it could lead out of the folder.
fn refuse_links(into: &Path, path: &Path) -> Result<(), RegistryError> {
    let inside = path.ancestors().take_while(|ancestor| *ancestor != into);
    let link = inside.filter(|ancestor| ancestor.is_symlink()).map(Path::to_owned).last();
    link.map_or(Ok(()), |path| {
        let source = io::Error::new(ErrorKind::InvalidInput, "a symbolic link stands in the way");
        Err(RegistryError::File { operation: "write", path, source })
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::registry::blocking::{Registry, wait};
    use crate::registry::keys::Key;
    use crate::registry::samples::{stamp, version};

    fn registered(root: &Path) -> (Store, ModelVersion) {
        let store = Store::open("store", root).unwrap();
        let version = Registry::new(store.clone()).unwrap().register(&version("a", 1.0), &stamp(0)).unwrap().version;
        (store, version)
    }

    #[test]
    fn files_arrive_whole_and_nothing_else_does() {
        let root = tempfile::tempdir().unwrap();
        let (store, version) = registered(root.path());
        let into = root.path().join("deep/bundle");
        for _ in 0..2 {
            wait(bundle(&store, &version, &into)).unwrap();
            for file in &version.files {
                assert_eq!(Digest::of_file(&file.path.within(&into)).unwrap(), file.sha256);
            }
            assert_eq!(into.read_dir().unwrap().count(), 2);
            assert_eq!(into.join("weights").read_dir().unwrap().count(), 1);
        }
    }

    #[test]
    fn a_file_with_other_bytes_is_replaced() {
        let root = tempfile::tempdir().unwrap();
        let (store, version) = registered(root.path());
        fs::write(root.path().join("manifest.json"), "something else").unwrap();
        wait(bundle(&store, &version, root.path())).unwrap();
        assert_eq!(Digest::of_file(&root.path().join("manifest.json")).unwrap(), version.files[0].sha256);
    }

    #[test]
    fn damaged_bytes_never_get_a_name() {
        let root = tempfile::tempdir().unwrap();
        let (store, version) = registered(root.path());
        let key = Key::Blob(version.files[0].sha256).to_string();
        fs::write(root.path().join("store").join(&key), "weighty").unwrap();
        let into = root.path().join("bundle");
        let error = wait(bundle(&store, &version, &into)).unwrap_err();
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
        assert!(matches!(wait(bundle(&store, &version, &into)), Err(RegistryError::File { .. })));
        assert_eq!(outside.read_dir().unwrap().count(), 0);
    }
}
