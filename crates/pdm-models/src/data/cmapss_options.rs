//! Options of `[dataset] kind = "cmapss"`: the subsets, their files and their published digests.

use std::path::{Path, PathBuf};

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::manifest::{self, PinnedFile};
use super::{PartFile, Role};
use pdm_core::codes::Code;
use pdm_core::domain::{Problem, Subset};

/// NASA's C-MAPSS files, as published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct CmapssOptions {
    /// One of the four subsets; FD001 if neither `subset` nor `subsets` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Subset")]
    pub subset: Option<Subset>,
    /// Instead of `subset`: several subsets, pooled. Units are named like `FD002-17`, every subset is spread evenly over
    /// the folds, and scores are also reported for each subset.
    #[serde(
        deserialize_with = "at_least_one",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub subsets: Vec<Subset>,
    /// Folder with `train_FD001.txt` and the other files.
    pub path: PathBuf,
    /// Whether the files must be byte for byte those that NASA published.
    pub verify: Verify,
}

/// Whether the files of a known data set must be the published ones.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Verify {
    /// Every file must have the published SHA-256.
    #[default]
    Pinned,
    /// Any file that meets the other expectations is accepted.
    Off,
}

impl Default for CmapssOptions {
    fn default() -> Self {
        Self {
            subset: Some(Subset::FD001),
            subsets: Vec::new(),
            path: "datasets/cmapss".into(),
            verify: Verify::Pinned,
        }
    }
}

impl CmapssOptions {
    /// Returns the options with the default subset filled in if none was given.
    pub(super) fn settled(self) -> Self {
        let subset = self
            .subset
            .or_else(|| self.subsets.is_empty().then_some(Subset::FD001));
        Self { subset, ..self }
    }

    /// Returns the subsets that are read, in order.
    pub fn read_subsets(&self) -> Vec<Subset> {
        let mut subsets: Vec<_> = self
            .subset
            .into_iter()
            .chain(self.subsets.iter().copied())
            .collect();
        subsets.sort_unstable();
        subsets.dedup();
        subsets
    }

    /// Returns the name of the subset, or of all pooled subsets: `FD002+FD004`.
    pub(super) fn name(&self) -> String {
        self.read_subsets()
            .into_iter()
            .map(Subset::name)
            .collect::<Vec<_>>()
            .join("+")
    }

    /// Returns the number of training units in the published files.
    pub fn training_units(&self) -> Option<usize> {
        let units = |subset| {
            manifest::cmapss()
                .part(subset, Role::Train)
                .map(|file| file.units)
        };
        usize::try_from(
            self.read_subsets()
                .into_iter()
                .map(units)
                .sum::<Option<u64>>()?,
        )
        .ok()
    }

    /// Returns the files by role, then subset; a pooled subset is the group of its files.
    pub(super) fn files(&self) -> Vec<PartFile> {
        let subsets = self.read_subsets();
        let group = |subset: Subset| (subsets.len() > 1).then(|| subset.name().to_owned());
        let by_subset = subsets
            .iter()
            .map(|subset| (group(*subset), files(&self.path, subset.name())));
        let mut parts: Vec<_> = by_subset
            .flat_map(|(group, files)| {
                files.map(|(role, path)| PartFile {
                    name: None,
                    role,
                    group: group.clone(),
                    path,
                })
            })
            .collect();
        parts.sort_by_key(|part| part.role);
        parts
    }

    /// Returns the published file that corresponds to a file of this data set.
    pub(super) fn published(&self, role: Role, group: Option<&str>) -> Option<&'static PinnedFile> {
        let subset = match group {
            Some(name) => name.parse().ok()?,
            None => self.subset?,
        };
        manifest::cmapss().part(subset, role)
    }

    /// Returns what is out of range or impossible.
    pub fn problems(&self) -> Vec<Problem> {
        let empty = self.path.as_os_str().is_empty();
        let path = empty.then(|| Problem::new("path", "is empty").hint("datasets/cmapss"));
        self.pool_problem().into_iter().chain(path).collect()
    }

    fn pool_problem(&self) -> Option<Problem> {
        match (self.subset, self.subsets.as_slice()) {
            (_, []) => None,
            (Some(_), _) => {
                let problem = Problem::new("subsets", "must not be combined with `subset`")
                    .with_code(Code::KeysExclude);
                Some(problem.hint("write one of the two"))
            }
            (None, [one]) => {
                let problem = Problem::new("subsets", "needs at least 2 subsets");
                Some(problem.hint(format!("for a single subset: subset = \"{one}\"")))
            }
            (None, all) => {
                let (_, twice) = all
                    .iter()
                    .enumerate()
                    .find(|(i, subset)| all[..*i].contains(subset))?;
                Some(
                    Problem::new("subsets", format!("names {twice} twice"))
                        .with_code(Code::NamedTwice),
                )
            }
        }
    }
}

/// Reads the list of subsets; refuses an empty one, which would silently mean the default subset.
fn at_least_one<'de, D: Deserializer<'de>>(list: D) -> Result<Vec<Subset>, D::Error> {
    let subsets = Vec::deserialize(list)?;
    if subsets.is_empty() {
        Err(D::Error::custom("needs at least 2 subsets"))
    } else {
        Ok(subsets)
    }
}

/// Returns the three files of a subset, or of a fleet in its format.
pub(super) fn files(folder: &Path, name: &str) -> [(Role, PathBuf); 3] {
    [
        (Role::Train, "train"),
        (Role::Test, "test"),
        (Role::Rul, "RUL"),
    ]
    .map(|(role, prefix)| (role, folder.join(format!("{prefix}_{name}.txt"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(subsets: &[Subset]) -> CmapssOptions {
        CmapssOptions {
            subset: None,
            subsets: subsets.to_vec(),
            ..Default::default()
        }
    }

    #[test]
    fn a_pool_is_named_and_read_in_the_order_of_the_subsets() {
        let pool = pool(&[Subset::FD004, Subset::FD002]);
        assert_eq!(
            (pool.name().as_str(), pool.training_units(), pool.problems()),
            ("FD002+FD004", Some(509), vec![])
        );
        let files: Vec<_> = pool
            .files()
            .into_iter()
            .map(|part| (part.role, part.group.unwrap()))
            .collect();
        let expected = [Role::Train, Role::Test, Role::Rul]
            .map(|role| ["FD002", "FD004"].map(|name| (role, name.to_owned())));
        assert_eq!(files, expected.concat());
        let published = pool.published(Role::Test, Some("FD004")).unwrap();
        assert_eq!((published.subset, published.units), (Subset::FD004, 248));
    }

    #[test]
    fn either_subset_or_subsets_is_given() {
        let message = |options: CmapssOptions| {
            options
                .problems()
                .into_iter()
                .map(|p| p.message)
                .collect::<Vec<_>>()
        };
        let both = CmapssOptions {
            subset: Some(Subset::FD001),
            ..pool(&[Subset::FD001, Subset::FD002])
        };
        assert_eq!(message(both), ["must not be combined with `subset`"]);
        assert_eq!(
            message(pool(&[Subset::FD003])),
            ["needs at least 2 subsets"]
        );
        let thrice = pool(&[Subset::FD003, Subset::FD001, Subset::FD003]);
        assert_eq!(message(thrice), ["names FD003 twice"]);
        assert_eq!(pool(&[]).settled().subset, Some(Subset::FD001));
        assert_eq!(pool(&[Subset::FD001, Subset::FD002]).settled().subset, None);
    }
}
