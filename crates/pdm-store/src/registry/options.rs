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
    /// The store: a path relative to the project, `file:///…`, or a bucket: `s3://bucket/prefix`, and with programs built
    /// so `gs://…` and `az://…`. Keys, endpoint and region of a bucket come from the environment.
    pub url: String,
    /// Which registry must be there, as `pdm-ml registry verify` prints it; empty takes whatever is there, and begins a registry
    /// where there is none. With it an unmounted share, a wrong prefix or another plant's log is an error, and no empty registry.
    pub id: String,
    /// Name of the model: lower-case letters, digits, `-`, `_` and `.`; empty takes the project's name.
    pub model: String,
    /// Alias that a version gets when every gate passes, and that gates compare with.
    pub alias: String,
    /// Whether a version that passes every gate is promoted at once.
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

    /// Returns which registry must be there; `None` where whatever is there is taken.
    ///
    /// # Errors
    /// [`IdError`] where it is no identity.
    pub fn expected(&self) -> Result<Option<RegistryId>, IdError> {
        if self.id.is_empty() {
            Ok(None)
        } else {
            self.id.parse().map(Some)
        }
    }

    /// Returns the name of the model; `project` where none is set.
    ///
    /// # Errors
    /// [`NameError`] where the name breaks the grammar.
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
    /// [`NameError`] where it breaks the grammar.
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
