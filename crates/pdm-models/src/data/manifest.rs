//! The files NASA published, with name, digest and size, from `datasets/cmapss.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

use super::Role;
use pdm_core::content::Digest;
use pdm_core::domain::Subset;

static CMAPSS: LazyLock<DatasetManifest> = LazyLock::new(|| {
    toml::from_str(include_str!("../../../../datasets/cmapss.toml"))
        .expect("a test parses the embedded manifest")
});

/// The published files of a data set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DatasetManifest {
    #[expect(dead_code, reason = "for readers of the file")]
    name: String,
    #[expect(dead_code, reason = "for later readers of the file")]
    version: u32,
    #[serde(rename = "file")]
    pub(super) files: Vec<PinnedFile>,
    readme: Readme,
}

/// One published file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PinnedFile {
    pub(super) name: String,
    pub(super) subset: Subset,
    pub(super) role: Role,
    pub(super) sha256: Digest,
    pub(super) units: u64,
    pub(super) rows: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Readme {
    name: String,
    sha256: Digest,
}

/// Returns the manifest of C-MAPSS.
pub(super) fn cmapss() -> &'static DatasetManifest {
    &CMAPSS
}

impl DatasetManifest {
    pub(super) fn part(&self, subset: Subset, role: Role) -> Option<&PinnedFile> {
        self.files
            .iter()
            .find(|file| file.subset == subset && file.role == role)
    }

    /// Returns the data file of this name, ignoring case.
    pub(super) fn named(&self, name: &str) -> Option<&PinnedFile> {
        self.files
            .iter()
            .find(|file| file.name.eq_ignore_ascii_case(name))
    }

    /// Returns the published name of the contents with this digest.
    pub(super) fn with_digest(&self, sha256: Digest) -> Option<&str> {
        let readme = (self.readme.sha256 == sha256).then_some(self.readme.name.as_str());
        self.files
            .iter()
            .find(|file| file.sha256 == sha256)
            .map(|file| file.name.as_str())
            .or(readme)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::tests::real_data;

    #[test]
    fn all_twelve_files_are_pinned_under_their_published_names() {
        let manifest = cmapss();
        assert_eq!(manifest.files.len(), 12);
        for subset in Subset::ALL {
            for (role, prefix) in [
                (Role::Train, "train"),
                (Role::Test, "test"),
                (Role::Rul, "RUL"),
            ] {
                assert_eq!(
                    manifest.part(subset, role).unwrap().name,
                    format!("{prefix}_{subset}.txt")
                );
            }
            let test = manifest.part(subset, Role::Test).unwrap();
            assert_eq!(test.units, manifest.part(subset, Role::Rul).unwrap().rows);
        }
        let digests: std::collections::BTreeSet<_> =
            manifest.files.iter().map(|file| file.sha256).collect();
        assert_eq!(digests.len(), 12);
        assert_eq!(
            manifest.with_digest(manifest.readme.sha256),
            Some("readme.txt")
        );
    }

    #[test]
    #[ignore = "needs NASA's files; PDM_ML_CMAPSS names their folder, see datasets/README.md"]
    fn the_manifest_describes_nasa_files() {
        let folder = real_data();
        for file in &cmapss().files {
            let path = folder.join(&file.name);
            let Ok(text) = std::fs::read_to_string(&path) else {
                continue;
            };
            assert_eq!(
                Digest::of_file(&path).unwrap(),
                file.sha256,
                "{}",
                file.name
            );
            assert_eq!(text.lines().count() as u64, file.rows, "{}", file.name);
            if file.role != Role::Rul {
                let units: std::collections::BTreeSet<_> =
                    text.lines().map(|line| line.split(' ').next()).collect();
                assert_eq!(units.len() as u64, file.units, "{}", file.name);
            }
        }
    }
}
