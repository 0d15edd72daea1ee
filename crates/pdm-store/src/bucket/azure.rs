//! Opens containers of Azure Blob Storage.

use object_store::azure::MicrosoftAzureBuilder;

use super::{Bucket, OpenResult, network, requests};
use pdm_core::domain::EnvLookup;

/// The variables of Azure's own tools that object_store understands.
const VARIABLES: [&str; 12] = [
    "AZURE_STORAGE_ACCOUNT_NAME",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_TOKEN",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_TENANT_ID",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_MSI_ENDPOINT",
    "AZURE_USE_AZURE_CLI",
    "AZURE_STORAGE_ENDPOINT",
    "AZURE_STORAGE_USE_EMULATOR",
];

/// Allows endpoints without TLS.
const ALLOW_HTTP: &str = "AZURE_ALLOW_HTTP";

/// Opens a container. Without credentials, the machine's managed identity is used.
pub(super) fn open(container: &str, variable: EnvLookup<'_>) -> OpenResult {
    let endpoint = variable("AZURE_STORAGE_ENDPOINT");
    let mut builder = MicrosoftAzureBuilder::new()
        .with_container_name(container)
        .with_client_options(network::client_options(
            variable,
            endpoint.as_deref(),
            ALLOW_HTTP,
        )?)
        .with_http_connector(requests::Logged::default())
        .with_retry(network::retries());
    for (key, value) in network::settings(&VARIABLES, variable)? {
        builder = builder.with_config(key, value);
    }
    builder
        .build()
        .map(Bucket::of)
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use object_store::azure::AzureConfigKey;

    use super::*;

    #[test]
    fn every_variable_is_known_to_the_store() {
        VARIABLES
            .into_iter()
            .for_each(|name| _ = network::key::<AzureConfigKey>(name).unwrap());
    }
}
