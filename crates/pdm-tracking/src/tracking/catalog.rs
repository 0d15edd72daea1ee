use std::collections::BTreeMap;

use serde::Serialize;

/// The models a registry has, as a server is to show them. The registry is the truth, the server a copy.
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
    /// What else is worth knowing, by name.
    pub tags: BTreeMap<String, String>,
}
