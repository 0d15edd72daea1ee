//! The file that records how a fleet was simulated.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::findings::{FindingLocation, FindingLog};
use super::super::ingest::shown_path;
use super::super::{DataError, Expectation, Role};
use super::SimulateOptions;
use pdm_core::content::Digest;

/// How the files of a fleet were simulated; stored next to them as `<name>.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct SimulationOrigin {
    train_units: u32,
    test_units: u32,
    regimes: u32,
    fault_modes: u32,
    seed: u64,
    train: Digest,
    test: Digest,
    rul: Digest,
}

/// Returns whether all files of a fleet exist and were simulated with these options.
///
/// Files that were changed since are not detected here, but by [`super::super::validate`].
pub fn is_simulated(options: &SimulateOptions, root: &Path) -> bool {
    let folder = root.join(&options.path);
    let Some(origin) = SimulationOrigin::find(options, &folder) else {
        return false;
    };
    let expected = SimulationOrigin::new(options, [origin.train, origin.test, origin.rul]);
    origin == expected
        && ["train", "test", "RUL"].iter().all(|part| {
            folder
                .join(format!("{part}_{}.txt", options.name))
                .is_file()
        })
}

impl SimulationOrigin {
    pub(super) fn new(options: &SimulateOptions, [train, test, rul]: [Digest; 3]) -> Self {
        let SimulateOptions {
            train_units,
            test_units,
            regimes,
            fault_modes,
            seed,
            ..
        } = *options;
        Self {
            train_units,
            test_units,
            regimes,
            fault_modes,
            seed,
            train,
            test,
            rul,
        }
    }

    /// Reads the origin in a folder; `None` if it is missing or invalid.
    pub(super) fn find(options: &SimulateOptions, folder: &Path) -> Option<Self> {
        let text = std::fs::read(folder.join(Self::file_name(options))).ok()?;
        serde_json::from_slice(&text).ok()
    }

    pub(super) fn file_name(options: &SimulateOptions) -> String {
        format!("{}.json", options.name)
    }

    /// Reads the origin next to the files, if it exists, and logs files that were simulated with other options, for example
    /// after the seed was changed without simulating again.
    pub(in super::super) fn read(
        options: &SimulateOptions,
        root: &Path,
        log: &mut FindingLog,
    ) -> Result<Option<Self>, DataError> {
        let path = root.join(&options.path).join(Self::file_name(options));
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(DataError::io("read", &path)(error)),
        };
        let shown = shown_path(&path, root);
        let mut note = |location: &str, message| {
            log.error(
                Expectation::Pinned,
                FindingLocation::file(location),
                message,
            );
        };
        match serde_json::from_slice::<Self>(&text) {
            Ok(origin) => {
                if origin != Self::new(options, [origin.train, origin.test, origin.rul]) {
                    note(
                        &shown,
                        format!(
                            "the files were simulated with {}; simulate them again",
                            origin.describe()
                        ),
                    );
                }
                Ok(Some(origin))
            }
            Err(error) => {
                note(
                    &shown,
                    format!("does not say how the files were simulated: {error}"),
                );
                Ok(None)
            }
        }
    }

    /// Returns the digest of a file; `None` for a role that is not simulated.
    pub(in super::super) fn digest(&self, role: Role) -> Option<Digest> {
        match role {
            Role::Train => Some(self.train),
            Role::Test => Some(self.test),
            Role::Rul => Some(self.rul),
            Role::Events => None,
        }
    }

    fn describe(&self) -> String {
        let Self {
            train_units,
            test_units,
            regimes,
            fault_modes,
            seed,
            ..
        } = self;
        format!(
            "train_units = {train_units}, test_units = {test_units}, regimes = {regimes}, \
             fault_modes = {fault_modes}, seed = {seed}"
        )
    }
}
