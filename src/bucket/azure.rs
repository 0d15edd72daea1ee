use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};

use super::Variable;
use super::{Bucket, Opened, network};

/// What Azure's own tools read, and object_store obeys.
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

/// Opens a container. Without credentials the machine's managed identity is asked for.
pub(super) fn open(container: &str, variable: Variable<'_>) -> Opened {
    let asked_for = variable(ALLOW_HTTP).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let allow_http = network::allows_http(variable("AZURE_STORAGE_ENDPOINT").as_deref(), ALLOW_HTTP, asked_for)?;
    let mut builder = MicrosoftAzureBuilder::new()
        .with_container_name(container)
        .with_client_options(network::client_options(variable, allow_http)?)
        .with_retry(network::retries());
    for (name, value) in VARIABLES.into_iter().filter_map(|name| Some((name, variable(name)?))) {
        builder = builder.with_config(key(name)?, value);
    }
    builder.build().map(Bucket::of).map_err(|error| error.to_string())
}

fn key(name: &str) -> Result<AzureConfigKey, String> {
    name.to_ascii_lowercase().parse().map_err(|error: object_store::Error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_is_known_to_the_store() {
        VARIABLES.into_iter().for_each(|name| _ = key(name).unwrap());
    }
}
