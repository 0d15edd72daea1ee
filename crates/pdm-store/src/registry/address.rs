use std::path::{Path, PathBuf};

use super::error::RegistryError;
use super::identity::RegistryId;
use super::signing::Signing;
use crate::bucket::AddressError;
use pdm_core::domain::EnvLookup;
use pdm_core::events::Reporter;

/// What an address is read in: the folder that relative paths begin at, and the environment that holds a bucket's keys.
#[derive(Clone)]
pub struct OpenOptions<'a> {
    /// The project's folder.
    pub root: &'a Path,
    /// Its environment.
    pub variable: EnvLookup<'a>,
    /// Folder for what an interrupted transfer goes on from; without it, it begins anew.
    pub scratch: Option<PathBuf>,
    /// With what is signed, and whose signatures count.
    pub signing: Signing,
    /// Which registry must be at the address, where that is known.
    pub expected: Option<RegistryId>,
    /// Hears how far a transfer is, and knows whether to stop.
    pub reporter: Reporter,
}

/// A folder without any environment, keys or policy.
impl<'a> From<&'a Path> for OpenOptions<'a> {
    fn from(root: &'a Path) -> Self {
        Self {
            root,
            variable: &|_| None,
            scratch: None,
            signing: Signing::default(),
            expected: None,
            reporter: Reporter::silent(),
        }
    }
}

impl From<AddressError> for RegistryError {
    fn from(error: AddressError) -> Self {
        match error {
            AddressError::Scheme { url, scheme } => Self::UnknownScheme { url, scheme },
            AddressError::Bad { url, what } => Self::Address { url, what },
        }
    }
}
