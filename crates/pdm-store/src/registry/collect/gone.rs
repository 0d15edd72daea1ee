use crate::registry::error::RegistryError;
use crate::registry::manifest::ModelVersion;
use crate::registry::registry::Registry;

impl Registry {
    /// Tells who collected a version's files where that is why they are missing.
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
