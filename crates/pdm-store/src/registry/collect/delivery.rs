//! Finds blobs that are missing after an entry was written.

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::registry::error::RegistryError;
use crate::registry::keys::ObjectKey;
use crate::registry::store::Store;
use pdm_core::content::Digest;

/// Blobs checked at the same time.
const CHECKS: usize = 8;

impl Store {
    /// Returns which of these blobs are missing.
    pub(crate) async fn absent(
        &self,
        blobs: impl IntoIterator<Item = Digest>,
    ) -> Result<Vec<Digest>, RegistryError> {
        let blobs: Vec<_> = blobs.into_iter().collect();
        let lengths = stream::iter(blobs.clone()).map(|blob| self.length(ObjectKey::Blob(blob)));
        let lengths: Vec<_> = lengths.buffered(CHECKS).try_collect().await?;
        Ok(blobs
            .into_iter()
            .zip(lengths)
            .filter(|(_, length)| length.is_none())
            .map(|(blob, _)| blob)
            .collect())
    }
}
