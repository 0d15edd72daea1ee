//! Options for opening a registry.

use std::path::{Path, PathBuf};

use super::error::RegistryError;
use super::identity::RegistryId;
use super::signing::Signing;
use crate::bucket::AddressError;
use pdm_core::domain::EnvLookup;
use pdm_core::events::Reporter;

/// Options for opening a registry.
#[derive(Clone)]
pub struct OpenOptions<'a> {
    /// The project's folder, which relative paths start from.
    pub root: &'a Path,
    /// Looks up environment variables, which hold a bucket's credentials.
    pub variable: EnvLookup<'a>,
    /// Folder for the state of interrupted transfers; without it, they start from state_dir.
    pub state_dir: Option<PathBuf>,
    /// The key that signs entries, and the keys that are trusted.
    pub signing: Signing,
    /// Id of the registry that must be at the address, if known.
    pub expected: Option<RegistryId>,
    /// Reports the progress of transfers, and whether to stop.
    pub reporter: Reporter,
}

/// A project folder without environment, keys or policy.
impl<'a> From<&'a Path> for OpenOptions<'a> {
    fn from(root: &'a Path) -> Self {
        Self {
            root,
            variable: &|_| None,
            state_dir: None,
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
