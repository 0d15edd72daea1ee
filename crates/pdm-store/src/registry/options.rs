//! The table `[registry]` of a pipeline.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::RegistryError;
use super::identity::{IdError, RegistryId};
use super::name::{Alias, ModelName, NameError};
use crate::bucket::BucketAddress;
use pdm_core::codes::Code;
use pdm_core::domain::Problem;

/// Where versions are registered and which alias the gates guard: the table `[registry]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RegistryOptions {
    /// The store: a path relative to the project, `file:///…`, or a bucket: `s3://bucket/prefix`, and with the features `gcs` and
    /// `azure` also `gs://…` and `az://…`. Keys, endpoint and region of a bucket come from the environment.
    pub url: String,
    /// Id of the registry, as `pdm-ml registry verify` prints it; if empty, any registry is accepted, and a new one is created
    /// if there is none. With an id, an unmounted share, a wrong prefix or another plant's log is an error instead of an empty
    /// registry.
    pub id: String,
    /// Name of the model: lower-case letters, digits, `-`, `_` and `.`; if empty, the project's name.
    pub model: String,
    /// Alias that a version gets if every gate passes, and whose version the gates compare with.
    pub alias: String,
    /// Whether a version that passes every gate is promoted immediately.
    pub promote: bool,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self {
            url: "registry/store".to_owned(),
            id: String::new(),
            model: String::new(),
            alias: "champion".to_owned(),
            promote: true,
        }
    }
}

impl RegistryOptions {
    /// Returns what is wrong with the options.
    pub fn problems(&self) -> Vec<Problem> {
        let url = BucketAddress::parse(&self.url)
            .err()
            .map(RegistryError::from);
        let url = url.map(|error| Problem::new("url", error.to_string()).with_code(error.code()));
        let model = match self.model.as_str() {
            "" => None,
            name => name
                .parse::<ModelName>()
                .err()
                .map(|error| Problem::new("model", error.to_string()).with_code(error.code())),
        };
        let alias = self
            .alias()
            .err()
            .map(|error| Problem::new("alias", error.to_string()).with_code(error.code()));
        let id = self
            .expected()
            .err()
            .map(|error| Problem::new("id", error.to_string()).with_code(Code::BadValue));
        [url, id, model, alias].into_iter().flatten().collect()
    }

    /// Returns the id that the registry must have; `None` if any registry is accepted.
    ///
    /// # Errors
    /// [`IdError`] if it is not an id.
    pub fn expected(&self) -> Result<Option<RegistryId>, IdError> {
        if self.id.is_empty() {
            Ok(None)
        } else {
            self.id.parse().map(Some)
        }
    }

    /// Returns the name of the model; `project` if none is set.
    ///
    /// # Errors
    /// [`NameError`] if the name breaks the grammar.
    pub fn model_name(&self, project: &str) -> Result<ModelName, NameError> {
        if self.model.is_empty() {
            project.parse()
        } else {
            self.model.parse()
        }
    }

    /// Returns the alias.
    ///
    /// # Errors
    /// [`NameError`] if it breaks the grammar.
    pub fn alias(&self) -> Result<Alias, NameError> {
        self.alias.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_have_no_problem() {
        let options = RegistryOptions::default();
        assert_eq!(options.problems(), []);
        assert_eq!(options.model_name("turbofan").unwrap().as_str(), "turbofan");
        assert!(options.model_name("Turbo Fan").is_err());
    }

    #[test]
    fn every_wrong_key_is_named() {
        let options: RegistryOptions =
            toml::from_str("url = 'ftp://bucket/x'\nid = 'plant-7'\nmodel = 'A'\nalias = 'latest'\npromote = false")
                .unwrap();
        let paths: Vec<_> = options
            .problems()
            .into_iter()
            .map(|problem| problem.path)
            .collect();
        assert_eq!(paths, ["url", "id", "model", "alias"]);
    }
}
