//! The models of a registry, as shown on a tracking server.

use std::collections::BTreeMap;

use serde::Serialize;

/// The models of a registry, to be copied to a server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Catalog {
    /// Models, in order of name.
    pub models: Vec<CatalogModel>,
}

/// One model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CatalogModel {
    /// Name of the model.
    pub name: String,
    /// Versions, oldest first.
    pub versions: Vec<CatalogVersion>,
    /// Which version each alias points to.
    pub aliases: BTreeMap<String, u32>,
}

/// One version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CatalogVersion {
    /// Our number of the version; the server's own may differ.
    pub number: u32,
    /// Digest of the bundle.
    pub bundle: String,
    /// Id of the run that made it.
    pub run: String,
    /// Further values, by name.
    pub tags: BTreeMap<String, String>,
}
