//! The blocking form of collecting.

use jiff::{SignedDuration, Timestamp};

use super::{Collectable, Leftover, Removed, Swept};
use crate::registry::blocking::Registry;
use crate::registry::entry::Stamp;
use crate::registry::error::RegistryError;

impl Registry {
    /// Returns what could be collected; see [`crate::registry::Registry::collectable`].
    ///
    /// # Errors
    /// As there.
    pub fn collectable(
        &self,
        grace: SignedDuration,
        now: Timestamp,
    ) -> Result<Collectable, RegistryError> {
        self.wait(self.inner.collectable(grace, now))
    }

    /// Removes unneeded blobs; see [`crate::registry::Registry::collect`].
    ///
    /// # Errors
    /// As there.
    pub fn collect(
        &self,
        found: &Collectable,
        force: bool,
        stamp: &Stamp,
    ) -> Result<Removed, RegistryError> {
        self.wait(self.inner.collect(found, force, stamp))
    }

    /// Returns the leftovers of killed jobs on this machine; see [`crate::registry::Registry::leftovers`].
    ///
    /// # Errors
    /// As there.
    pub fn leftovers(
        &self,
        grace: SignedDuration,
        now: Timestamp,
    ) -> Result<Vec<Leftover>, RegistryError> {
        self.inner.leftovers(grace, now)
    }

    /// Removes leftovers of killed jobs; see [`crate::registry::Registry::sweep`].
    ///
    /// # Errors
    /// As there.
    pub fn sweep(&self, leftovers: &[Leftover]) -> Result<Swept, RegistryError> {
        self.wait(self.inner.sweep(leftovers))
    }
}
