//! Explains missing files that were collected.

use crate::registry::error::RegistryError;
use crate::registry::manifest::ModelVersion;
use crate::registry::registry::Registry;

impl Registry {
    /// Replaces an error about missing files by [`RegistryError::Collected`] if the version's files were collected.
    pub(crate) async fn explained<T>(
        &self,
        version: &ModelVersion,
        outcome: Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        let Err(error @ RegistryError::Integrity { .. }) = outcome else {
            return outcome;
        };
        let state = self.state(None).await?;
        let collection = state
            .model(&version.model)
            .ok()
            .and_then(|model| model.collection(version.version));
        Err(match collection {
            Some(collection) => RegistryError::Collected {
                model: version.model.clone(),
                version: version.version,
                collection: Box::new(collection.clone()),
            },
            None => error,
        })
    }
}
